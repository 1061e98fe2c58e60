"""Bursts: everyone has turns, all steps at once, and the first steps of a turn do not count."""

import multiprocessing
import threading
from statistics import median

import pytest

from minizerofl.fl.engines.processes import AVAILABLE
from minizerofl_cli.bench.bursts import FEWEST, WARM_UP, Contender, alternate


def test_a_burst_is_prepared_once_and_counts_no_warm_up() -> None:
    events, seconds = [], [0]
    counted = range(1, FEWEST + 1)
    durations = iter([*[100] * WARM_UP, *counted])  # what a warm-up step takes does not show

    def step() -> None:
        events.append("step")
        seconds[0] += next(durations)

    rate = Contender("a", [step], lambda: events.append("prepare")).burst(0, clock=lambda: seconds[0])
    assert events == ["prepare"] + ["step"] * (WARM_UP + FEWEST)
    assert rate == 1 / median(counted)


def test_all_steps_run_at_once() -> None:
    meeting = (multiprocessing if AVAILABLE else threading).Barrier(3, timeout=10)  # each step waits for the two others
    assert Contender("a", [meeting.wait] * 3).burst(0, apart=True) > 0


def test_an_error_in_a_step_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        Contender("a", [lambda: 1 / 0, lambda: None]).burst(0)


def test_steps_are_timed_by_the_clock_that_is_given() -> None:
    ticks = iter(range(1000))
    assert Contender("a", [lambda: None]).burst(0, clock=lambda: 4.0 * next(ticks)) == 1 / 4


def test_turns() -> None:
    turns = []
    contenders = [Contender(name, [lambda: None], lambda name=name: turns.append(name)) for name in "abc"]
    rounds = list(alternate(contenders, bursts=3, seconds=0))
    assert "".join(turns) == "abccbaabc"
    assert [number for number, _ in rounds] == [1, 2, 3]
    assert all(set(rates) == set("abc") for _, rates in rounds)
