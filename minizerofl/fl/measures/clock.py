"""A clock for the parts of a round: it says where the time goes, in every thread and process that works for the round.

Code names its parts by `timed`, as a ``with`` statement or as a decorator. In ordinary runs no clock runs, and `timed`
does nothing. `minizerofl trace --round` starts one (`running`); workers then time their parts too, and an engine
brings these home.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from time import perf_counter, thread_time
from typing import NamedTuple


class Span(NamedTuple):
    """One part, done once.

    Attributes
    ----------
    part : str
        What was done.
    client : str
        For which client, if the part says it; parts within it are for the same client.
    lane : tuple of int
        Where: the process and its thread.
    began, ended : float
        When, in seconds of `time.perf_counter`, which is the same clock in all processes of a Linux machine.
    cpu : float
        In how many of these seconds a processor worked for this thread. The rest is waiting.
    """

    part: str
    client: str
    lane: tuple[int, int]
    began: float
    ended: float
    cpu: float


class Clock:
    """The spans so far, in the order in which they ended; spans within a span come before it.

    Examples
    --------
    >>> clock = Clock()
    >>> with running(clock), timed("turn", "alice"), timed("select"):
    ...     pass
    >>> with timed("select"):
    ...     pass  # no clock runs
    >>> [(span.part, span.client) for span in clock.take()]
    [('select', ''), ('turn', 'alice')]
    """

    def __init__(self) -> None:
        self._spans: list[Span] = []

    def add(self, spans: Iterable[Span]) -> None:
        """Add spans, such as those of another process."""
        self._spans.extend(spans)

    def take(self) -> list[Span]:
        """Return the spans since the last call."""
        spans, self._spans = self._spans, []
        return spans


_clock: ContextVar[Clock | None] = ContextVar("clock", default=None)


def current() -> Clock | None:
    """Return the clock that runs in this thread, if one does."""
    return _clock.get()


@contextmanager
def running(clock: Clock | None) -> Iterator[None]:
    """Let a clock run in this thread in the body of a ``with`` statement, and in the workers of engines made there."""
    token = _clock.set(clock)
    try:
        yield
    finally:
        _clock.reset(token)


@contextmanager
def timed(part: str, client: str = "") -> Iterator[None]:
    """Time the body of a ``with`` statement, or each call of a function, if a clock runs.

    Parameters
    ----------
    part : str
        What is done; spans of one name add up.
    client : str
        For which client, if that is not known already.
    """
    clock = _clock.get()
    if clock is None:
        yield
        return
    lane = os.getpid(), threading.get_ident()
    began, cpu = perf_counter(), thread_time()
    try:
        yield
    finally:
        used = thread_time() - cpu
        clock.add([Span(part, client, lane, began, perf_counter(), used)])
