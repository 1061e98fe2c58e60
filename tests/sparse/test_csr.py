"""The largest weights as a sparse matrix, from step to step."""

import copy

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minizerofl import Tensor, nn, ops, optim
from minizerofl.sparse import top_k, top_k_csr
from minizerofl.sparse.csr import TopWeights

SEEDS = st.integers(0, 2**32 - 1)


def expected(w: np.ndarray, k: int) -> np.ndarray:
    kept = np.zeros(w.size, w.dtype)
    positions = top_k(w, k)
    kept[positions] = w.reshape(-1)[positions]
    return kept.reshape(-1, w.shape[-1])


def check(matrix, w: np.ndarray, k: int) -> None:
    np.testing.assert_array_equal(matrix.toarray(), expected(w, k))
    assert matrix.has_sorted_indices
    assert matrix.indices.dtype == matrix.indptr.dtype == np.int32
    assert matrix.nnz == min(k, np.count_nonzero(w))


@given(SEEDS, st.sampled_from(["normal", "ties", "zeros", "constant", "rows"]), st.integers(0, 400))
def test_the_matrix_holds_the_exact_top_k(seed: int, kind: str, k: int) -> None:
    check(top_k_csr(weights(seed, kind), k), weights(seed, kind), k)


def weights(seed: int, kind: str) -> np.ndarray:
    rng = np.random.default_rng(seed)
    w = rng.standard_normal((5, 4, 20)).astype(np.float32)
    if kind == "ties":
        return np.round(w)
    if kind == "zeros":
        return np.where(rng.random(w.shape) < 0.97, 0, w).astype(np.float32)
    if kind == "constant":
        return np.ones_like(w)
    if kind == "rows":
        return (w * np.geomspace(1, 1e6, 20).reshape(5, 4, 1)).astype(np.float32)
    return w


@pytest.mark.parametrize("kind", ["normal", "constant", "misleading"])
def test_large_matrices(kind: str) -> None:
    rng = np.random.default_rng(0)
    w = rng.standard_normal((300, 1000)).astype(np.float32)
    if kind == "constant":
        w[50:] = 1
    elif kind == "misleading":
        w.reshape(-1)[:: w.size // 16384 | 1] = 100
    for k in (10, 15_000, 200_000):
        check(top_k_csr(w, k), w, k)


CHANGES = ["few rows", "no rows", "all", "grow", "shrink", "other k", "other weights"]


@given(SEEDS, st.lists(st.sampled_from(CHANGES), max_size=6))
def test_whatever_changes_the_selection_is_exact(seed: int, changes: list[str]) -> None:
    rng = np.random.default_rng(seed)
    w, top, k = Tensor(rng.standard_normal((30, 70)).astype(np.float32)), TopWeights(), 100
    check(top.select(w, k), w.numpy(), k)
    for change in changes:
        rows = np.sort(rng.choice(30, 0 if change == "no rows" else 3, replace=False)).astype(np.int32)
        if change == "other k":
            k = int(rng.integers(0, 500))
        elif change == "other weights":
            w = Tensor(rng.standard_normal(w.shape).astype(np.float32))
        elif change == "all":
            w.assign_(rng.standard_normal(w.shape).astype(np.float32))
        else:
            factor = {"grow": 100, "shrink": 0}.get(change, 1)
            with w.writing(rows) as array:
                array[rows] = factor * rng.standard_normal((rows.size, 70)).astype(np.float32)
        check(top.select(w, k), w.numpy(), k)


def test_what_did_not_change_is_not_searched_again() -> None:
    rng = np.random.default_rng(0)
    w, top = Tensor(rng.standard_normal((30, 70)).astype(np.float32)), TopWeights()
    first = top.select(w, 100)
    assert top.select(w, 100) is first
    with w.writing(np.array([2], np.int32)) as array:
        array[[2, 3]] = 0  # row 3 as well, which is not true to the promise and goes unnoticed: it is not looked at
    second = top.select(w, 90)
    assert top.select(w, 90) is second


def test_a_trained_layer_uses_the_top_k_of_its_weights_at_every_step() -> None:
    rng = np.random.default_rng(0)
    layer = nn.SparseLinear(64, 40, sparsity=0.9, rng=rng)
    optimiser = optim.SGD(layer.parameters(), lr=0.5)
    for step in range(8):
        if step == 5:
            layer = copy.deepcopy(layer)  # as a client gets one of its own
            optimiser = optim.SGD(layer.parameters(), lr=0.5)
        x = np.maximum(rng.standard_normal((64, 4)), 0).astype(np.float32)
        y = layer(Tensor(x))
        w = expected(layer.weight.data, 256)
        np.testing.assert_allclose(y.data, w.T @ x + layer.bias.data[:, None], rtol=1e-4, atol=1e-5)
        optimiser.zero_grad()
        ops.mean(y * y).backward()
        optimiser.step()
