"""Local training: it is plain SGD over shuffled mini-batches from the global state."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minizerofl import Tensor, nn, ops
from minizerofl.fl import UPLINKS, Client, Full, RefusedError, Schema, Settings, decode
from minizerofl.fl.data import batch_last
from minizerofl.fl.seeds import Purpose, generator


def linear(seed: int = 0) -> nn.Linear:
    return nn.Linear(4, 3, rng=np.random.default_rng(seed))


def samples(n: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(n)
    return rng.standard_normal((n, 4)).astype(np.float32), rng.integers(0, 3, n)


@given(n=st.integers(1, 12), batch=st.integers(1, 5), epochs=st.integers(1, 2), round=st.integers(1, 3))
def test_training_is_sgd_over_shuffled_batches_and_keeps_the_last_one(
    n: int, batch: int, epochs: int, round: int
) -> None:
    x, y = samples(n)
    state = linear().state_dict()
    client = Client("me", (x, y), Full({}), Settings(batch_size=batch, local_epochs=epochs, seed=7))
    update = client.train(linear(seed=99), state, round, lr=0.1)

    w, b = state["weight"].astype(np.float64), state["bias"].astype(np.float64)
    rng = generator(7, round, "me", Purpose.SHUFFLE_BATCHES)
    losses = []
    for _ in range(epochs):
        order = rng.permutation(n)
        for first in range(0, n, batch):
            chosen = order[first : first + batch]
            logits = w.T @ x[chosen].T + b[:, None]
            p = np.exp(logits) / np.exp(logits).sum(axis=0)
            losses += [-np.log(p[y[chosen], range(chosen.size)])]
            p[y[chosen], range(chosen.size)] -= 1
            w -= 0.1 * (p @ x[chosen]).T / chosen.size
            b -= 0.1 * p.mean(axis=1)
    sent = decode(update.message, Schema.of(state))
    np.testing.assert_allclose(sent["weight"], w, atol=1e-5)
    np.testing.assert_allclose(sent["bias"], b, atol=1e-5)
    np.testing.assert_allclose(update.train_loss, np.concatenate(losses).mean(), rtol=1e-4)
    assert (update.client_id, update.num_samples) == ("me", n)


@pytest.mark.parametrize("uplink", UPLINKS)
@given(place=st.tuples(st.integers(0, 3), st.integers(0, 2)), value=st.sampled_from([np.nan, np.inf, -np.inf]))
def test_one_value_that_is_not_finite_is_refused_and_not_remembered(
    uplink: str, place: tuple[int, int], value: float
) -> None:
    model = nn.SparseLinear(4, 3, sparsity=0.5, rng=np.random.default_rng(0))
    state = model.state_dict()
    state["weight"][place] = value  # the sparse layer takes NaN for zero, so that nothing else becomes NaN
    client = Client("me", samples(7), UPLINKS[uplink]({"weight": 0.5}), Settings(batch_size=3))
    memory = {"weight": np.ones((4, 3), np.float32)}
    with pytest.raises(RefusedError, match="not finite: weight is NaN or infinite after local training"):
        client.train(model, state, 1, lr=0.01, memory=memory)
    assert memory.keys() == {"weight"}
    np.testing.assert_array_equal(memory["weight"], 1)


def test_a_client_keeps_nothing_and_leaves_the_global_state_alone() -> None:
    state = linear().state_dict()
    before = {name: value.copy() for name, value in state.items()}
    model = linear(1)
    client = Client("me", samples(7), Full({}), Settings(batch_size=3))
    first = client.train(model, state, 1, lr=0.5).message
    second = client.train(model, state, 1, lr=0.5).message
    other_round = client.train(model, state, 2, lr=0.5).message
    assert first == second != other_round
    np.testing.assert_array_equal(state["weight"], before["weight"])


def test_fedprox_adds_the_pull_to_the_gradient() -> None:
    (x, y), state, mu = samples(9), linear().state_dict(), 0.7
    client = Client("me", (x, y), Full({}), Settings(batch_size=3, seed=7, proximal_mu=mu))
    sent = decode(client.train(linear(1), state, 1, lr=0.1).message, Schema.of(state))
    w, b = state["weight"].astype(np.float64), state["bias"].astype(np.float64)
    order = generator(7, 1, "me", Purpose.SHUFFLE_BATCHES).permutation(9)
    for chosen in order.reshape(3, 3):
        logits = w.T @ x[chosen].T + b[:, None]
        p = np.exp(logits) / np.exp(logits).sum(axis=0)
        p[y[chosen], range(3)] -= 1
        w = w - 0.1 * ((p @ x[chosen]).T / 3 + mu * (w - state["weight"]))
        b = b - 0.1 * (p.mean(axis=1) + mu * (b - state["bias"]))
    np.testing.assert_allclose(sent["weight"], w, atol=1e-5)
    np.testing.assert_allclose(sent["bias"], b, atol=1e-5)


def test_local_tensors_are_taken_up_again() -> None:
    state, memory = linear().state_dict(), {}
    client = Client("me", samples(7), Full({}), Settings(batch_size=3), local=["bias"])
    client.train(linear(1), state, 1, lr=0.5, memory=memory)
    kept = memory["bias"].copy()
    assert not np.array_equal(kept, state["bias"])
    sent = decode(client.train(linear(2), state, 2, lr=1e-30, memory=memory).message, Schema.of(state))
    np.testing.assert_array_equal(sent["bias"], kept)
    np.testing.assert_array_equal(sent["weight"], state["weight"])


def test_a_batch_is_turned_round_once() -> None:
    x = np.arange(2 * 3 * 4 * 5, dtype=np.float32).reshape(2, 3, 4, 5)
    turned = batch_last(x)
    assert turned.shape == (3, 4, 5, 2)
    assert turned.flags.c_contiguous
    np.testing.assert_array_equal(turned[..., 1], x[1])
    assert ops.relu(Tensor(turned)).shape == turned.shape
