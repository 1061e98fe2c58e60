"""Signs of life where there is no bar: what is going on is said whenever nothing else was said for some seconds."""

from __future__ import annotations

import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Thread
from types import TracebackType
from typing import Self

from minizerofl_cli.screen.duration import duration

SILENCE = 4.5  # seconds
LOOK = 0.25  # seconds from one look at the clock to the next

What = str | Callable[[], str]  # what is going on; a function tells it as it is when it is called


def told_with_time(what: What) -> Callable[[], str]:
    """Return a function that tells what is going on, with the seconds since now if it is a plain text.

    Examples
    --------
    >>> told_with_time("reading femnist")(), told_with_time(lambda: "4 of 10")()
    ('reading femnist', '4 of 10')
    """
    started = time.monotonic()

    def told() -> str:
        seconds = time.monotonic() - started
        return f"{what}, {duration(seconds)}" if what and seconds >= 1 else str(what)

    return what if callable(what) else told


class Pulse:
    """A thread that says what is going on.

    It waits for a `SimpleQueue`, which holds no Python-level lock: a signal handler may raise at any bytecode.

    Parameters
    ----------
    show : callable
        Shows a line.
    silence : float, optional
        Seconds in which nothing was said; SILENCE by default.
    """

    def __init__(self, show: Callable[[str], None], silence: float | None = None) -> None:
        self.doing: Callable[[], str] = str
        self._show = show
        self._silence = SILENCE if silence is None else silence
        self._heard = time.monotonic()
        self._over: SimpleQueue[None] = SimpleQueue()
        self._thread = Thread(target=self._beat, daemon=True)

    def heard(self) -> None:
        """Take notice that a line has been said."""
        self._heard = time.monotonic()

    def _beat(self) -> None:
        while True:
            try:
                return self._over.get(timeout=min(LOOK, self._silence))
            except Empty:
                pass
            if time.monotonic() > self._heard + self._silence and (text := self.doing()):
                self.heard()
                try:
                    self._show(text)
                except OSError:  # The reader has gone: the next line that matters will find out.
                    return None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.put(None)
        self._thread.join(1)
