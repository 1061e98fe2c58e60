"""The products of short rows against the reference kernels."""

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st

from minizerofl.kernels import linear
from minizerofl.kernels.reference import linear as reference

SEEDS = st.integers(0, 2**32 - 1)
DTYPES = st.sampled_from([np.float32, np.float64])
DENSITIES = st.sampled_from([0.0, 0.05, 0.5, 1.0])


@pytest.mark.parametrize("name", ["gather_rows", "scatter_rows"])
@given(seed=SEEDS, dtype=DTYPES, density=DENSITIES, n=st.sampled_from([16, 32, 48, 64]))
def test_products_of_short_rows_equal_their_references(
    name: str, seed: int, dtype: type, density: float, n: int
) -> None:
    rng = np.random.default_rng(seed)
    matrix = scipy.sparse.random(5, 7, density=density, format="csr", dtype=dtype, random_state=rng)
    factor = matrix if name == "gather_rows" else matrix.T
    x = rng.standard_normal((factor.shape[1], n)).astype(dtype)
    operands = (matrix.indptr.astype(np.int32), matrix.indices.astype(np.int32), matrix.data, x.reshape(-1))
    ours, theirs = np.full(factor.shape[0] * n, np.nan, dtype), np.empty(factor.shape[0] * n, dtype)
    getattr(linear, name)(*operands, ours, n)
    getattr(reference, name)(*operands, theirs, n)
    tolerance = 64 * np.finfo(dtype).eps
    np.testing.assert_allclose(ours, theirs, atol=tolerance)
