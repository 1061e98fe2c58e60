"""How far a long reading is: a line for every tenth, once it has taken a second."""

from __future__ import annotations

import time
from collections.abc import Callable

from minizerofl_cli.screen.progress import MB

UNKNOWN = 50 * MB  # from line to line, where nobody knows how much there is


class Meter:
    """Is called with what is done and what there is in all, and says so now and then.

    Parameters
    ----------
    what : str
        What is going on.
    say : callable
        Shows a line.
    unit : str
        "MB" for bytes, otherwise the name of what is counted.
    patience : float
        Seconds in which nothing is said: what is quick needs no lines.

    Examples
    --------
    >>> meter = Meter("Reading", print, patience=0)
    >>> for done in (100_000, 900_000, 1_000_000, 2_000_000):
    ...     meter(done, 2_000_000)
    Reading: 45 % of 2 MB
    Reading: 50 % of 2 MB
    Reading: 100 % of 2 MB
    """

    def __init__(self, what: str, say: Callable[[str], None], unit: str = "MB", patience: float = 1.0) -> None:
        self._what = what
        self._say = say
        self._unit = unit
        self._silent_until = time.monotonic() + patience
        self._next = 0.1
        self._last = 0

    def __call__(self, done: int, total: int) -> None:
        """Take notice."""
        if done < self._last:  # begun again
            self._next = 0.1
        self._last = done
        share = done / (total or 10 * UNKNOWN)
        if share < self._next or time.monotonic() < self._silent_until:
            return
        self._next = int(share * 10 + 1) / 10
        of = f"{100 * share:.0f} % of {self._count(total)}" if total else self._count(done)
        self._say(f"{self._what}: {of}")

    def _count(self, number: int) -> str:
        return f"{number / MB:,.0f} MB" if self._unit == "MB" else f"{number:,} {self._unit}"
