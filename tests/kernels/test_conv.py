"""The sparse-convolution kernels against the reference kernels."""

import numpy as np
import pytest
import scipy.sparse
from hypothesis import example, given
from hypothesis import strategies as st

from minizerofl.autograd.ops.window import Window
from minizerofl.kernels import conv, simd
from minizerofl.kernels.reference import conv as reference
from minizerofl.sparse import fast
from minizerofl.sparse.geometry import prepare_geometry

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
    seed=SEEDS,
    dtype=DTYPES,
    density=DENSITIES,
    blocks=st.integers(1, 3),
    shape=st.tuples(st.integers(0, 5), st.integers(1, 3), st.sampled_from([1, 5, 16, 17, 65, 1500])),
    planes=st.booleans(),
)
@example(seed=0, dtype=np.float32, density=1.0, blocks=2, shape=(2, 2, 5), planes=False)  # shorter than a vector
@example(seed=0, dtype=np.float32, density=0.05, blocks=3, shape=(5, 2, 65), planes=True)  # rows without entries
def test_sum_rows_equals_its_reference(
    seed: int, dtype: type, density: float, blocks: int, shape: tuple[int, int, int], planes: bool
) -> None:
    """With a plane for each sparse row the next image row is prefetched, otherwise not."""
    rng = np.random.default_rng(seed)
    rows, steps, length = shape
    matrix = scipy.sparse.random(blocks * rows, 12, density=density, format="csr", dtype=dtype, random_state=rng)
    step = 7
    x = normal(rng, max(1, rows) if planes else rows + 1, 12 * 3 + (steps - 1) * step + length, dtype=dtype)
    operands = (matrix.indptr.astype(np.int32), (matrix.indices * 3).astype(np.int32), matrix.data, x, step)
    ours, theirs = np.full(shape, np.nan, dtype), np.empty(shape, dtype)
    conv.sum_rows(*operands, ours)
    reference.sum_rows(*operands, theirs)
    close(ours, theirs)


def test_what_is_prefetched_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows of any length and any number of cache lines: the widest vectors, and each narrower one for the rest."""
    rng = np.random.default_rng(0)
    for length in (*conv.WIDTHS, sum(conv.WIDTHS), simd.MAX_LANES + 20):
        values, offsets = normal(rng, 3, dtype=np.float32), np.array([0, 3, 1], np.int32)
        indptr = np.array([0, 2, 3], np.int32)
        x = normal(rng, 2, 20 + length, dtype=np.float32)
        results = []
        for dense in (x, x.reshape(1, -1)):  # two planes, as many as there are rows; and one
            out = np.full((2, 2, length), np.nan, np.float32)
            conv.sum_rows(indptr, offsets, values, dense, 8, out)
            results.append(out)
        np.testing.assert_array_equal(*results)


@st.composite
def convolutions(draw: st.DrawFn, stride: int, K: int) -> tuple[np.ndarray, np.ndarray, Window, Window]:
    """Draw an input with zeros where nothing was kept, an output gradient, and the windows along rows and columns."""
    rng, dtype = np.random.default_rng(draw(SEEDS)), draw(DTYPES)
    N, density = draw(st.sampled_from([(1, 1.0), (5, 0.0), (5, 0.5), (32, 0.2), (65, 0.1)]))
    down, across = (
        Window(draw(st.integers(max(1, k - 2), 9)), k, stride, draw(st.integers(1, k)))
        for k in (draw(st.integers(1, 3)), K)
    )
    x = normal(rng, 2, down.size, across.size, N, dtype=dtype)
    x[rng.random(x.shape) >= density] = 0
    dy = normal(rng, draw(st.sampled_from([3, 32, 40])), down.out, across.out, N, dtype=dtype)
    return x, dy, down, across


@pytest.mark.parametrize(("stride", "K"), [(1, 1), (1, 3), (1, 5), (2, 3), (2, 8), (3, 2)])
@given(st.data())
def test_conv_weight_gradient_equals_its_reference(stride: int, K: int, data: st.DataObject) -> None:
    x, dy, down, across = data.draw(convolutions(stride, K))
    positions = np.flatnonzero(x).astype(np.int32)
    shape = (len(x), down.kernel, across.kernel, len(dy))
    geometry = prepare_geometry(down, across, len(x), x.shape[3])
    ours = fast.weight_gradient(dy, positions, x.reshape(-1)[positions], geometry, x.shape, shape)
    theirs = np.empty_like(ours)
    reference.conv_weight_gradient(x, dy, stride, (down.padding, across.padding), theirs)
    close(ours, theirs)


@pytest.mark.parametrize(("size", "batch"), [(12, 65), (12, 5)], ids=["cells of part of a line", "bands of many lines"])
def test_bands_and_cells_of_every_shape(size: int, batch: int) -> None:
    rng = np.random.default_rng(0)
    window = Window(size, 3, 1, 1)
    geometry = prepare_geometry(window, window, 1, batch)
    grid, height = geometry.grid(0.5)
    assert grid.line_cells > 1 if batch == 65 else 1 < height < window.out
    x, dy = normal(rng, 1, size, size, batch, dtype=np.float32), normal(rng, 3, size, size, batch, dtype=np.float32)
    x[rng.random(x.shape) < 0.9] = 0
    positions = np.flatnonzero(x).astype(np.int32)
    ours = fast.weight_gradient(dy, positions, x.reshape(-1)[positions], geometry, x.shape, (1, 3, 3, 3))
    theirs = np.empty_like(ours)
    reference.conv_weight_gradient(x, dy, 1, (1, 1), theirs)
    close(ours, theirs)
