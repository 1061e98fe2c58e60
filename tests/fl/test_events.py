"""A callback hears of everything that happens in a run, while it happens, and can end it."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from minizerofl.fl import (
    ClientDone,
    ClientStep,
    EvaluationStarted,
    KernelCompiled,
    RoundEnded,
    RoundStarted,
    Simulation,
    StopRun,
    turn,
)
from minizerofl.fl.codecs import Parts
from minizerofl.fl.engines.processes import AVAILABLE

Simulate = Callable[..., Simulation]
processes = pytest.param(
    {"workers": 2, "engine": "processes"},
    marks=pytest.mark.skipif(not AVAILABLE, reason="there are no forked processes here"),
)
where = pytest.mark.parametrize("where", [{"workers": 1}, {"workers": 2}, processes])


@where
def test_events_come_in_order_and_agree_with_the_record(simulate: Simulate, where: dict) -> None:
    events: list = []
    rounds = list(simulate(rounds=2, eval_every=2, inject="drop@2:#0", **where).run(events.append))
    events = [event for event in events if not isinstance(event, ClientStep | KernelCompiled)]
    assert [type(event) for event in events] == [
        *(RoundStarted, ClientDone, ClientDone, ClientDone, RoundEnded),
        *(RoundStarted, ClientDone, ClientDone, ClientDone, EvaluationStarted, RoundEnded),
    ]
    for record, part in zip(rounds, (events[:5], events[5:]), strict=True):
        start, answers, end = part[0], part[1:4], part[-1]
        assert start == RoundStarted(record.round, 2, tuple(outcome.client for outcome in record.outcomes))
        assert [(answer.done, answer.sampled) for answer in answers] == [(1, 3), (2, 3), (3, 3)]
        told = {answer.outcome.client: answer.outcome for answer in answers}
        nothing = {"parts": Parts(), "uplink_decode_seconds": 0.0}  # of what the server finds out later
        assert told == {outcome.client: replace(outcome, **nothing) for outcome in record.outcomes}
        assert end.record is record
    assert events[-2].samples == 600


def test_the_clients_with_the_most_samples_begin_first_and_are_recorded_as_sampled(
    simulate: Simulate, tiny_data: type
) -> None:
    data, events = tiny_data(count=6), []
    (record,) = simulate(data, rounds=1, clients_per_round=6).run(events.append)
    trained = [event.outcome.client for event in events if isinstance(event, ClientDone)]
    assert trained == sorted(data.clients, key=data.num_train, reverse=True)
    sampled = next(event.clients for event in events if isinstance(event, RoundStarted))
    assert record.clients == sampled != tuple(trained)


@where
def test_steps_of_a_client_count_its_samples(simulate: Simulate, where: dict, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turn, "PACE", -1)  # each mini-batch is told of
    events: list = []
    simulation = simulate(rounds=1, clients_per_round=2, local_epochs=2, batch_size=2, **where)
    (round,) = simulation.run(events.append)
    for outcome in round.outcomes:
        n = outcome.num_samples
        steps = [e for e in events if isinstance(e, ClientStep) and e.client == outcome.client]
        assert [step.samples for step in steps] == [epoch * n + first for epoch in range(2) for first in range(0, n, 2)]
        assert {step.total for step in steps} == {2 * n}


@where
def test_a_callback_changes_no_bit(simulate: Simulate, where: dict) -> None:
    silent, told = simulate(**where), simulate(**where)
    list(silent.run())
    list(told.run(lambda event: None))
    assert all(np.array_equal(silent.state[name], told.state[name]) for name in silent.state)


@where
def test_to_stop_at_the_end_of_a_round_keeps_it(simulate: Simulate, where: dict) -> None:
    def stop(event: object) -> None:
        if isinstance(event, RoundEnded) and event.record.round == 2:
            raise StopRun

    simulation = simulate(rounds=5, **where)
    assert [round.round for round in simulation.run(stop)] == [1, 2]
    assert simulation.round == 2
    assert [round.round for round in simulation.run()] == [3, 4, 5]


@where
def test_to_stop_within_a_round_gives_it_up(simulate: Simulate, where: dict) -> None:
    def stop(event: object) -> None:
        if isinstance(event, ClientDone) and event.round == 2:
            raise StopRun

    simulation = simulate(rounds=5, **where)
    assert [round.round for round in simulation.run(stop)] == [1]
    assert simulation.round == 1


@where
@pytest.mark.parametrize("kind", [RoundStarted, ClientDone, EvaluationStarted, RoundEnded])
def test_a_mistake_in_a_callback_reaches_its_author(simulate: Simulate, where: dict, kind: type) -> None:
    def wrong(event: object) -> None:
        if isinstance(event, kind):
            raise ZeroDivisionError("my own")

    with pytest.raises(ZeroDivisionError, match="my own"):
        list(simulate(**where).run(wrong))
