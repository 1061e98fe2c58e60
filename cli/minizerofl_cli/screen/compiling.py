"""Says that kernels are compiled when they are, and afterwards how long it took."""

from __future__ import annotations

import time
from collections.abc import Callable

from minizerofl_cli.screen.duration import duration

COUNTS = 0.2  # seconds of compiling that are worth a line


class Compiling:
    """What is said about compiling: nothing, where all kernels are read from disk.

    Parameters
    ----------
    say : callable
        Shows a line.

    Examples
    --------
    >>> compiling = Compiling(print)
    >>> compiling(0.1), bool(compiling)
    (None, False)
    """

    def __init__(self, say: Callable[[str], object]) -> None:
        self._say = say
        self._begun = False
        self._kernels, self._seconds, self._end = 0, 0.0, 0.0

    def __call__(self, seconds: float) -> None:
        """Take notice of a kernel that has just been compiled; several processes may compile at once."""
        now = time.monotonic()
        self._seconds += min(seconds, now - self._end)
        self._end = now
        self._kernels += 1
        if not self._begun and self._seconds > COUNTS:
            self._begun = True
            self._say(_announcement())

    def __bool__(self) -> bool:
        """Whether it was said that kernels are compiled."""
        return self._begun

    def __str__(self) -> str:
        return f"compiling the kernels, {self._kernels} so far"

    def over(self) -> None:
        """Say how long it took, if it was said that it began."""
        if self._begun:
            kernels = "1 kernel" if self._kernels == 1 else f"{self._kernels} kernels"
            self._say(f"Compiled {kernels} in {duration(self._seconds)}.")
        self._begun, self._kernels, self._seconds = False, 0, 0.0


def _announcement() -> str:
    from minizerofl.kernels.jit import how_kernels_run  # imports numba, which has just compiled

    if how_kernels_run() == "kept":
        return "Compiling the kernels, once: they are kept for later runs."
    return "Compiling the kernels. No folder to keep them in can be written to; NUMBA_CACHE_DIR names one."
