"""The kernels of block-sparse products against the reference kernels."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from minizerofl.kernels import blocks
from minizerofl.kernels.reference import blocks as reference

SEEDS = st.integers(0, 2**32 - 1)
DTYPES = st.sampled_from([np.float32, np.float64])
TILES = blocks.Tiles(2, 32)
LENGTHS = st.sampled_from([1, 5, 8, 16, 24, 33, 64, 300])


def close(ours: np.ndarray, theirs: np.ndarray) -> None:
    assert ours.dtype == theirs.dtype
    scale = max(1.0, float(np.abs(theirs).max(initial=0)))
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=64 * np.finfo(ours.dtype).eps * scale)


def draw(
    seed: int, dtype: type, N: int, groups: tuple[int, int], length: int, S: int
) -> tuple[tuple[np.ndarray, ...], np.ndarray, int, tuple[int, int, int]]:
    """Draw grouped blocks, a flat operand, a step and the shape of the outputs."""
    rng = np.random.default_rng(seed)
    B = groups[1]
    counts = rng.integers(0, 6, groups[0] * B) * rng.integers(0, 2, groups[0] * B)
    bounds = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    values = rng.standard_normal((bounds[-1], N)).astype(dtype)
    offsets = rng.integers(0, 40, bounds[-1]).astype(np.int32)
    step = int(rng.integers(1, 9))
    planes = B * N if seed % 2 else 1  # with a plane for each output the next rows are prefetched
    x = rng.standard_normal((planes, 40 + (S - 1) * step + length)).astype(dtype)
    return (bounds, offsets, values), x, step, (B * N, S, length)


CASES = given(
    seed=SEEDS,
    dtype=DTYPES,
    N=st.sampled_from([4, 8, 16]),
    groups=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    length=LENGTHS,
    S=st.integers(1, 3),
)


@CASES
@example(seed=0, dtype=np.float32, N=8, groups=(2, 2), length=32, S=1)
def test_sum_blocks_equals_its_reference(
    seed: int, dtype: type, N: int, groups: tuple[int, int], length: int, S: int
) -> None:
    grouped, x, step, shape = draw(seed, dtype, N, groups, length, S)
    ours, theirs = np.full(shape, np.nan, dtype), np.empty(shape, dtype)
    blocks.sum_blocks(*grouped, x, step, TILES, ours)
    reference.sum_blocks(*grouped, x, step, TILES, theirs)
    close(ours, theirs)


@CASES
@example(seed=0, dtype=np.float32, N=8, groups=(2, 2), length=32, S=1)
def test_spread_blocks_equals_its_reference(
    seed: int, dtype: type, N: int, groups: tuple[int, int], length: int, S: int
) -> None:
    grouped, x, step, shape = draw(seed, dtype, N, groups, length, S)
    dy = np.random.default_rng(seed + 1).standard_normal(shape).astype(dtype)
    ours, theirs = x.copy(), x.copy()
    blocks.spread_blocks(*grouped, dy, step, TILES, ours)
    reference.spread_blocks(*grouped, dy, step, TILES, theirs)
    close(ours, theirs)


@CASES
def test_spreading_is_the_transpose_of_summing(
    seed: int, dtype: type, N: int, groups: tuple[int, int], length: int, S: int
) -> None:
    """<dy, sum(x)> = <spread(dy), x>, for any x and dy."""
    grouped, x, step, shape = draw(seed, np.float64, N, groups, length, S)
    dy = np.random.default_rng(seed + 1).standard_normal(shape)
    y, dx = np.empty(shape), np.zeros(x.shape)
    blocks.sum_blocks(*grouped, x, step, TILES, y)
    blocks.spread_blocks(*grouped, dy, step, TILES, dx)
    np.testing.assert_allclose((dy * y).sum(), (dx * x).sum(), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("length", range(1, 5 * blocks.LANES, 3))
def test_rows_of_every_length_are_cut_into_registers(length: int) -> None:
    grouped, x, step, shape = draw(3, np.float32, 4, (1, 1), length, 2)
    ours, theirs = np.full(shape, np.nan, np.float32), np.empty(shape, np.float32)
    blocks.sum_blocks(*grouped, x, step, TILES, ours)
    reference.sum_blocks(*grouped, x, step, TILES, theirs)
    close(ours, theirs)


@given(SEEDS, DTYPES, st.integers(0, 5), st.integers(1, 20), st.sampled_from([1, 4, 8]))
def test_block_squares_equals_its_reference(seed: int, dtype: type, R: int, C: int, N: int) -> None:
    w = np.random.default_rng(seed).standard_normal((R, C)).astype(dtype)
    ours, theirs = (np.empty((R, -(-C // N)), dtype) for _ in range(2))
    blocks.block_squares(w, N, ours)
    reference.block_squares(w, N, theirs)
    close(ours, theirs)


@given(SEEDS, DTYPES, st.integers(1, 8), st.integers(1, 4), st.floats(0, 1))
def test_group_blocks_equals_its_reference(seed: int, dtype: type, R: int, B: int, density: float) -> None:
    rng = np.random.default_rng(seed)
    rows, columns = np.nonzero(rng.random((R, B)) < density)
    indptr = np.searchsorted(rows, np.arange(R + 1)).astype(np.int32)
    values = rng.standard_normal((rows.size, 4)).astype(dtype)
    by_row = np.stack([np.arange(R) // 3 * B, rng.integers(0, 99, R)]).astype(np.int32)
    results = []
    for kernel in (blocks.group_blocks, reference.group_blocks):
        grouped = np.empty(-(-R // 3) * B + 1, np.int32), np.empty(rows.size, np.int32), np.empty_like(values)
        kernel(indptr, columns.astype(np.int32), values, by_row, *grouped)
        results.append(grouped)
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_array_equal(ours, theirs)
