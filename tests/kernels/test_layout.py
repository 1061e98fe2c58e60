"""The kernels that bring data into another order against the reference kernels."""

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
def test_space_to_depth_equals_its_reference(
    seed: int, dtype: type, images: tuple[int, ...], padding: tuple[int, int], planes: tuple[int, int, int]
) -> None:
    x = normal(np.random.default_rng(seed), *images, dtype=dtype)
    S, *plane = planes
    ours, theirs = (np.full((images[0], S, S, *plane, images[3]), np.nan, dtype) for _ in range(2))
    layout.space_to_depth(x, *padding, ours)
    reference.space_to_depth(x, *padding, theirs)
    np.testing.assert_array_equal(ours, theirs)


@given(DTYPES, st.integers(1, 3), st.tuples(st.integers(1, 3), st.integers(1, 9), st.integers(1, 9), st.integers(1, 9)))
def test_depth_to_space_equals_its_reference_and_undoes_space_to_depth(
    dtype: type, stride: int, shape: tuple[int, ...]
) -> None:
    x = np.arange(np.prod(shape)).reshape(shape).astype(dtype)
    planes = np.full((shape[0], stride, stride, -(-shape[1] // stride), 1 - (-shape[2] // stride), shape[3]), 7, dtype)
    layout.space_to_depth(x, 0, 0, planes)
    for module in (layout, reference):
        merged = np.full_like(x, np.nan)
        module.depth_to_space(planes, merged)
        np.testing.assert_array_equal(merged, x)


@given(SEEDS, DTYPES, DENSITIES, st.tuples(st.integers(1, 9), st.integers(1, 9)))
def test_group_weights_equals_its_reference(seed: int, dtype: type, density: float, shape: tuple[int, int]) -> None:
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
    cell_columns=st.integers(1, 9),
)
def test_group_activations_and_find_places_equal_their_references(
    seed: int, dtype: type, density: float, stride: int, image: tuple[int, int, int], cell_columns: int
) -> None:
    rng = np.random.default_rng(seed)
    channels = 3
    positions = np.flatnonzero(rng.random(channels * np.prod(image)) < density).astype(np.int32)
    values = normal(rng, positions.size, dtype=dtype)
    lines, columns = (-(-size // stride) for size in image[:2])
    grid = layout.Grid(*image, stride, columns + 2, lines, -(-columns // cell_columns), cell_columns)
    cells = channels * stride**2 * grid.lines * grid.line_cells
    results = []
    for module in (layout, reference):
        bounds, places, grouped = np.empty(cells + 1, np.int32), np.empty_like(positions), np.empty_like(values)
        module.group_activations(positions, values, grid, bounds, places, grouped)
        results.append((bounds, places, grouped))
        if stride == 1:
            bounds, places = np.empty_like(bounds), np.empty_like(places)
            module.find_places(positions, grid, bounds, places)
            results[-1] += bounds, places
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_array_equal(ours, theirs)
