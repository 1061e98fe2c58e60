"""How long the phases of a round take, measured beside the code of the round instead of in it."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

Item = TypeVar("Item")


class Stopwatch:
    """Measures named phases from the moment it is made; phases must not overlap.

    Examples
    --------
    >>> stopwatch = Stopwatch()
    >>> for item in stopwatch.each("waiting", ["first", "second"]):
    ...     with stopwatch.phase("printing"):
    ...         print(item)
    first
    second
    >>> min(stopwatch.seconds("waiting"), stopwatch.seconds("printing"), stopwatch.rest()) > 0
    True
    """

    def __init__(self) -> None:
        self._started = time.perf_counter()
        self._seconds: defaultdict[str, float] = defaultdict(float)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Measure the body of a ``with`` statement; several of one name add up."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self._seconds[name] += time.perf_counter() - began

    def each(self, name: str, items: Iterable[Item]) -> Iterator[Item]:
        """Yield items, and measure how long they take to come; what is done with them is not measured."""
        iterator = iter(items)
        while True:
            with self.phase(name):
                try:
                    item = next(iterator)
                except StopIteration:
                    return
            yield item

    def seconds(self, name: str) -> float:
        """Return the seconds of a phase so far."""
        return self._seconds[name]

    def rest(self) -> float:
        """Return the seconds so far that belong to no phase."""
        return time.perf_counter() - self._started - sum(self._seconds.values())
