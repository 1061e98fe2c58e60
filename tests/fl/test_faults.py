"""Faults: what befalls a client is counted, says why, and never reaches the model."""

import re
from collections.abc import Callable

import numpy as np
import pytest

from minizerofl.fl import UPLINKS, ConfigError, DivergedError, Simulation, TooFewClientsError
from minizerofl.fl.faults import parse_faults

Simulate = Callable[..., Simulation]


def _one_round(simulation: Simulation) -> list[tuple[str, str]]:
    (round,) = simulation.run()
    return [(outcome.status, outcome.reason) for outcome in round.outcomes]


@pytest.mark.parametrize(
    ("fault", "status", "reason"),
    [
        ("drop@1:#1", "dropped", "did not answer"),
        ("crash@1:#1", "crashed", "InjectedCrash"),
        ("nan@1:#1", "refused", "not finite"),
        ("corrupt@1:#1", "refused", "checksum"),
    ],
)
def test_a_fault_meets_one_client_and_is_left_out_of_the_model(
    simulate: Simulate, fault: str, status: str, reason: str
) -> None:
    run = simulate(rounds=1, inject=fault, quorum=0.6)
    outcomes = _one_round(run)
    assert [each[0] for each in outcomes] == ["accepted", status, "accepted"]
    assert reason in outcomes[1][1]
    assert all(np.isfinite(value).all() for value in run.state.values())

    # The same as if that client had been left out of the average: whatever the fault, the model is the same.
    other = simulate(rounds=1, inject="drop@1:#1")
    list(other.run())
    for name, value in run.state.items():
        np.testing.assert_array_equal(value, other.state[name])


def test_a_crash_has_a_trace(simulate: Simulate) -> None:
    (round,) = simulate(rounds=1, inject="crash@*:#0").run()
    assert "Traceback" in round.outcomes[0].trace
    assert round.count("crashed") == 1


def test_a_client_whose_data_cannot_be_read_does_not_end_the_run(simulate: Simulate, tiny_data: type) -> None:
    class Broken(tiny_data):
        def train(self, client: str) -> object:
            if client == "client2":
                raise OSError("disk\nerror")
            return super().train(client)

    (round,) = simulate(Broken(count=3), rounds=1).run()
    (crashed,) = [outcome for outcome in round.outcomes if outcome.status == "crashed"]
    assert crashed.client == "client2"
    assert re.fullmatch(r"OSError: disk error \(in .*test_faults.py, line \d+\)", crashed.reason)


@pytest.mark.long
@pytest.mark.parametrize("engine", ["threads", "processes"])
def test_a_slow_client_is_late_and_the_round_goes_on(simulate: Simulate, engine: str) -> None:
    list(simulate(rounds=1).run())  # compiles the kernels, which would make everybody late
    run = simulate(rounds=1, inject="slow=600@1:#0", round_deadline=3.0, workers=3, engine=engine)
    (round,) = run.run()
    assert [outcome.status for outcome in round.outcomes] == ["late", "accepted", "accepted"]
    assert round.seconds < 300


def test_faults_strike_by_round_and_client(simulate: Simulate) -> None:
    run = simulate(rounds=4, inject="drop@2-3:#2, crash@3:#1", quorum=0.0)
    assert [[outcome.status for outcome in round.outcomes] for round in run.run()] == [
        ["accepted", "accepted", "accepted"],
        ["accepted", "accepted", "dropped"],
        ["accepted", "crashed", "dropped"],
        ["accepted", "accepted", "accepted"],
    ]


def test_quorum(simulate: Simulate) -> None:
    run = simulate(rounds=3, inject="drop@2:#0,crash@2:#1", quorum=0.5)
    rounds = run.run()
    next(rounds)
    before = run.checkpoint()
    with pytest.raises(TooFewClientsError, match=r"round 2: 1 of 3 updates could be used, the quorum is 2 .*dropped"):
        next(rounds)
    assert run.checkpoint().round == 1
    for name, value in run.state.items():
        np.testing.assert_array_equal(value, before.state[name])
    assert len(list(simulate(rounds=3, inject="drop@2:#0,crash@2:#1", quorum=0.3).run())) == 3


def test_nobody_at_all_is_never_enough(simulate: Simulate) -> None:
    with pytest.raises(TooFewClientsError, match="0 of 3 updates"):
        list(simulate(rounds=1, inject="drop@*:*", quorum=0.0).run())


def test_mostly_nan_is_divergence_before_it_is_a_lost_quorum(simulate: Simulate) -> None:
    with pytest.raises(DivergedError, match="2 of 3 updates were not finite"):
        list(simulate(rounds=1, inject="nan@1:#0,nan@1:#1", quorum=1.0).run())


@pytest.mark.parametrize("uplink", UPLINKS)
def test_a_weight_that_is_not_finite_never_leaves_a_client(simulate: Simulate, uplink: str) -> None:
    run = simulate(rounds=1, uplink=uplink, lr_start=1e30)
    with pytest.raises(DivergedError, match="3 of 3 updates were not finite") as error:
        list(run.run())
    assert [(each.status, each.uplink_bytes) for each in error.value.outcomes] == [("refused", 0)] * 3
    assert "not finite: 0.weight" in error.value.outcomes[0].reason
    assert not run.client_memories


def test_a_model_that_is_not_finite_is_refused_by_the_clients(simulate: Simulate) -> None:
    run = simulate(rounds=1)
    run.state["0.weight"][0, 0] = np.nan
    with pytest.raises(DivergedError, match="3 of 3 updates were not finite") as error:
        list(run.run())
    assert error.value.outcomes[0].reason.startswith("downlink: not finite")


@pytest.mark.parametrize(
    ("plan", "expected"),
    [
        ("nan", "KIND@ROUNDS:CLIENT"),
        ("nan@1", "KIND@ROUNDS:CLIENT"),
        ("corupt@1:*", "did you mean 'corrupt'"),
        ("slow@1:*", "takes seconds"),
        ("drop=2@1:*", "only slow"),
        ("slow=1.2.3@1:*", "not a number"),
    ],
)
def test_a_plan_that_cannot_be_read(plan: str, expected: str) -> None:
    with pytest.raises(ConfigError, match=expected):
        parse_faults(plan)


def test_who_is_struck() -> None:
    (fault,) = parse_faults("drop@2-4:f0001_41:x")
    assert [fault.strikes(t, "f0001_41:x", 0) for t in range(1, 6)] == [False, True, True, True, False]
    assert not fault.strikes(3, "f0001", 0)
    (fault,) = parse_faults("slow=0.5@*:#2")
    assert (fault.strikes(10**6, "a", 2), fault.strikes(1, "a", 1), fault.seconds) == (True, False, 0.5)
