"""Blocks of outputs: which are kept, and that the fast path computes with exactly these."""

import numpy as np
import pytest
import scipy.sparse
from hypothesis import example, given
from hypothesis import strategies as st

from minizerofl import Tensor, ops
from minizerofl.sparse import count_kept, top_k
from minizerofl.sparse.blocks import (
    TopBlocks,
    bsr_at,
    count_entries,
    entries_of,
    numbers_of,
    refreshed,
    scores_of,
    top_blocks,
)
from minizerofl.sparse.csr import kept_mask, kept_positions, with_values_of
from minizerofl.sparse.structured import Block, Block4, Block8, Block16

SEEDS = st.integers(0, 2**32 - 1)
SIZES = st.sampled_from([4, 8, 16])
DENSITIES = st.sampled_from([0.0, 0.05, 0.3, 1.0])


class Block1(Block):
    block = 1


def matrix(seed: int, R: int, C: int) -> np.ndarray:
    """Weights with zeros and ties."""
    return np.round(np.random.default_rng(seed).standard_normal((R, C)), 1).astype(np.float32)


@given(SEEDS, st.integers(1, 9), st.integers(1, 40), SIZES, st.integers(0, 400))
def test_the_best_blocks_are_kept_as_long_as_they_fit(seed: int, R: int, C: int, N: int, k: int) -> None:
    w = matrix(seed, R, C)
    k = min(k, w.size)
    B = -(-C // N)
    chosen = top_blocks(scores_of(w, N), C, N, k)
    assert np.all(np.diff(chosen) > 0)
    lengths = np.full((R, B), N)
    lengths[:, -1] = C - (B - 1) * N
    kept = int(lengths.reshape(-1)[chosen].sum())
    assert kept <= k
    squares = np.array(
        [[(w[r, b * N : b * N + N].astype(float) ** 2).sum() for b in range(B)] for r in range(R)]
    ).ravel()
    left = np.setdiff1d(np.flatnonzero(squares > 0), chosen)
    if left.size:
        best = left[np.argmax(squares[left])]
        assert squares[best] <= squares[chosen].min(initial=np.inf) * (1 + 1e-5)
        if C % N == 0:
            assert kept + N > k


@given(SEEDS, st.integers(1, 9), st.integers(1, 40), SIZES, DENSITIES)
def test_a_matrix_of_blocks_has_the_weights_of_its_entries(seed: int, R: int, C: int, N: int, density: float) -> None:
    w = matrix(seed, R, C)
    chosen = np.flatnonzero(np.random.default_rng(seed).random(R * -(-C // N)) < density).astype(np.int32)
    kept, positions = bsr_at(w, chosen, N), entries_of(chosen, C, N)
    assert np.all(np.diff(positions) > 0)
    expected = np.zeros_like(w)
    expected.reshape(-1)[positions] = w.reshape(-1)[positions]
    np.testing.assert_array_equal(kept.toarray()[:, :C], expected)
    assert not kept.toarray()[:, C:].any()
    np.testing.assert_array_equal(numbers_of(kept), chosen)
    np.testing.assert_array_equal(kept_positions(kept, C), positions)
    np.testing.assert_array_equal(np.flatnonzero(kept_mask(kept, (R, C))), positions)
    assert count_entries(kept, C) == positions.size
    other = matrix(seed + 1, R, C)
    np.testing.assert_array_equal(refreshed(kept, other).toarray(), bsr_at(other, chosen, N).toarray())
    np.testing.assert_array_equal(with_values_of(kept, other, positions).toarray(), bsr_at(other, chosen, N).toarray())


@given(SEEDS, st.integers(1, 9), st.integers(1, 40), st.integers(0, 400))
def test_blocks_of_one_are_top_k_bit_for_bit(seed: int, R: int, C: int, k: int) -> None:
    w = np.random.default_rng(seed).standard_normal((R, C)).astype(np.float32) * np.float32(1e-30)
    w[0, 0] = 0
    k = min(k, w.size)
    np.testing.assert_array_equal(Block1().select({"w": w}, {"w": k})["w"], top_k(w, k))


@given(SEEDS, st.sampled_from([Block4, Block8, Block16]), st.integers(2, 20))
def test_the_rule_and_the_layers_keep_the_same(seed: int, rule: type[Block], OC: int) -> None:
    w = matrix(seed, 9, OC).reshape(1, 3, 3, OC)
    k = count_kept(w.size, 0.5)
    kept = TopBlocks(rule.block).select(Tensor(w), k)
    np.testing.assert_array_equal(kept_positions(kept, OC), rule().select({"w": w}, {"w": k})["w"])


@given(SEEDS, st.lists(st.sets(st.integers(0, 5)), max_size=4), st.sampled_from([6, 8]))
def test_blocks_are_found_again_after_writes_to_some_rows(seed: int, writes: list[set[int]], C: int) -> None:
    rng = np.random.default_rng(seed)
    w, top = Tensor(matrix(seed, 6, C)), TopBlocks(4)
    for rows in writes:
        changed = np.array(sorted(rows), np.int32)
        with w.writing(changed) as array:
            array[changed] = rng.standard_normal((changed.size, C))
        for k in (24, 24, 12):
            expected = bsr_at(w.numpy(), top_blocks(scores_of(w.numpy(), 4), C, 4, k), 4)
            assert (top.select(w, k) != expected).nnz == 0


def run(op, arrays: list[np.ndarray], path: str, N: int, **options: object) -> list[np.ndarray]:
    """Return the result, the gradients of all inputs and the multiply-adds."""
    inputs = [Tensor(a, requires_grad=True) for a in arrays]
    y = op(*inputs, path=path, select=TopBlocks(N).select, **options)
    macs = np.array(y.node.op.macs(y.node, y.shape), np.float32)
    y.backward(np.random.default_rng(1).standard_normal(y.shape).astype(np.float32))
    return [y.data, *(t.grad for t in inputs), macs]


def agree(ours: list[np.ndarray], theirs: list[np.ndarray]) -> None:
    for a, b in zip(ours, theirs, strict=True):
        assert a.shape == b.shape
        assert a.dtype == b.dtype == np.float32
        assert np.abs(a - b).max(initial=0) <= 1e-5 * max(np.abs(b).max(initial=0), 1e-30)


@given(
    seed=SEEDS,
    N=SIZES,
    window=st.tuples(st.sampled_from([1, 3, 5]), st.integers(1, 3), st.integers(0, 2)),
    channels=st.tuples(st.integers(1, 4), st.integers(1, 20)),
    batch=st.sampled_from([1, 2, 5, 8, 32]),
    sparsity=st.sampled_from([0.0, 0.4, 0.9, 0.999]),
)
@example(seed=0, N=8, window=(3, 2, 1), channels=(3, 8), batch=8, sparsity=0.4)
@example(seed=0, N=4, window=(3, 1, 1), channels=(2, 6), batch=5, sparsity=0.0)  # a shorter last block; all blocks
def test_convolution(
    seed: int, N: int, window: tuple[int, int, int], channels: tuple[int, int], batch: int, sparsity: float
) -> None:
    rng = np.random.default_rng(seed)
    (K, stride, padding), (IC, OC) = window, channels
    arrays = [rng.standard_normal(s).astype(np.float32) for s in [(IC, 6, 7, batch), (IC, K, K, OC), (OC,)]]
    options = {"sparsity": sparsity, "activation_sparsity": 0.5, "stride": stride, "padding": padding}
    agree(*(run(ops.sparse_conv2d, arrays, path, N, **options) for path in ("sparse", "dense")))


@given(
    SEEDS,
    SIZES,
    st.tuples(st.integers(1, 40), st.integers(1, 30), st.integers(1, 70)),
    st.sampled_from([0.0, 0.6, 0.99]),
)
def test_linear(seed: int, N: int, sizes: tuple[int, int, int], sparsity: float) -> None:
    rng = np.random.default_rng(seed)
    inputs, outputs, batch = sizes
    arrays = [rng.standard_normal(s).astype(np.float32) for s in [(inputs, batch), (inputs, outputs), (outputs,)]]
    agree(*(run(ops.sparse_linear, arrays, path, N, sparsity=sparsity) for path in ("sparse", "dense")))


def test_float64_weights_have_blocks_too() -> None:
    w = np.random.default_rng(0).standard_normal((6, 8))
    kept = TopBlocks(4).select(Tensor(w), 16)
    assert isinstance(kept, scipy.sparse.bsr_array)
    assert kept.dtype == np.float64


@pytest.mark.parametrize("k", [0, 3])
def test_a_budget_below_one_block_keeps_nothing(k: int) -> None:
    assert Block4().select({"w": np.ones((2, 8), np.float32)}, {"w": k})["w"].size == 0
