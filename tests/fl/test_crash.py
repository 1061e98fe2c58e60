"""A mistake in code that clients run is what its author sees, with its line, wherever the clients train."""

import re
import traceback
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from minizerofl import nn
from minizerofl.fl import UPLINKS, ClientCodeError, Simulation, TooFewClientsError, TopKWeights
from minizerofl.fl.engines.processes import AVAILABLE
from minizerofl.models import MODELS
from minizerofl.usercode import users_line

Simulate = Callable[..., Simulation]
WHERE = [
    {"workers": 1},
    {"workers": 2},
    pytest.param(
        {"workers": 2, "engine": "processes"},
        marks=pytest.mark.skipif(not AVAILABLE, reason="there are no forked processes here"),
    ),
]
where = pytest.mark.parametrize("where", WHERE, ids=["one thread", "threads", "processes"])


class OddError(Exception):
    """An error that cannot be made again from its pickle."""

    def __init__(self, one: object, two: object) -> None:
        super().__init__(f"{one} and {two}")


class Wrong(TopKWeights):
    """An uplink with a mistake."""

    def rank(self, name: str, start: object, end: np.ndarray, ctx: object) -> np.ndarray:
        return np.random.choice.choice(end)  # the mistake


class Odd(TopKWeights):
    """An uplink whose error cannot travel."""

    def rank(self, name: str, start: object, end: np.ndarray, ctx: object) -> np.ndarray:
        raise OddError("this", "that")  # the odd one


@pytest.fixture(autouse=True)
def _own_uplinks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(UPLINKS, "wrong", Wrong)
    monkeypatch.setitem(UPLINKS, "odd", Odd)


def line_of(text: str) -> int:
    with Path(__file__).open() as file:
        return 1 + next(i for i, line in enumerate(file) if line.rstrip().endswith(text))


@where
def test_a_mistake_of_all_clients_is_the_cause_with_its_traceback(simulate: Simulate, where: dict) -> None:
    with pytest.raises(ClientCodeError) as caught:
        list(simulate(uplink="wrong", **where).run())
    error, line = caught.value, line_of("# the mistake")
    assert re.search(
        rf"all 3 clients failed alike: AttributeError: .*'choice' \(in .*test_crash.py, line {line}\)$", str(error)
    )
    assert isinstance(error.__cause__, AttributeError)
    assert users_line(error.__cause__).endswith(f"test_crash.py, line {line}")
    shown = "".join(traceback.format_exception(error))
    assert "np.random.choice.choice(end)  # the mistake" in shown
    assert [outcome.status for outcome in error.outcomes] == ["crashed"] * 3


@where
def test_an_error_that_cannot_travel_is_told_with_its_line(simulate: Simulate, where: dict) -> None:
    with pytest.raises(ClientCodeError, match=r"OddError: this and that \(in .*test_crash.py, line \d+\)$") as caught:
        list(simulate(uplink="odd", **where).run())
    assert "# the odd one" in "".join(traceback.format_exception(caught.value))


@where
def test_a_mistake_of_some_clients_is_in_the_record_and_is_the_cause_if_too_few_are_left(
    simulate: Simulate, tiny_data: type, where: dict
) -> None:
    class Half(tiny_data):
        def train(self, client: str) -> object:
            if client in ("client0", "client1"):
                raise KeyError(client)
            return super().train(client)

    (round,) = simulate(Half(count=3), rounds=1, quorum=0.1, **where).run()
    reasons = {outcome.client: outcome.reason for outcome in round.outcomes}
    assert re.fullmatch(r"KeyError: 'client0' \(in .*test_crash.py, line \d+\)", reasons["client0"])
    assert reasons["client2"] == ""
    with pytest.raises(TooFewClientsError, match="KeyError") as caught:
        list(simulate(Half(count=3), rounds=1, quorum=1, **where).run())
    assert isinstance(caught.value.__cause__, KeyError)


@where
def test_injected_crashes_are_faults_of_clients(simulate: Simulate, where: dict) -> None:
    with pytest.raises(TooFewClientsError, match="crashed: InjectedCrash: injected") as caught:
        list(simulate(inject="crash@1:*", **where).run())
    assert caught.value.__cause__ is None


@where
def test_different_errors_at_one_line_are_one_mistake(simulate: Simulate, tiny_data: type, where: dict) -> None:
    class Broken(tiny_data):
        def train(self, client: str) -> object:
            raise KeyError(client)

    with pytest.raises(ClientCodeError, match=r"KeyError: 'client\d' \(in "):
        list(simulate(Broken(), **where).run())


@pytest.mark.long
@where
def test_a_model_for_other_inputs_is_told(simulate: Simulate, where: dict, monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(sparsity: float, seed: int) -> nn.Module:
        rng = np.random.default_rng(seed)
        return nn.Sequential(nn.Conv2d(3, 4, 3, rng=rng), nn.Flatten(), nn.Linear(4, 3, rng=rng))

    simulation = simulate(**where)  # has registered the model that fits
    monkeypatch.setitem(MODELS, "tiny", wrong)
    simulation = simulate(**where)
    with pytest.raises(ClientCodeError, match=r"all 3 clients failed alike: ValueError: .*\(10, 2\)"):
        list(simulation.run())


@where
def test_a_mistake_in_evaluation_keeps_its_line(
    simulate: Simulate, where: dict, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Moody(nn.Flatten):
        def forward(self, x: object) -> object:
            if not self.training:
                raise RuntimeError("not in the mood")  # the mood
            return super().forward(x)

    def moody(sparsity: float, seed: int) -> nn.Module:
        return nn.Sequential(Moody(), nn.Linear(10, 3, rng=np.random.default_rng(seed)))

    simulate(**where)
    monkeypatch.setitem(MODELS, "tiny", moody)
    with pytest.raises(RuntimeError, match="not in the mood") as caught:
        list(simulate(masks_every=0, **where).run())
    assert "# the mood" in "".join(traceback.format_exception(caught.value))
    assert users_line(caught.value).endswith(f"test_crash.py, line {line_of('# the mood')}")
