"""The products of short rows against the reference kernels."""

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from minizerofl.kernels import linear
from minizerofl.kernels.reference import linear as reference

SEEDS = st.integers(0, 2**32 - 1)
DTYPES = st.sampled_from([np.float32, np.float64])
DENSITIES = st.sampled_from([0.0, 0.05, 0.5, 1.0])


SIZES = st.sampled_from([1, 4, 8, 16])


def some_blocks(
    rng: np.random.Generator, rows: int, width: int, density: float
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Draw where the blocks of a sparse matrix are: indptr and indices."""
    blocks = scipy.sparse.random(rows, width, density=density, format="csr", random_state=rng)
    return blocks.indptr.astype(np.int32), blocks.indices.astype(np.int32)


@pytest.mark.parametrize("name", ["gather_rows", "scatter_rows", "gather_blocks", "scatter_blocks"])
@given(SEEDS, DTYPES, DENSITIES, st.sampled_from([4, 8, 16]), st.sampled_from([16, 32, 48, 64]))
def test_products_of_short_rows_equal_their_references(
    name: str, seed: int, dtype: type, density: float, size: int, n: int
) -> None:
    size = size if name.endswith("blocks") else 1
    rng = np.random.default_rng(seed)
    indptr, indices = some_blocks(rng, 5, 7, density)
    values = rng.standard_normal((indices.size, size)).astype(dtype)
    inside, outside = (7 * size, 5) if name.startswith("gather") else (5, 7 * size)
    x = rng.standard_normal(inside * n).astype(dtype)
    ours, theirs = np.full(outside * n, np.nan, dtype), np.empty(outside * n, dtype)
    operands = indptr, indices, values if name.endswith("blocks") else values[:, 0].copy(), x
    getattr(linear, name)(*operands, ours, n)
    getattr(reference, name)(*operands, theirs, n)
    np.testing.assert_allclose(ours, theirs, atol=256 * np.finfo(dtype).eps)


@given(SEEDS, DTYPES, DENSITIES, SIZES, st.integers(1, 3), st.integers(1, 5), st.integers(1, 4))
def test_gradient_at_kept_weights_equals_its_reference(
    seed: int, dtype: type, density: float, size: int, width: int, rows: int, batch: int
) -> None:
    rng = np.random.default_rng(seed)
    kept = some_blocks(rng, rows, width, density)
    inputs, samples = (a.astype(np.int32) for a in np.nonzero(rng.random((rows, batch)) < density))
    starts = np.flatnonzero(np.diff(inputs, prepend=-1))
    g, values = rng.standard_normal((batch, width * size)).astype(dtype), rng.standard_normal(inputs.size).astype(dtype)
    entries = np.append(starts, inputs.size).astype(np.int32), inputs[starts], samples, values
    ours, theirs = (np.full((kept[1].size, size), np.nan, dtype) for _ in range(2))
    linear.gradient_at(*entries, g, kept, ours)
    reference.gradient_at(*entries, g, kept, theirs)
    np.testing.assert_allclose(ours, theirs, atol=64 * np.finfo(dtype).eps)
