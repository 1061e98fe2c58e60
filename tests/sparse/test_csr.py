"""The compressed weights hold the top-k and nothing else."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from minizerofl.sparse import top_k, top_k_csr


@given(st.integers(0, 2**32 - 1), st.tuples(*[st.integers(1, 5)] * 4), st.sampled_from([0, 0.05, 0.5, 1]))
def test_csr_holds_the_top_k(seed: int, shape: tuple[int, ...], density: float) -> None:
    w = np.random.default_rng(seed).standard_normal(shape).astype(np.float32)
    k = int(density * w.size)
    expected = np.zeros(w.size, np.float32)
    kept = top_k(w, k)
    expected[kept] = w.reshape(-1)[kept]
    matrix = top_k_csr(w, k)
    assert (matrix.dtype, matrix.indices.dtype, matrix.indptr.dtype) == (np.float32, np.int32, np.int32)
    assert matrix.has_canonical_format
    np.testing.assert_array_equal(matrix.toarray(), expected.reshape(-1, shape[-1]))
