"""Masks that are chosen once: what they keep, and that only kept weights are trained."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minizerofl import Tensor, nn, ops, optim
from minizerofl.autograd.rowsparse import EntrySparse
from minizerofl.fl.proximal import ProximalSGD
from minizerofl.nn.rule import restart_selection, set_selection
from minizerofl.sparse import RandomK, Selection, TopK, count_kept, top_k
from minizerofl.sparse.fixed import Erk, Initial, InitialBlock8, Uniform, erk_budget
from minizerofl.sparse.structured import Block4

SEEDS = st.integers(0, 2**32 - 1)


class FixedBlocks(Block4):
    """Blocks that stay while a client trains: a rule that only this test knows."""

    fixed = True


class FixedTopK(TopK):
    fixed = True


def test_uniform_keeps_what_random_keeps() -> None:
    values, budget = {"a": np.zeros((9, 7)), "b": np.zeros(5)}, {"a": 20, "b": 2}
    ours, theirs = Uniform(3).select(values, budget), RandomK(3).select(values, budget)
    for name in values:
        np.testing.assert_array_equal(ours[name], theirs[name])


def test_initial_weights_decide_and_larger_budgets_keep_more() -> None:
    rng = np.random.default_rng(0)
    first, later = ({"w": rng.standard_normal((9, 7)).astype(np.float32)} for _ in range(2))
    rule = Initial()
    rule.begin(first)
    few, more = (rule.select(later, {"w": k})["w"] for k in (10, 20))
    np.testing.assert_array_equal(few, top_k(first["w"], 10))
    assert set(few) < set(more)


SHAPES = st.lists(st.lists(st.integers(1, 9), min_size=2, max_size=4).map(tuple), min_size=1, max_size=5)


@given(SHAPES, st.floats(0, 1))
def test_erk_densities(shapes: list[tuple[int, ...]], share: float) -> None:
    named = {str(i): shape for i, shape in enumerate(shapes)}
    sizes = {name: int(np.prod(shape)) for name, shape in named.items()}
    total = int(share * sum(sizes.values()))
    kept = erk_budget(named, total)
    assert all(0 <= kept[name] <= sizes[name] for name in named)
    assert total - len(named) <= sum(kept.values()) <= total
    units = [
        (kept[name] / sum(named[name]), 1 / sum(named[name])) for name in named if kept[name] < sizes[name]
    ]  # all shares that are not whole are the same multiple of the sum of the axes, but for rounding
    assert max((unit for unit, _ in units), default=0) <= min((u + e for u, e in units), default=1) + 1e-9


def network(rule: Selection, path: str, sparsity: float = 0.6) -> nn.Sequential:
    rng = np.random.default_rng(0)
    model = nn.Sequential(
        nn.SparseConv2d(2, 6, 3, padding=1, sparsity=sparsity, rng=rng),
        nn.ReLU(),
        nn.SparseConv2d(6, 8, 3, stride=2, sparsity=sparsity, rng=rng),
        nn.Flatten(),
        nn.SparseLinear(32, 5, sparsity=sparsity, rng=rng),
    )
    for layer in (model[0], model[2], model[4]):
        layer.set_path(path)
    rule.begin({f"{i}.weight": model[i].weight.numpy() for i in (0, 2, 4)})
    set_selection(model, rule)
    return model


OPTIMISERS = {
    "sgd": lambda p: optim.SGD(p, lr=0.1),
    "decay": lambda p: optim.SGD(p, lr=0.1, weight_decay=0.1),
    "momentum and decay": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.1),
    "proximal": lambda p: ProximalSGD(p, lr=0.1, mu=0.5, weight_decay=0.1),
    "adam": lambda p: optim.Adam(p, lr=0.1, weight_decay=0.1),
}


@pytest.mark.parametrize("optimiser", OPTIMISERS)
@pytest.mark.parametrize("path", ["sparse", "dense"])
@pytest.mark.parametrize("rule", [Uniform, Erk, Initial, InitialBlock8, FixedBlocks, FixedTopK])
def test_only_kept_weights_are_trained(rule: type[Selection], path: str, optimiser: str) -> None:
    """And they are trained as by an op of the definition whose mask is given."""
    model, rng = network(rule(), path), np.random.default_rng(1)
    step = OPTIMISERS[optimiser](model.parameters())
    layers = [model[i] for i in (0, 2, 4)]
    before = [layer.weight.numpy() for layer in layers]
    restart_selection(model)
    for _ in range(3):
        x = Tensor(rng.standard_normal((2, 6, 6, 4)).astype(np.float32))
        step.zero_grad()
        ops.cross_entropy(model(x), rng.integers(0, 5, 4)).backward()
        assert all(isinstance(layer.weight.raw_grad, EntrySparse) for layer in layers)
        step.step()
    for layer, old in zip(layers, before, strict=True):
        positions = layer.support()()
        changed = np.flatnonzero(layer.weight.numpy() != old)
        assert changed.size
        assert np.isin(changed, positions).all()
        assert positions.size < old.size


@pytest.mark.parametrize("rule", [Uniform, FixedBlocks])
def test_both_paths_train_alike(rule: type[Selection]) -> None:
    ends = []
    for path in ("sparse", "dense"):
        model, rng = network(rule(), path), np.random.default_rng(1)
        step = optim.SGD(model.parameters(), lr=0.05)
        for _ in range(3):
            x = Tensor(rng.standard_normal((2, 6, 6, 4)).astype(np.float32))
            step.zero_grad()
            ops.cross_entropy(model(x), rng.integers(0, 5, 4)).backward()
            step.step()
        ends.append([parameter.numpy() for parameter in model.parameters()])
    for ours, theirs in zip(*ends, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_gradients_are_those_of_the_whole_layer_at_kept_positions() -> None:
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((9, 4)).astype(np.float32), rng.standard_normal((9, 8)).astype(np.float32)
    positions = top_k(w, 20)
    for path in ("sparse", "dense"):
        grads = []
        for support in (None, lambda: positions):
            weight = Tensor(w, requires_grad=True)
            ops.sparse_linear(x, weight, sparsity=1 - 20 / 72, path=path, support=support).sum().backward()
            grads.append(np.array(weight.grad))
        expected = np.zeros(72, np.float32)
        expected[positions] = grads[0].reshape(-1)[positions]
        np.testing.assert_array_equal(grads[1].reshape(-1), expected)


def test_a_new_turn_selects_again_and_evaluation_always_does() -> None:
    model = network(FixedTopK(), "sparse")
    layer = model[4]
    x = Tensor(np.random.default_rng(2).standard_normal((32, 3)).astype(np.float32))

    def used() -> set[int]:
        w_top = layer.selecting()(layer.weight, 64)
        return set(np.flatnonzero(w_top.toarray()))

    first = used()
    layer.weight.assign_(-layer.weight.numpy()[::-1])
    assert used() == first
    layer.eval()
    now = set(top_k(layer.weight.numpy(), 64))
    assert used() == now != first
    layer.train()
    assert used() == first
    layer.restart_selection()
    assert used() == now
    assert layer(x).shape == (5, 3)


@pytest.mark.parametrize("path", ["sparse", "dense"])
@pytest.mark.parametrize("rule", [Uniform, FixedBlocks])
def test_multiply_adds_of_dw_are_those_of_kept_weights(rule: type[Selection], path: str) -> None:
    """They are products of kept activations with kept weights; borders count like the inside, hence the padding."""
    model = network(rule(), path)
    layer = model[2]
    x = np.random.default_rng(3).standard_normal((6, 7, 7, 3)).astype(np.float32)
    out = layer(Tensor(x, requires_grad=True))
    macs = out.node.op.macs(out.node, out.shape)
    kept = (np.abs(x) >= np.sort(np.abs(x), axis=None)[-int(np.ceil(0.4 * x.size))]).astype(np.float32)
    taps = Tensor(np.zeros(layer.weight.shape, np.float32), requires_grad=True)
    ops.conv2d(kept, taps, None, 2, 2).sum().backward()
    assert macs.dw == round(float(taps.grad.reshape(-1)[layer.support()()].sum()))


@pytest.mark.parametrize("optimiser", OPTIMISERS)
@pytest.mark.parametrize("rule", [Uniform, InitialBlock8, FixedBlocks])
def test_kept_weights_are_always_those_of_the_layer(rule: type[Selection], optimiser: str) -> None:
    """Whether an optimiser updates them with the layer's or not, and whoever else writes to the layer."""
    model, rng = network(rule(), "sparse"), np.random.default_rng(1)
    step = OPTIMISERS[optimiser](model.parameters())
    layers = [model[i] for i in (0, 2, 4)]
    restart_selection(model)
    for _ in range(3):
        x = Tensor(rng.standard_normal((2, 6, 6, 4)).astype(np.float32))
        step.zero_grad()
        loss = ops.cross_entropy(model(x), rng.integers(0, 5, 4))
        loss.backward()
        layers[1].weight.assign_(layers[1].weight.numpy() + 1)
        step.step()
        for layer in layers:
            w_top = layer.selecting()(layer.weight, count_kept(layer.weight.size, layer.sparsity))
            kept = np.zeros(layer.weight.size, np.float32)
            positions = layer.support()()
            kept[positions] = layer.weight.numpy().reshape(-1)[positions]
            width = layer.weight.shape[-1]
            np.testing.assert_array_equal(w_top.toarray()[:, :width].reshape(-1), kept)
