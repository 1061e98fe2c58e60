"""The sparse-convolution kernels against their twins."""

import numpy as np
import pytest
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


@given(SEEDS, DTYPES, st.integers(0, 9), st.integers(1, 300))
def test_add_rows_is_its_twin(seed: int, dtype: type, count: int, length: int) -> None:
    rng = np.random.default_rng(seed)
    rows = normal(rng, 500, dtype=dtype)
    offsets = rng.integers(0, 190, count).astype(np.int32)
    values = normal(rng, count, dtype=dtype)
    ours = normal(rng, length + 5, dtype=dtype)
    theirs = ours.copy()
    conv.add_rows(values, offsets, 0, count, rows, 10, ours, 3, length)
    reference.add_rows(values, offsets, 0, count, rows, 10, theirs, 3, length)
    close(ours, theirs)


@given(SEEDS, DTYPES, st.integers(0, 9), st.sampled_from(conv.WIDTHS))
def test_add_piece_is_its_twin(seed: int, dtype: type, count: int, width: int) -> None:
    rng = np.random.default_rng(seed)
    rows, values, ours = (normal(rng, n, dtype=dtype) for n in (500, count, width + 5))
    offsets, theirs = rng.integers(0, 190, count).astype(np.int32), ours.copy()
    conv.add_piece(values, offsets, 0, count, rows, 10, ours, 3, width)
    reference.add_piece(values, offsets, 0, count, rows, 10, theirs, 3, width)
    close(ours, theirs)


@given(SEEDS, DTYPES, st.integers(0, 9), st.sampled_from([conv.THIRD, 3 * conv.THIRD]))
def test_add_rows_thrice_is_its_twin(seed: int, dtype: type, count: int, length: int) -> None:
    rng = np.random.default_rng(seed)
    rows = normal(rng, 500, dtype=dtype)
    offsets = rng.integers(0, 190, count).astype(np.int32)
    values = normal(rng, count, dtype=dtype)
    ours = normal(rng, 3 * length + 5, dtype=dtype)
    theirs = ours.copy()
    places = (2 * length + 5, 3, length + 4)
    conv.add_rows_thrice(values, offsets, 0, count, rows, (10, 0, 20), ours, places, length)
    reference.add_rows_thrice(values, offsets, 0, count, rows, (10, 0, 20), theirs, places, length)
    close(ours, theirs)


@given(
    seed=SEEDS,
    dtype=DTYPES,
    density=DENSITIES,
    shape=st.tuples(st.integers(1, 5), st.integers(1, 3), st.sampled_from([1, 5, 16, 17, 65, 1500])),
)
def test_sum_rows_is_its_twin(seed: int, dtype: type, density: float, shape: tuple[int, int, int]) -> None:
    rng = np.random.default_rng(seed)
    rows, steps, length = shape
    matrix = scipy.sparse.random(rows, 12, density=density, format="csr", dtype=dtype, random_state=rng)
    step = 7
    x = normal(rng, 12 * 3 + (steps - 1) * step + length, dtype=dtype)
    operands = (matrix.indptr.astype(np.int32), (matrix.indices * 3).astype(np.int32), matrix.data, x, step)
    ours, theirs = np.full(shape, np.nan, dtype), np.empty(shape, dtype)
    conv.sum_rows(*operands, ours)
    reference.sum_rows(*operands, theirs)
    close(ours, theirs)


@pytest.mark.parametrize("name", ["gather_rows", "scatter_rows"])
@given(seed=SEEDS, dtype=DTYPES, density=DENSITIES, n=st.sampled_from([16, 32, 48, 64]))
def test_products_of_short_rows_are_their_twins(name: str, seed: int, dtype: type, density: float, n: int) -> None:
    rng = np.random.default_rng(seed)
    matrix = scipy.sparse.random(5, 7, density=density, format="csr", dtype=dtype, random_state=rng)
    factor = matrix if name == "gather_rows" else matrix.T
    x = normal(rng, factor.shape[1], n, dtype=dtype)
    operands = (matrix.indptr.astype(np.int32), matrix.indices.astype(np.int32), matrix.data, x.reshape(-1))
    ours, theirs = np.full(factor.shape[0] * n, np.nan, dtype), np.empty(factor.shape[0] * n, dtype)
    getattr(conv, name)(*operands, ours, n)
    getattr(reference, name)(*operands, theirs, n)
    close(ours, theirs)
    close(ours.reshape(-1, n), (factor @ x).astype(dtype))


@given(
    seed=SEEDS,
    dtype=DTYPES,
    density=DENSITIES,
    stride=st.integers(1, 3),
    image=st.tuples(st.integers(1, 9), st.integers(1, 9), st.integers(1, 65)),
)
def test_group_activations_is_its_twin(
    seed: int, dtype: type, density: float, stride: int, image: tuple[int, int, int]
) -> None:
    rng = np.random.default_rng(seed)
    channels = 3
    positions = np.flatnonzero(rng.random(channels * np.prod(image)) < density).astype(np.int32)
    values = normal(rng, positions.size, dtype=dtype)
    results = []
    for module in (conv, reference):
        indptr = np.empty(channels * stride**2 + 1, np.int32)
        rows, grouped = np.empty_like(positions), np.empty_like(values)
        module.group_activations(positions, values, image, stride, image[1] + 2, indptr, rows, grouped)
        results.append((indptr, rows, grouped))
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_array_equal(ours, theirs)


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


@given(SEEDS, DTYPES, st.tuples(st.integers(1, 40), st.integers(1, 4), st.integers(1, 4), st.integers(1, 20)))
def test_pixels_first_is_its_twin(seed: int, dtype: type, shape: tuple[int, int, int, int]) -> None:
    dy = normal(np.random.default_rng(seed), *shape, dtype=dtype)
    OC, Ho, Wo, N = shape
    ours, theirs = np.zeros((Ho + 2, Wo + 3, N, OC), dtype), np.zeros((Ho + 2, Wo + 3, N, OC), dtype)
    conv.pixels_first(dy, 1, 2, ours)
    reference.pixels_first(dy, 1, 2, theirs)
    np.testing.assert_array_equal(ours, theirs)
