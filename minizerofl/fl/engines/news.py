"""News of a job that is still running: it reports them where it runs, and they are heard where results are awaited."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

Notice = Callable[[object], object]  # is told what is reported


@dataclass(frozen=True)
class Compilation:
    """A kernel was compiled, in some seconds."""

    seconds: float


def _ignore(news: object) -> None:
    """Do nothing."""


_notice: ContextVar[Notice] = ContextVar("notice", default=_ignore)


def report(news: object) -> None:
    """Tell whoever listens to this job; nobody does unless `heard_by` says so.

    Examples
    --------
    >>> with heard_by(print):
    ...     report("halfway")
    halfway
    >>> report("nobody hears this")
    """
    _notice.get()(news)


@contextmanager
def heard_by(notice: Notice) -> Iterator[None]:
    """Let what is reported in this thread, in the body of a ``with`` statement, be heard."""
    token = _notice.set(notice)
    try:
        yield
    finally:
        _notice.reset(token)
