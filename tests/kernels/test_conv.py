"""The sparse-convolution kernels against their twins."""

import numpy as np
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st

from minizerofl.kernels import conv
from minizerofl.kernels.reference import conv as reference

SEEDS = st.integers(0, 2**32 - 1)
DTYPES = st.sampled_from([np.float32, np.float64])
DENSITIES = st.sampled_from([0.0, 0.05, 0.5, 1.0])


def close(ours: np.ndarray, theirs: np.ndarray) -> None:
    assert ours.dtype == theirs.dtype
    scale = max(1.0, float(np.abs(theirs).max(initial=0)))
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=64 * np.finfo(ours.dtype).eps * scale)


def normal(rng: np.random.Generator, *shape: int, dtype: type) -> np.ndarray:
    return rng.standard_normal(shape).astype(dtype)


@given(SEEDS, DTYPES, st.integers(0, 9), st.integers(0, 4), st.integers(1, 300), st.sampled_from([0, 7]))
def test_add_rows_is_its_twin(seed: int, dtype: type, count: int, R: int, length: int, ahead: int) -> None:
    rng = np.random.default_rng(seed)
    cuts = np.sort(rng.integers(0, count + 1, R + 1))
    values, rows = normal(rng, count, dtype=dtype), normal(rng, 500, dtype=dtype)
    offsets = rng.integers(0, 190, count).astype(np.int32)
    ours = normal(rng, R * length + 5, dtype=dtype)
    theirs = ours.copy()
    conv.add_rows(cuts[:-1], cuts[1:], offsets, values, rows, 10, ours, 3, length, ahead, length)
    reference.add_rows(cuts[:-1], cuts[1:], offsets, values, rows, 10, theirs, 3, length, ahead, length)
    close(ours, theirs)


@given(SEEDS, DTYPES, st.integers(0, 9), st.sampled_from(conv.WIDTHS), st.sampled_from([None, 7]))
def test_add_pieces_is_its_twin(seed: int, dtype: type, count: int, width: int, ahead: int | None) -> None:
    rng = np.random.default_rng(seed)
    rows, values, ours = (normal(rng, n, dtype=dtype) for n in (500, count, 2 * width + 5))
    offsets, theirs = rng.integers(0, 190, count).astype(np.int32), ours.copy()
    cuts = np.array([0, count // 3, count])
    conv.add_pieces(cuts[:-1], cuts[1:], offsets, values, rows, 10, ours, 3, width, ahead, width)
    reference.add_pieces(cuts[:-1], cuts[1:], offsets, values, rows, 10, theirs, 3, width, ahead, width)
    close(ours, theirs)


@given(SEEDS, DTYPES, DENSITIES, st.integers(1, 4), st.integers(1, 3), st.integers(1, 300))
def test_sum_tile_is_its_twin(seed: int, dtype: type, density: float, R: int, blocks: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    matrix = scipy.sparse.random(R * blocks, 12, density=density, format="csr", dtype=dtype, random_state=rng)
    operands = (matrix.indptr.astype(np.int64), matrix.indices.astype(np.int32), matrix.data)
    x, ours = normal(rng, 12 + 2 + n, dtype=dtype), normal(rng, R * (n + 3), dtype=dtype)
    theirs = ours.copy()
    conv.sum_tile(*operands, x, 2, ours, 1, n + 3, 7, R, n)
    reference.sum_tile(*operands, x, 2, theirs, 1, n + 3, 7, R, n)
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


@given(
    seed=SEEDS, dtype=DTYPES, density=DENSITIES, phases=st.sampled_from([1, 4]), channels=st.sampled_from([1, 64, 300])
)
def test_conv_weight_gradient_is_its_twin(seed: int, dtype: type, density: float, phases: int, channels: int) -> None:
    rng = np.random.default_rng(seed)
    inputs, taps, pixels = 2, 5, 1100  # with 64 channels more than one tile
    planes = [np.flatnonzero(rng.random(pixels) < density * 0.1) for _ in range(inputs * phases)]
    rows = np.concatenate(planes).astype(np.int32)
    indptr = np.cumsum([0, *(plane.size for plane in planes)]).astype(np.int32)
    tap_indptr = np.sort(np.append(rng.integers(0, taps + 1, phases - 1), [0, taps])).astype(np.int32)
    shifts = rng.integers(0, 50, taps).astype(np.int32)
    order = rng.permutation(taps).astype(np.int32)
    values = normal(rng, rows.size, dtype=dtype)
    g = normal(rng, pixels + 50, channels, dtype=dtype)
    ours, theirs = (np.full((inputs, taps, channels), np.nan, dtype) for _ in range(2))
    conv.conv_weight_gradient(indptr, rows, values, tap_indptr, order, shifts, g, ours)
    reference.conv_weight_gradient(indptr, rows, values, tap_indptr, order, shifts, g, theirs)
    close(ours, theirs)
