"""Bursts: everyone has turns, in every thread, and the first steps of a turn do not count."""

import threading
import time

import pytest

from minizerofl_cli.bench.bursts import FEWEST, WARM_UP, Contender, alternate


def test_a_burst_is_prepared_once_and_counts_no_warm_up() -> None:
    events = []

    def step() -> None:
        events.append("step")
        if len(events) <= 1 + WARM_UP:
            time.sleep(0.2)  # what a warm-up step takes does not show

    rate = Contender("a", [step], lambda: events.append("prepare")).burst(0)
    assert events == ["prepare"] + ["step"] * (WARM_UP + FEWEST)
    assert rate > 10


def test_every_step_has_a_thread_and_all_run_at_once() -> None:
    meeting = threading.Barrier(3, timeout=10)  # each step waits for the two others
    assert Contender("a", [meeting.wait] * 3).burst(0) > 0


def test_an_error_in_a_step_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        Contender("a", [lambda: 1 / 0, lambda: None]).burst(0)


def test_steps_are_timed_by_the_clock_that_is_given() -> None:
    ticks = iter(range(1000))
    assert Contender("a", [lambda: time.sleep(0.001)]).burst(0, clock=lambda: 4.0 * next(ticks)) == 1 / 4


def test_turns() -> None:
    turns = []
    contenders = [Contender(name, [lambda: None], lambda name=name: turns.append(name)) for name in "abc"]
    rounds = list(alternate(contenders, bursts=3, seconds=0))
    assert "".join(turns) == "abccbaabc"
    assert [number for number, _ in rounds] == [1, 2, 3]
    assert all(set(rates) == set("abc") for _, rates in rounds)
