"""The rule of a model: its layers compute with what the rule keeps, at every step or now and then."""

from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minizerofl import Tensor, nn, ops, optim
from minizerofl.nn.rule import restart_selection, set_selection
from minizerofl.sparse import GlobalTopK, RandomK, Selection, TopK, count_kept, top_k
from minizerofl.sparse.selection import Positions

SIZES = [(6, 5), (5, 4)]


class Last(Selection):
    """The last entries of each layer: a rule that only this test knows."""

    def select(self, values: Mapping[str, np.ndarray], budget: Mapping[str, int]) -> dict[str, Positions]:
        return {n: np.arange(v.size - budget[n], v.size, dtype=np.int32) for n, v in values.items()}


def network(rule: Selection, period: int = 1, path: str = "sparse", sparsity: float = 0.6) -> nn.Sequential:
    rng = np.random.default_rng(0)
    model = nn.Sequential(*(nn.SparseLinear(*size, sparsity=sparsity, rng=rng) for size in SIZES))
    for layer in model:
        layer.set_path(path)
    set_selection(model, rule, period)
    return model


def step(model: nn.Module, rng: np.random.Generator) -> None:
    x, y = Tensor(rng.standard_normal((6, 8)).astype(np.float32)), rng.integers(0, 4, 8)
    optimiser = optim.SGD(model.parameters(), 0.5)
    optimiser.zero_grad()
    ops.cross_entropy(model(x), y).backward()
    optimiser.step()


@pytest.mark.parametrize("rule", [TopK(), GlobalTopK(), RandomK(7), Last()])
@pytest.mark.parametrize("path", ["sparse", "dense"])
def test_layers_use_what_the_rule_keeps_after_every_step(rule: Selection, path: str) -> None:
    model, rng = network(rule, path=path), np.random.default_rng(1)
    for _ in range(3):
        step(model, rng)
        x = rng.standard_normal((6, 3)).astype(np.float32)
        weights = {f"{i}.weight": layer.weight.numpy() for i, layer in enumerate(model)}
        kept = rule.select(weights, {name: count_kept(w.size, 0.6) for name, w in weights.items()})
        expected = x
        for name, layer in zip(weights, model, strict=True):
            masked = np.zeros_like(weights[name])
            masked.reshape(-1)[kept[name]] = weights[name].reshape(-1)[kept[name]]
            expected = masked.T @ expected + layer.bias.data[:, None]
        np.testing.assert_allclose(model.eval()(Tensor(x)).data, expected, rtol=1e-5, atol=1e-6)
        model.train()


def test_told_to_use_top_k_a_model_does_what_it_does_anyway() -> None:
    plain, told = network(TopK()), network(TopK())
    for layer in plain:
        layer.set_select(nn.SparseLinear(*SIZES[0]).selecting())
    for model in (plain, told):
        rng = np.random.default_rng(2)
        for _ in range(5):
            step(model, rng)
    for name, value in plain.state_dict().items():
        np.testing.assert_array_equal(value, told.state_dict()[name])


@given(st.integers(0, 2**32 - 1), st.integers(2, 4))
def test_a_reused_threshold_keeps_whatever_reaches_it(seed: int, period: int) -> None:
    rng = np.random.default_rng(seed)
    (layer,) = model = nn.Sequential(nn.SparseLinear(6, 4, sparsity=0.5, rng=rng))
    set_selection(model, TopK(), period)
    for round in range(2):
        restart_selection(model)
        for i in range(2 * period):
            layer.weight.assign_(rng.standard_normal((6, 4)).astype(np.float32))
            w = layer.weight.data
            if i % period == 0:
                threshold = np.abs(w.reshape(-1)[top_k(w, 12)]).min()
            for _ in range(2):  # a layer that is called twice in a step selects once
                kept = layer.selecting()(layer.weight, 12).toarray()
                np.testing.assert_array_equal(kept, np.where(np.abs(w) >= threshold, w, 0), err_msg=f"{round} {i}")


@pytest.mark.parametrize("rule", [RandomK(7), GlobalTopK()])
def test_other_rules_reuse_positions(rule: Selection) -> None:
    model, rng = network(rule, period=3), np.random.default_rng(3)
    seen = []
    for _ in range(4):
        step(model, rng)
        kept = model[1].selecting()(model[1].weight, 8)
        seen.append(kept.indices)
        w = model[1].weight.data
        np.testing.assert_array_equal(kept.data, w[np.repeat(np.arange(5), np.diff(kept.indptr)), kept.indices])
    np.testing.assert_array_equal(seen[0], seen[1])


def test_evaluation_always_selects() -> None:
    model, rng = network(TopK(), period=100), np.random.default_rng(4)
    for _ in range(3):
        step(model, rng)
    w = model[0].weight
    assert model.train()[0].selecting()(w, 12).nnz != 12 or model[1].selecting()(model[1].weight, 8).nnz != 8
    assert model.eval()[0].selecting()(w, 12).nnz == 12


def test_a_period_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="selection period is 0, expected at least 1"):
        network(TopK(), period=0)
