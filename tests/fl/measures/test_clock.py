"""The clock of a round: it times parts where they are done, brings them home, and changes nothing."""

import os
import threading
from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest

from minizerofl import nn
from minizerofl.fl import Simulation
from minizerofl.fl.engines import Engine, ProcessEngine, ThreadEngine
from minizerofl.fl.engines.processes import AVAILABLE
from minizerofl.fl.measures.clock import Clock, current, running, timed

processes = pytest.mark.skipif(not AVAILABLE, reason="there are no forked processes here")
engines = pytest.mark.parametrize("start", [ThreadEngine, pytest.param(ProcessEngine, marks=processes)])
names = pytest.mark.parametrize("engine", ["threads", pytest.param("processes", marks=processes)])
OF_A_TURN = {"train", "load model", "mini-batches", "count multiply-adds", "check", "select", "encode", "read samples"}
OF_A_ROUND = {"encode model", "decode model", "take in", "decode", "fold", "server step", "record", "evaluate", "wait"}


@timed("work")
def work(model: nn.Module, job: int) -> int:
    if job < 0:
        raise ValueError("negative")
    with timed("inner", f"client {job}"):
        return 2 * job


def test_a_part_that_fails_is_timed_and_the_clock_stops_with_its_block() -> None:
    clock = Clock()
    with pytest.raises(ValueError, match="negative"), running(clock):
        work(nn.Flatten(), -1)
    assert current() is None
    work(nn.Flatten(), 1)
    (span,) = clock.take()
    assert (span.part, span.lane) == ("work", (os.getpid(), threading.get_ident()))
    assert clock.take() == []


def test_a_span_holds_the_spans_within_it() -> None:
    clock = Clock()
    with running(clock):
        assert work(nn.Flatten(), 3) == 6
    inner, outer = clock.take()
    assert (inner.part, inner.client, outer.part) == ("inner", "client 3", "work")
    assert outer.began <= inner.began <= inner.ended <= outer.ended
    assert inner.cpu <= outer.cpu


@engines
def test_workers_bring_their_spans_home_once(start: Callable[..., Engine]) -> None:
    clock = Clock()
    with running(clock):
        with timed("before the workers"):
            pass
        with start(nn.Flatten, workers=2) as engine:
            assert list(engine.run(work, [1, 2, 3])) == [2, 4, 6]
    parts = Counter((span.part, span.client) for span in clock.take())
    wanted = {("before the workers", ""): 1, ("work", ""): 3, **{("inner", f"client {i}"): 1 for i in (1, 2, 3)}}
    assert {key: parts[key] for key in wanted} == wanted
    assert parts["wait", ""] >= 1


@engines
def test_an_engine_without_a_clock_times_nothing(start: Callable[..., Engine]) -> None:
    clock = Clock()
    with start(nn.Flatten, workers=2) as engine, running(clock):
        assert list(engine.run(work, [1, 2])) == [2, 4]
    assert not {"work", "inner"} & {span.part for span in clock.take()}


@names
def test_a_clock_changes_no_bit_and_misses_no_part(simulate: Callable[..., Simulation], engine: str) -> None:
    plain, watched = (simulate(workers=2, engine=engine, mask_ratio=0.2) for _ in range(2))
    records = list(plain.run())
    clock = Clock()
    with running(clock):
        timed_records = list(watched.run())
    for name, value in plain.state.items():
        np.testing.assert_array_equal(value, watched.state[name], strict=True)
    assert [(each.train_loss, each.score) for each in records] == [
        (each.train_loss, each.score) for each in timed_records
    ]
    spans = clock.take()
    parts = Counter(span.part for span in spans)
    assert set(parts) >= OF_A_TURN | OF_A_ROUND
    assert parts["turn"] == parts["select"] == parts["fold"] == sum(len(each.outcomes) for each in records)
    assert {span.client for span in spans if span.part == "turn"} == {o.client for r in records for o in r.outcomes}
