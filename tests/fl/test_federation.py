"""Whole runs with every codec, uplink and server: same bits for any number of workers, and after a checkpoint."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy.special import softmax

from minizerofl import Tensor, nn, ops
from minizerofl.fl import SERVERS, UPLINKS, ConfigError, Settings, Simulation
from minizerofl.fl.seeds import Purpose, generator
from minizerofl.models import MODELS

Simulate = Callable[..., Simulation]


def final_state(run: Simulation) -> dict[str, np.ndarray]:
    list(run.run())
    return run.state


def assert_same(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> None:
    assert {name: value.tobytes() for name, value in a.items()} == {name: value.tobytes() for name, value in b.items()}


@pytest.mark.parametrize("codec", ["bitmap", "rice", "dense", "auto"])
def test_the_codec_changes_bytes_and_nothing_else(simulate: Simulate, codec: str) -> None:
    csr, other = simulate(sparsity=0.8), simulate(sparsity=0.8, codec=codec)
    bytes_csr, bytes_other = (sum(round.uplink_bytes for round in run.run()) for run in (csr, other))
    assert_same(csr.state, other.state)
    assert bytes_other > bytes_csr if codec == "dense" else bytes_other < bytes_csr


@pytest.mark.long
@pytest.mark.parametrize(
    ("uplink", "server"),
    [(u, s) for u in UPLINKS for s in SERVERS if s in UPLINKS[u].needed.get("server", SERVERS)],
)
def test_two_workers_and_a_resumed_run_give_the_same_bits(simulate: Simulate, uplink: str, server: str) -> None:
    settings = {"uplink": uplink, "server": server, "rounds": 4}
    straight, resumed = simulate(**settings), simulate(workers=2, **settings)
    expected = final_state(straight)
    first = simulate(workers=2, engine="processes", **settings)
    rounds = first.run()
    next(rounds), next(rounds)
    resumed.restore(first.checkpoint())
    assert_same(final_state(resumed), expected)
    if server != "fedavg" or uplink == "topk-diff-feedback":
        forgetful = simulate(**settings)
        forgetful.restore(first.checkpoint())
        forgetful.server_memory, forgetful.client_memories = {}, {}
        assert any(value.tobytes() != expected[name].tobytes() for name, value in final_state(forgetful).items())


@pytest.mark.parametrize("setting", [{"average": "senders"}, {"proximal_mu": 0.5}, {"values": "float16"}])
def test_a_setting_has_an_effect(simulate: Simulate, setting: dict[str, object]) -> None:
    changed, plain = final_state(simulate(**setting)), final_state(simulate())
    assert any(not np.array_equal(changed[name], plain[name]) for name in plain)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("codec", "zip"),
        ("values", "float64"),
        ("average", "some"),
        ("server", "fedsgd"),
        ("bn", "none"),
        ("server_lr", -1.0),
        ("proximal_mu", float("nan")),
    ],
)
def test_settings_out_of_range_are_named(setting: str, value: object) -> None:
    with pytest.raises(ConfigError, match=f"{setting} .*{value}.*(expected|Known)"):
        Settings(**{setting: value})


def test_local_batch_norm_needs_batch_norm(simulate: Simulate) -> None:
    with pytest.raises(ConfigError, match="bn is 'local', but tiny has no BatchNorm"):
        simulate(bn="local")


def batch_norm_model(sparsity: float, seed: int) -> nn.Module:
    rng = np.random.default_rng(seed)
    return nn.Sequential(Images(), nn.BatchNorm2d(1), nn.Flatten(), nn.Linear(10, 3, rng=rng))


class Images(nn.Module):
    """The ten pixels as an image, (10, N) -> (1, 2, 5, N)."""

    def forward(self, x: Tensor) -> Tensor:
        return ops.reshape(x, (1, 2, 5, x.shape[-1]))


def test_with_local_batch_norm_a_client_goes_on_with_its_own(simulate: Simulate, tiny_data: type) -> None:
    MODELS["normed"] = batch_norm_model
    try:
        settings = Settings(rounds=3, clients_per_round=2, batch_size=2, bn="local")
        run = Simulation(tiny_data(), "normed", settings)
        rounds = list(run.run())
        assert_same(final_state(Simulation(tiny_data(), "normed", settings, 2, "processes")), run.state)
    finally:
        del MODELS["normed"]
    taken_part = {client for round in rounds for client in round.clients}
    assert set(run.client_memories) == taken_part
    for memory in run.client_memories.values():
        assert set(memory) == {"1.weight", "1.bias", "1.running_mean", "1.running_var"}
    assert len({memory["1.running_mean"].tobytes() for memory in run.client_memories.values()}) == len(taken_part)


def test_full_without_sparsity_is_textbook_fedavg(simulate: Simulate, tiny_data: type) -> None:
    run, data = simulate(uplink="full", sparsity=0.0, rounds=2, lr_start=0.2, lr_end=0.2), tiny_data()
    weights = [value.astype(np.float64) for value in run.state.values()]
    for result in run.run():
        ends, counts = [], []
        for client in result.clients:
            w1, b1, w2, b2 = (w.copy() for w in weights)
            x, y = data.train(client)
            order = generator(0, result.round, client, Purpose.SHUFFLE_BATCHES).permutation(y.size)
            for batch in np.split(order, range(2, y.size, 2)):
                inputs = x[batch].T
                hidden = np.maximum(w1.T @ inputs + b1[:, None], 0)
                d = softmax(w2.T @ hidden + b2[:, None], axis=0)
                d[y[batch], range(batch.size)] -= 1
                d /= batch.size
                back = (w2 @ d) * (hidden > 0)
                w2, b2 = w2 - 0.2 * hidden @ d.T, b2 - 0.2 * d.sum(axis=1)
                w1, b1 = w1 - 0.2 * inputs @ back.T, b1 - 0.2 * back.sum(axis=1)
            ends.append([w1, b1, w2, b2])
            counts.append(y.size)
        weights = [np.average(parts, axis=0, weights=counts) for parts in zip(*ends, strict=True)]
    for ours, textbook in zip(run.state.values(), weights, strict=True):
        np.testing.assert_allclose(ours, textbook, atol=1e-5)
