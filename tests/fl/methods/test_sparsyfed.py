"""SparsyFed: powers of what is learned, activations that follow the weights, and a support that only shrinks."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minizerofl import Tensor, nn, ops, optim
from minizerofl.choices import METHODS
from minizerofl.fl import ConfigError, SavedModel, Settings, Simulation, decode, evaluate, load_model, save_model
from minizerofl.fl.codecs import Schema
from minizerofl.fl.methods.sparsyfed import NonZero, PowerSGD, SparsyFed, power, root
from minizerofl.nn.rule import restart_selection, set_selection
from minizerofl.nn.swat import SwatModule

Simulate = Callable[..., Simulation]
METHOD = dict(METHODS["sparsyfed"].settings)
OPTIONS = [{}, {"momentum": 0.9}, {"momentum": 0.9, "nesterov": True}, {"weight_decay": 0.1}]


def network(path: str = "sparse") -> nn.Sequential:
    rng = np.random.default_rng(0)
    model = nn.Sequential(
        nn.SparseConv2d(2, 6, 3, padding=1, sparsity=0.0, rng=rng),
        nn.ReLU(),
        nn.Flatten(),
        nn.SparseLinear(96, 5, sparsity=0.0, rng=rng),
    )
    model[0].set_path(path)
    model[3].set_path(path)
    set_selection(model, NonZero())
    return model


def thin(layer: SwatModule, share: float) -> None:
    """Set some of a layer's weights to zero."""
    mask = np.random.default_rng(1).random(layer.weight.shape) < share
    layer.weight.assign_(np.where(mask, 0, layer.weight.numpy()))


@given(st.floats(1.01, 3), st.sampled_from(OPTIONS), st.integers(0, 9))
def test_a_zero_never_comes_back_and_with_an_exponent_of_one_it_does(beta: float, options: dict, seed: int) -> None:
    """The derivative of |theta|^beta is zero at zero: the finding about the method's masks."""
    rng = np.random.default_rng(seed)
    start = np.where(rng.random(30) < 0.5, 0, rng.standard_normal(30)).astype(np.float32)
    gradients = rng.standard_normal((4, 30)).astype(np.float32)
    for exponent, comes_back in ((beta, False), (1.0, True)):
        w = Tensor(start.copy(), requires_grad=True)
        step = PowerSGD([w], 0.1, [w], exponent, **options)
        for gradient in gradients:
            step.zero_grad()
            (w * Tensor(gradient)).sum().backward()
            step.step()
        assert bool(w.numpy()[start == 0].any()) == comes_back


@pytest.mark.parametrize("options", OPTIONS)
def test_steps_are_those_of_sgd_on_theta(options: dict) -> None:
    rng = np.random.default_rng(0)
    w = Tensor(rng.standard_normal((3, 4)).astype(np.float32), requires_grad=True)
    theta = Tensor(root(w.numpy(), 1.25), requires_grad=True)
    ours, plain = PowerSGD([w], 0.1, [w], 1.25, **options), optim.SGD([theta], 0.1, **options)
    for _ in range(3):
        ours.zero_grad()
        plain.zero_grad()
        (w**3.0).sum().backward()
        at = theta.numpy()
        chain = 3 * power(at, 1.25) ** 2 * 1.25 * np.abs(at) ** 0.25  # d sum(w^3) / d theta
        (theta * Tensor(chain.astype(np.float32))).sum().backward()
        ours.step()
        plain.step()
        np.testing.assert_allclose(w.numpy(), power(theta.numpy(), 1.25), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("path", ["sparse", "dense"])
@pytest.mark.parametrize("share", [0.0, 0.4, 0.9])
def test_as_many_activations_are_kept_as_weights(path: str, share: float) -> None:
    """dW of the linear layer, by hand: from the largest activations, at the positions that are not zero."""
    model = network(path)
    thin(model[3], share)
    restart_selection(model)
    x = Tensor(np.random.default_rng(2).standard_normal((2, 4, 4, 7)).astype(np.float32))
    hidden = model[2](model[1](model[0](x))).numpy()
    labels = np.arange(7) % 5
    logits = model(x)
    ops.cross_entropy(logits, labels).backward()
    p = np.exp(logits.numpy() - logits.numpy().max(axis=0))
    p /= p.sum(axis=0)
    p[labels, np.arange(7)] -= 1
    density = np.mean(model[3].weight.numpy() != 0)
    k = int(np.ceil(round(density * hidden.size, 6)))
    cut = np.sort(hidden.reshape(-1))[-k] if k < hidden.size else -1.0
    expected = np.where(hidden >= cut, hidden, 0) @ (p / 7).T * (model[3].weight.numpy() != 0)
    np.testing.assert_allclose(model[3].weight.grad, expected, rtol=1e-4, atol=1e-6)


def test_a_client_sends_theta_of_the_largest_weights_of_all_layers() -> None:
    rng = np.random.default_rng(0)
    end = {name: rng.standard_normal((4, 5)).astype(np.float32) for name in "ab"} | {"bias": np.ones(2, np.float32)}
    uplink = SparsyFed({"a": 0.75, "b": 0.75}, selection=NonZero())
    sent = uplink.select(end, end)
    assert sent["a"].positions.size + sent["b"].positions.size == 10
    left_out = [np.delete(end[name].reshape(-1), sent[name].positions) for name in "ab"]
    largest = [power(sent[name].values, 1.25) for name in "ab"]
    assert np.abs(np.concatenate(largest)).min() >= np.abs(np.concatenate(left_out)).max()
    back = uplink.apply(end, {"a": sent["a"].dense(), "b": sent["b"].dense(), "bias": sent["bias"]})
    for name in "ab":
        kept = sent[name].positions
        np.testing.assert_allclose(back[name].reshape(-1)[kept], end[name].reshape(-1)[kept], rtol=1e-5)
        assert np.count_nonzero(back[name]) == kept.size
    np.testing.assert_array_equal(back["bias"], end["bias"])


def test_the_server_averages_theta_and_the_support_only_shrinks(simulate: Simulate) -> None:
    run = simulate(**METHOD, rounds=5, sparsity=0.7, masks_every=1)
    turn = run.turn(1)
    rounds = run.run()
    names = run._sample(1)
    sent = [turn.train(run.build_model(), name, run.data.train(name)) for name in names]
    next(rounds)
    total = sum(each.num_samples for each in sent)
    payloads = [decode(each.message, Schema.of(run.state)) for each in sent]
    mean = sum(each.num_samples / total * p["0.weight"].dense() for each, p in zip(sent, payloads, strict=True))
    np.testing.assert_allclose(run.state["0.weight"], power(mean, 1.25), rtol=1e-4, atol=1e-6)
    support = run.state["0.weight"] != 0
    assert 60 <= support.sum() <= 180  # each of three clients keeps 60 of 200
    for record in rounds:
        now = run.state["0.weight"] != 0
        assert not (now & ~support).any()
        assert record.density == now.mean()
        support = now


def test_a_saved_model_computes_with_the_weights_of_the_run(simulate: Simulate, tmp_path) -> None:
    run = simulate(**METHOD, sparsity=0.7)
    *_, last = run.run()
    save_model(tmp_path / "model.h5", SavedModel(run.model_name, run.model_arguments, run.state, {}, run.setup))
    assert evaluate(load_model(tmp_path / "model.h5").build(), run.data.test()).accuracy == last.score.accuracy


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("selection", "block-8", "selection is 'block-8', but uplink sparsyfed needs 'sparsyfed'"),
        ("weight_sparsity", 0.5, "weight_sparsity is 0.5, but uplink sparsyfed needs 0.0"),
        ("average", "senders", "average is 'senders', but uplink sparsyfed needs 'all'"),
        ("proximal_mu", 0.1, "proximal_mu is 0.1, but uplink sparsyfed needs 0.0"),
        ("activation_sparsity", 0.1, "leave out activation_sparsity"),
    ],
)
def test_settings_that_contradict_it_are_refused(simulate: Simulate, setting: str, value: object, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        simulate(**{**METHOD, setting: value})
    SparsyFed.check(Settings(**METHOD))
