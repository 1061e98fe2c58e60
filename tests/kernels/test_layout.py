"""The kernels that bring data into another order against their twins."""

import numpy as np
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st

from minizerofl.kernels import layout
from minizerofl.kernels.reference import layout as reference

SEEDS = st.integers(0, 2**32 - 1)
DTYPES = st.sampled_from([np.float32, np.float64])
DENSITIES = st.sampled_from([0.0, 0.05, 0.5, 1.0])


def normal(rng: np.random.Generator, *shape: int, dtype: type) -> np.ndarray:
    return rng.standard_normal(shape).astype(dtype)


@given(
    SEEDS,
    DTYPES,
    st.tuples(st.integers(1, 3), st.integers(1, 9), st.integers(1, 9), st.sampled_from([1, 5, 32])),
    st.tuples(st.integers(0, 4), st.integers(0, 4)),
    st.tuples(st.integers(1, 3), st.integers(1, 12), st.integers(1, 12)),
)
def test_deal_out_is_its_twin(
    seed: int, dtype: type, images: tuple[int, ...], padding: tuple[int, int], planes: tuple[int, int, int]
) -> None:
    x = normal(np.random.default_rng(seed), *images, dtype=dtype)
    S, *plane = planes
    ours, theirs = (np.full((images[0], S, S, *plane, images[3]), np.nan, dtype) for _ in range(2))
    layout.deal_out(x, *padding, ours)
    reference.deal_out(x, *padding, theirs)
    np.testing.assert_array_equal(ours, theirs)


@given(DTYPES, st.integers(1, 3), st.tuples(st.integers(1, 3), st.integers(1, 9), st.integers(1, 9), st.integers(1, 9)))
def test_merge_phases_is_its_twin_and_undoes_deal_out(dtype: type, stride: int, shape: tuple[int, ...]) -> None:
    x = np.arange(np.prod(shape)).reshape(shape).astype(dtype)
    planes = np.full((shape[0], stride, stride, -(-shape[1] // stride), 1 - (-shape[2] // stride), shape[3]), 7, dtype)
    layout.deal_out(x, 0, 0, planes)
    for module in (layout, reference):
        merged = np.full_like(x, np.nan)
        module.merge_phases(planes, merged)
        np.testing.assert_array_equal(merged, x)


@given(SEEDS, DTYPES, DENSITIES, st.tuples(st.integers(1, 9), st.integers(1, 9)))
def test_group_weights_is_its_twin(seed: int, dtype: type, density: float, shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(seed)
    matrix = scipy.sparse.random(*shape, density=density, format="csr", dtype=dtype, random_state=rng)
    by_row, by_column = (np.stack([rng.integers(0, 4, n), rng.integers(0, 99, n)]).astype(np.int32) for n in shape)
    results = []
    for module in (layout, reference):
        result = np.empty(8, np.int32), np.empty(matrix.nnz, np.int32), np.empty(matrix.nnz, dtype)
        operands = matrix.indptr.astype(np.int32), matrix.indices.astype(np.int32), matrix.data, by_row, by_column
        module.group_weights(*operands, *result)
        results.append(result)
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@given(
    seed=SEEDS,
    dtype=DTYPES,
    density=DENSITIES,
    stride=st.integers(1, 3),
    image=st.tuples(st.integers(1, 9), st.integers(1, 9), st.integers(1, 65)),
    part=st.integers(1, 9),
)
def test_group_activations_and_find_rows_are_their_twins(
    seed: int, dtype: type, density: float, stride: int, image: tuple[int, int, int], part: int
) -> None:
    rng = np.random.default_rng(seed)
    channels = 3
    positions = np.flatnonzero(rng.random(channels * np.prod(image)) < density).astype(np.int32)
    values = normal(rng, positions.size, dtype=dtype)
    results = []
    for module in (layout, reference):
        lines, columns = (-(-size // stride) for size in image[:2])
        bounds = np.empty(channels * stride**2 * lines * -(-columns // part) + 1, np.int32)
        rows, grouped = np.empty_like(positions), np.empty_like(values)
        module.group_activations(positions, values, image, stride, columns + 2, part, bounds, rows, grouped)
        results.append((bounds, rows, grouped))
        if stride == 1:
            bounds, rows = np.empty_like(bounds), np.empty_like(rows)
            module.find_rows(positions, image, columns + 2, part, bounds, rows)
            results[-1] += bounds, rows
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@given(SEEDS, DTYPES, st.integers(0, 70))
def test_copy_is_its_twin(seed: int, dtype: type, n: int) -> None:
    source = normal(np.random.default_rng(seed), 70, dtype=dtype)
    ours, theirs = np.empty(n, dtype), np.empty(n, dtype)
    layout.copy(source, ours)
    reference.copy(source, theirs)
    np.testing.assert_array_equal(ours, theirs)
