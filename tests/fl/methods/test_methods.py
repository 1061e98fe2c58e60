"""What holds for every method: a bundle of settings, the same result with any number of workers, and resumed."""

from collections.abc import Callable

import numpy as np
import pytest

from minizerofl.choices import METHODS
from minizerofl.fl import ConfigError, Settings, Simulation
from minizerofl_cli.runs.plan import resolve

Simulate = Callable[..., Simulation]


def tiny(name: str) -> dict[str, object]:
    """Return the settings of a method for a run of seconds."""
    long = ("local_epochs", "batch_size", "schedule_rounds")
    return {key: value for key, value in METHODS[name].settings.items() if key not in long}


@pytest.mark.parametrize("name", METHODS)
def test_every_method_is_a_bundle_of_settings_that_options_override(name: str) -> None:
    method = METHODS[name]
    settings = resolve("quick", 0, None, {}, method=name)
    assert all(getattr(settings, key) == value for key, value in method.settings.items())
    assert resolve("quick", 0, None, {"sparsity": 0.7}, method=name).sparsity == 0.7
    assert resolve("quick", 0, None, {}).selection == "top-k" != settings.selection
    assert Settings(**method.settings).selection == settings.selection


@pytest.mark.parametrize("name", METHODS)
def test_every_method_gives_the_same_result_with_two_workers_and_resumed(simulate: Simulate, name: str) -> None:
    settings = {**tiny(name), "rounds": 4, "masks_every": 1, "sparsity": 0.6}
    whole, two, part = (simulate(**settings, workers=workers, engine="processes") for workers in (1, 2, 1))
    records = [list(run.run()) for run in (whole, two)]
    rounds = part.run()
    next(rounds)
    next(rounds)
    resumed = simulate(**settings)
    resumed.restore(part.checkpoint())
    records.append(list(resumed.run()))
    for run in (two, resumed):
        assert all(np.array_equal(run.state[key], value) for key, value in whole.state.items())
        assert all(np.array_equal(run.server_memory[key], value) for key, value in whole.server_memory.items())
    assert [r.uplink_bytes for r in records[0]] == [r.uplink_bytes for r in records[1]]
    assert [r.score.loss for r in records[0][2:]] == [r.score.loss for r in records[2]]
    assert not np.array_equal(whole.state["0.weight"], simulate(**settings).state["0.weight"])


@pytest.mark.parametrize("name", METHODS)
def test_masks_densities_and_kept_shares_are_those_of_the_global_model(simulate: Simulate, name: str) -> None:
    run = simulate(**{**tiny(name), "masks_every": 1, "sparsity": 0.6})
    for record in run.run():
        weight = run.state["0.weight"]
        mask = np.unpackbits(run.masks()["0.weight"], count=weight.size).astype(bool)
        assert not weight.reshape(-1)[~mask].any()
        assert record.density == np.count_nonzero(weight) / weight.size
        assert record.kept["0.weight"] <= 0.4 + 1e-9


class Elsewhere:
    """Clients of which only the number of samples is known here."""

    def __init__(self, data: object) -> None:
        self._data = data

    def __getattr__(self, name: str) -> object:
        return getattr(self._data, name)

    def train(self, client: str) -> tuple[np.ndarray, np.ndarray]:
        return np.empty((0, 10), np.float32), np.empty(0, np.int64)


@pytest.mark.parametrize("name", ["ssfl", "flash-spdst"])
def test_clients_whose_samples_are_elsewhere_cannot_be_asked(simulate: Simulate, name: str) -> None:
    with pytest.raises(ConfigError, match="asks clients before the first round, but their samples are on other"):
        simulate(Elsewhere(simulate().data), **tiny(name))
    simulate(Elsewhere(simulate().data), **tiny("feddst"))
