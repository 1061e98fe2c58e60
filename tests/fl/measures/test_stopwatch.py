"""The phases of a round and the rest are the whole time, each moment once."""

import time
from collections.abc import Iterator

import pytest

from minizerofl.fl.measures.stopwatch import Stopwatch


def busy() -> None:
    """Let more time pass than a stopwatch needs for itself."""
    end = time.perf_counter() + 0.002
    while time.perf_counter() < end:
        pass


def test_phases_and_rest_add_up_to_the_whole() -> None:
    before = time.perf_counter()
    stopwatch = Stopwatch()
    for name in ("one", "two", "one"):
        busy()
        with stopwatch.phase(name):
            busy()
    parts = stopwatch.seconds("one"), stopwatch.seconds("two"), stopwatch.rest()
    whole = time.perf_counter() - before
    assert min(parts) > 0
    assert sum(parts) <= whole
    assert stopwatch.seconds("three") == 0


def test_only_waiting_for_items_is_measured() -> None:
    stopwatch = Stopwatch()
    waited = 0.0

    def slow() -> Iterator[int]:
        nonlocal waited
        for i in range(3):
            began = time.perf_counter()
            busy()
            waited += time.perf_counter() - began
            yield i

    used = 0.0
    began = time.perf_counter()
    for i, item in enumerate(stopwatch.each("waiting", slow())):
        assert item == i
        start = time.perf_counter()
        busy()
        used += time.perf_counter() - start
    whole = time.perf_counter() - began
    assert waited <= stopwatch.seconds("waiting") <= whole - used
    assert stopwatch.rest() >= used


def test_what_is_raised_goes_through_and_is_measured() -> None:
    stopwatch = Stopwatch()

    def broken() -> Iterator[int]:
        yield 1
        raise OSError("gone")

    items = stopwatch.each("waiting", broken())
    assert next(items) == 1
    before = stopwatch.seconds("waiting")
    with pytest.raises(OSError, match="gone"):
        next(items)
    assert stopwatch.seconds("waiting") > before
