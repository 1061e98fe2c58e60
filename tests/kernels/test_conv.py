"""The sparse-convolution kernels against their twins."""

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st

from minizerofl.autograd.ops.window import Window
from minizerofl.kernels import conv, layout
from minizerofl.kernels.reference import conv as reference
from minizerofl.sparse.geometry import geometry

SEEDS = st.integers(0, 2**32 - 1)
DTYPES = st.sampled_from([np.float32, np.float64])
DENSITIES = st.sampled_from([0.0, 0.05, 0.5, 1.0])


def close(ours: np.ndarray, theirs: np.ndarray) -> None:
    assert ours.dtype == theirs.dtype
    scale = max(1.0, float(np.abs(theirs).max(initial=0)))
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=64 * np.finfo(ours.dtype).eps * scale)


def normal(rng: np.random.Generator, *shape: int, dtype: type) -> np.ndarray:
    return rng.standard_normal(shape).astype(dtype)


@given(
    SEEDS,
    DTYPES,
    st.integers(0, 9),
    st.integers(0, 4),
    st.integers(1, 300),
    st.booleans(),
    st.sampled_from([(0, 0), (7, 9)]),
)
def test_add_rows_is_its_twin(
    seed: int, dtype: type, count: int, R: int, length: int, new: bool, ahead: tuple[int, int]
) -> None:
    rng = np.random.default_rng(seed)
    cuts = np.sort(rng.integers(0, count + 1, R + 1))
    values, rows = normal(rng, count, dtype=dtype), normal(rng, 500, dtype=dtype)
    offsets = rng.integers(0, 190, count).astype(np.int32)
    ours = normal(rng, R * length + 5, dtype=dtype)
    theirs = ours.copy()
    operands = cuts[:-1], cuts[1:], offsets, values, rows, 10
    conv.add_rows(*operands, ours, 3, length, new, ahead, length)
    reference.add_rows(*operands, theirs, 3, length, new, ahead, length)
    close(ours, theirs)


@given(SEEDS, DTYPES, st.integers(0, 9), st.sampled_from(conv.WIDTHS), st.booleans(), st.sampled_from([None, (7, 9)]))
def test_add_pieces_is_its_twin(
    seed: int, dtype: type, count: int, width: int, new: bool, ahead: tuple[int, int] | None
) -> None:
    rng = np.random.default_rng(seed)
    rows, values, ours = (normal(rng, n, dtype=dtype) for n in (500, count, 2 * width + 5))
    offsets, theirs = rng.integers(0, 190, count).astype(np.int32), ours.copy()
    cuts = np.array([0, count // 3, count])
    operands = cuts[:-1], cuts[1:], offsets, values, rows, 10
    conv.add_pieces(*operands, ours, 3, width, new, ahead, width)
    reference.add_pieces(*operands, theirs, 3, width, new, ahead, width)
    close(ours, theirs)


@given(SEEDS, DTYPES, DENSITIES, st.integers(1, 4), st.integers(1, 3), st.integers(1, 300))
def test_sum_tile_is_its_twin(seed: int, dtype: type, density: float, R: int, blocks: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    matrix = scipy.sparse.random(R * blocks, 12, density=density, format="csr", dtype=dtype, random_state=rng)
    operands = (matrix.indptr.astype(np.int64), matrix.indices.astype(np.int32), matrix.data)
    x, ours = normal(rng, 12 + 2 + n, dtype=dtype), normal(rng, R * (n + 3), dtype=dtype)
    theirs = ours.copy()
    conv.sum_tile(*operands, x, 2, ours, 1, n + 3, (7, 9), R, n)
    reference.sum_tile(*operands, x, 2, theirs, 1, n + 3, (7, 9), R, n)
    close(ours, theirs)


@given(
    seed=SEEDS,
    dtype=DTYPES,
    density=DENSITIES,
    blocks=st.integers(1, 3),
    shape=st.tuples(st.integers(0, 5), st.integers(1, 3), st.sampled_from([1, 5, 16, 17, 65, 1500])),
)
def test_sum_rows_is_its_twin(seed: int, dtype: type, density: float, blocks: int, shape: tuple[int, int, int]) -> None:
    rng = np.random.default_rng(seed)
    rows, steps, length = shape
    matrix = scipy.sparse.random(blocks * rows, 12, density=density, format="csr", dtype=dtype, random_state=rng)
    step = 7
    x = normal(rng, max(1, rows), 12 * 3 + (steps - 1) * step + length, dtype=dtype)
    operands = (matrix.indptr.astype(np.int32), (matrix.indices * 3).astype(np.int32), matrix.data, x, step)
    ours, theirs = np.full(shape, np.nan, dtype), np.empty(shape, dtype)
    conv.sum_rows(*operands, ours)
    reference.sum_rows(*operands, theirs)
    close(ours, theirs)


@given(SEEDS, DTYPES, st.integers(0, 3), st.tuples(st.integers(1, 3), st.integers(1, 5), st.integers(1, 20)))
def test_pixels_first_is_its_twin(seed: int, dtype: type, channel: int, shape: tuple[int, int, int]) -> None:
    dy = normal(np.random.default_rng(seed), conv.PIECE + 3, *shape, dtype=dtype)
    line, columns, N = shape[0] - 1, shape[1] + 3, shape[2]
    ours, theirs = (np.full(columns * N * conv.PIECE + 7, 5, dtype) for _ in range(2))
    conv.pixels_first(dy, channel, line, 2, columns, ours, 4)
    reference.pixels_first(dy, channel, line, 2, columns, theirs, 4)
    np.testing.assert_array_equal(ours, theirs)


@given(SEEDS, DTYPES, st.integers(0, 9), st.integers(0, 3), st.booleans(), st.sampled_from(conv.COUNTS))
def test_add_taps_is_its_twin(seed: int, dtype: type, n: int, R: int, new: bool, count: int) -> None:
    rng = np.random.default_rng(seed)
    cuts = np.sort(rng.integers(0, n + 1, R + 1)).astype(np.int32)
    values, g = normal(rng, n, dtype=dtype), normal(rng, 20 * conv.PIECE, dtype=dtype)
    rows, ours = rng.integers(0, 11, n).astype(np.int32), normal(rng, (3 * R + 3) * conv.PIECE + 5, dtype=dtype)
    theirs, steps = ours.copy(), (3 * conv.PIECE, conv.PIECE)
    conv.add_taps(cuts[:-1], cuts[1:], rows, values, g, 8, 3, ours, 5, steps, new, count)
    reference.add_taps(cuts[:-1], cuts[1:], rows, values, g, 8, 3, theirs, 5, steps, new, count)
    close(ours, theirs)


@st.composite
def gradients(draw: st.DrawFn, stride: int, K: int) -> tuple[tuple, int, np.ndarray, np.ndarray, np.ndarray]:
    """What `conv_weight_gradient` takes: kept activations with their runs, dY and where it is copied to, dW."""
    rng, dtype = np.random.default_rng(draw(SEEDS)), draw(DTYPES)
    N, IC = draw(st.sampled_from([1, 5, 32])), 2
    kernels = (draw(st.integers(1, 3)), K)
    rows, cols = (Window(draw(st.integers(max(1, k - 2), 9)), k, stride, draw(st.integers(1, k))) for k in kernels)
    place = geometry(rows, cols, IC, N)
    positions = np.flatnonzero(rng.random(IC * rows.size * cols.size * N) < draw(DENSITIES)).astype(np.int32)
    values, columns, part = normal(rng, positions.size, dtype=dtype), place.cols.grad_size, draw(st.integers(1, 9))
    cells = stride**2, place.rows.grad_planes, -(-place.cols.grad_planes // part)
    found = np.empty(IC * np.prod(cells) + 1, np.int32), np.empty_like(positions), np.empty_like(values)
    layout.group_activations(positions, values, (rows.size, cols.size, N), stride, columns, part, *found)
    dy = normal(rng, draw(st.sampled_from([32, 40, 64])), rows.out, cols.out, N, dtype=dtype)
    g = np.full((draw(st.integers(1, rows.out)) if part > 8 else 1, columns, N, conv.PIECE), np.nan, dtype)
    dw = np.full((IC, place.phases.size, len(dy)), np.nan, dtype)
    return (found[0], cells, *found[1:], place.runs), place.cols.border, dy, g, dw


@pytest.mark.parametrize(("stride", "K"), [(1, 1), (1, 3), (1, 5), (2, 3), (2, 8), (3, 2)])
@given(st.data())
def test_conv_weight_gradient_and_add_run_are_their_twins(stride: int, K: int, data: st.DataObject) -> None:
    kept, left, dy, g, ours = data.draw(gradients(stride, K))
    theirs = ours.copy()
    conv.conv_weight_gradient(*kept, dy, left, g, ours)
    reference.conv_weight_gradient(*kept, dy, left, g, theirs)
    close(ours, theirs)
    _, columns, N, _ = g.shape
    for line in range(len(g)):
        reference.pixels_first(dy, 0, line, left, columns, g.reshape(-1), line * columns * N * conv.PIECE)
    for first in (1, 0):  # to add to what is there, and to write
        for run in kept[4]:
            band = (first, first + len(g), columns, N)
            conv.add_run(*kept[:4], run, g.reshape(-1), band, ours, 0)
            reference.add_run(*kept[:4], run, g.reshape(-1), band, theirs, 0)
        close(ours, theirs)
