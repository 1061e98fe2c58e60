"""The twins of `minizerofl.kernels.linear`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
Indices = NDArray[np.int32]


def scatter_pieces(
    indptr: Indices, indices: Indices, values: Floats, x: Floats, out: Floats, n: int, width: int
) -> None:
    """Do what `scatter_rows` does."""
    scatter_rows(indptr, indices, values, x, out, n)


def scatter_rows(indptr: Indices, indices: Indices, values: Floats, x: Floats, out: Floats, n: int) -> None:
    """Multiply the transpose of a sparse matrix by the rows of `x`."""
    out[:] = 0
    for r in range(indptr.size - 1):
        for j in range(indptr[r], indptr[r + 1]):
            out[indices[j] * n :][:n] += values[j] * x[r * n :][:n]


def gather_pieces(
    indptr: Indices, indices: Indices, values: Floats, x: Floats, out: Floats, n: int, width: int
) -> None:
    """Do what `gather_rows` does."""
    gather_rows(indptr, indices, values, x, out, n)


def gather_rows(indptr: Indices, indices: Indices, values: Floats, x: Floats, out: Floats, n: int) -> None:
    """Multiply a sparse matrix by short rows."""
    out[:] = 0
    for r in range(indptr.size - 1):
        for j in range(indptr[r], indptr[r + 1]):
            out[r * n : (r + 1) * n] += values[j] * x[indices[j] * n :][:n]
