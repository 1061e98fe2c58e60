"""The weights that take part, as a scipy.sparse matrix."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from minizerofl.sparse.selection import largest


def top_k_csr(w: NDArray[Any], k: int) -> scipy.sparse.csr_array:
    """Compress the k weights of largest magnitude of a layer.

    Parameters
    ----------
    w : (..., OC) array
        The dense weights: (IC, KH, KW, OC) of a convolution, or a matrix.
    k : int
        How many to keep.

    Returns
    -------
    (product of the other axes, OC) scipy.sparse.csr_array
        The kept weights, with sorted int32 indices.

    Examples
    --------
    >>> top_k_csr(np.array([[1.0, -3.0], [2.0, 0.5]]), 2).toarray()
    array([[ 0., -3.],
           [ 2.,  0.]])
    """
    columns = w.shape[-1]
    rows = w.size // columns
    positions, data = largest(w, k)
    starts = np.arange(rows + 1, dtype=np.int64) * columns
    indptr = np.searchsorted(positions, starts).astype(np.int32)
    indices = positions - np.repeat(starts[:-1], np.diff(indptr)).astype(np.int32)
    return scipy.sparse.csr_array((data, indices, indptr), shape=(rows, columns))
