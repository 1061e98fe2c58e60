"""The reference kernels of `minizerofl.kernels.linear`: products of matrices."""

from __future__ import annotations

import scipy.sparse

from minizerofl.kernels.types import Floats, Indices


def scatter_rows(indptr: Indices, indices: Indices, values: Floats, x: Floats, out: Floats, n: int) -> None:
    """Multiply the transpose of a sparse matrix by a dense one."""
    shape = (indptr.size - 1, out.size // n)
    out[:] = (scipy.sparse.csr_array((values, indices, indptr), shape=shape).T @ x.reshape(-1, n)).reshape(-1)


def gather_rows(indptr: Indices, indices: Indices, values: Floats, x: Floats, out: Floats, n: int) -> None:
    """Multiply a sparse matrix by a dense one."""
    shape = (indptr.size - 1, x.size // n)
    out[:] = (scipy.sparse.csr_array((values, indices, indptr), shape=shape) @ x.reshape(-1, n)).reshape(-1)
