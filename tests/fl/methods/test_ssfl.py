"""SSFL: a mask from the gradients of all clients."""

from collections.abc import Callable

import numpy as np

from minizerofl.fl import SavedModel, Simulation, evaluate, load_model, save_model
from minizerofl.fl.measures.masks import unpack
from minizerofl.fl.methods.ssfl import BATCH, Salient, saliency

Simulate = Callable[..., Simulation]


def test_saliencies_are_the_weighted_mean_over_clients(simulate: Simulate) -> None:
    """By hand, for a linear model of one layer: dL/dw = x (softmax - onehot)^T / batch."""
    run = simulate()
    model = run.build_model()
    for layer in (model[0], model[2]):
        layer.weight.assign_(np.abs(layer.weight.numpy()))
    model[0].set_sparsity(0.0, 0.0)
    found = saliency(model, model.state_dict(), run.data, seed=0)
    w0, b0, w1, b1 = (np.array(parameter.data, float) for _, parameter in model.named_parameters())
    sums, total = np.zeros(w1.shape), 0
    for client in run.data.clients:
        x, y = run.data.train(client)
        assert y.size <= BATCH  # then a mini-batch is all samples, in whatever order
        hidden = np.maximum(w0.T @ x.T + b0[:, None], 0)
        logits = w1.T @ hidden + b1[:, None]
        p = np.exp(logits - logits.max(axis=0))
        p = p / p.sum(axis=0)
        p[y, np.arange(y.size)] -= 1
        sums += y.size * np.abs(hidden @ (p / y.size).T * w1)
        total += y.size
    np.testing.assert_allclose(found["2.weight"], sums / total, rtol=1e-4, atol=1e-6)


def test_the_mask_of_ssfl_is_that_of_the_largest_saliencies_and_stays(simulate: Simulate, tmp_path) -> None:
    settings = {"selection": "ssfl", "mask_ratio": 0.0, "activation_sparsity": 0.0}
    run = simulate(**settings)
    dense = run._construct(sparsity=0.0)
    scores = saliency(dense, run.state, run.data, run.settings.seed)["0.weight"]
    mask = unpack(run.masks()["0.weight"], (10, 20))
    assert mask.sum() == 100
    assert scores[mask].min() >= scores[~mask].max()
    *_, last = run.run()
    np.testing.assert_array_equal(unpack(run.masks()["0.weight"], (10, 20)), mask)
    assert not run.state["0.weight"][~mask].any()
    again = simulate(**settings)
    np.testing.assert_array_equal(again.masks()["0.weight"], run.masks()["0.weight"])
    save_model(tmp_path / "model.h5", SavedModel(run.model_name, run.model_arguments, run.state, {}, run.setup))
    assert evaluate(load_model(tmp_path / "model.h5").build(), run.data.test()).accuracy == last.score.accuracy


def test_without_clients_the_rule_keeps_what_is_not_zero() -> None:
    rule, w = Salient(), np.array([[0.0, 2.0], [-1.0, 0.0]], np.float32)
    rule.begin({"w": w})
    np.testing.assert_array_equal(rule.select({"w": w}, {"w": 2})["w"], [1, 2])
