"""The reference kernels of `minizerofl.kernels.linear`: products of matrices."""

from __future__ import annotations

import numpy as np
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


def scatter_blocks(indptr: Indices, indices: Indices, values: Floats, x: Floats, out: Floats, n: int) -> None:
    """Multiply as `scatter_rows`, by single entries."""
    scatter_rows(*_entries(indptr, indices, values, out.size // n), x, out, n)


def gather_blocks(indptr: Indices, indices: Indices, values: Floats, x: Floats, out: Floats, n: int) -> None:
    """Multiply as `gather_rows`, by single entries."""
    gather_rows(*_entries(indptr, indices, values, x.size // n), x, out, n)


def _entries(indptr: Indices, indices: Indices, values: Floats, columns: int) -> tuple[Indices, Indices, Floats]:
    blocks = scipy.sparse.bsr_array((values[:, None], indices, indptr), shape=(indptr.size - 1, columns))
    matrix = blocks.tocsr()
    return matrix.indptr, matrix.indices, matrix.data


def gradient_at(
    starts: Indices,
    inputs: Indices,
    samples: Indices,
    values: Floats,
    g: Floats,
    kept: tuple[Indices, Indices],
    dw: Floats,
) -> None:
    """Compute the whole weight gradient, and take the kept blocks of weights."""
    indptr, indices = kept
    x_top = np.zeros((indptr.size - 1, len(g)), dw.dtype)
    x_top[np.repeat(inputs, np.diff(starts)), samples] = values
    rows = np.repeat(np.arange(indptr.size - 1), np.diff(indptr))
    dw[:] = (x_top @ g).reshape(indptr.size - 1, -1, dw.shape[1])[rows, indices]
