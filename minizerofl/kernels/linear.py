"""Sparse times dense (SpMM) for short rows: the products of a linear layer with a small batch.

A row of the dense operand holds one feature of all samples. It fits into one or two registers, so the products need no
blocks, unlike `minizerofl.kernels.conv.sum_rows`.
"""

from __future__ import annotations

import numpy as np
from numba.misc.special import literally

from minizerofl.kernels.jit import kernel
from minizerofl.kernels.simd import fma, load, store
from minizerofl.kernels.types import Floats, Indices

__all__ = ["gather_rows", "scatter_rows"]

ONE, TWO = np.uint64(1), np.uint64(2)  # Unsigned: Numba then omits the test for negative indices.


@kernel
def scatter_pieces(
    indptr: Indices, indices: Indices, values: Floats, x: Floats, out: Floats, n: int, width: int
) -> None:
    """Compute `scatter_rows` with vectors of `width` lanes, a compile-time constant (see `minizerofl.kernels.jit`)."""
    literally(width)
    out[:] = 0
    for r in range(indptr.size - 1):
        for i in range(0, n, width):
            row = load(x, r * n + i, width)
            for j in range(np.uint64(indptr[r]), np.uint64(indptr[r + 1])):
                at = indices[j] * n + i
                store(out, at, fma(load(out, at, width), values[j], row))


@kernel
def scatter_rows(indptr: Indices, indices: Indices, values: Floats, x: Floats, out: Floats, n: int) -> None:
    """Multiply the transpose of a sparse matrix by a dense one, by scattering rows: no transpose is made.

    ``out[indices[j] * n :][:n] += values[j] * x[r * n :][:n]`` over the entries j of each sparse row r. Rows must be
    short, since a row of `out` is loaded and stored for every entry. This is the forward product of a linear layer.

    Parameters
    ----------
    indptr, indices, values : (R + 1,) int32, (nnz,) int32, (nnz,) float
        The matrix (R, C), as CSR.
    x : (R * n,) float
        The dense operand, flat.
    out : (C * n,) float
        The result, flat.
    n : int
        The length of a row, a multiple of 16.
    """
    if n % 32 == 0:
        scatter_pieces(indptr, indices, values, x, out, n, 32)
    else:
        scatter_pieces(indptr, indices, values, x, out, n, 16)


@kernel
def gather_pieces(
    indptr: Indices, indices: Indices, values: Floats, x: Floats, out: Floats, n: int, width: int
) -> None:
    """Compute `gather_rows` with vectors of `width` lanes, a compile-time constant."""
    literally(width)
    out[:] = 0
    one = values.dtype.type(1)
    for r in range(indptr.size - 1):
        start, stop = np.uint64(indptr[r]), np.uint64(indptr[r + 1])
        last = stop - (stop - start) % TWO
        for i in range(0, n, width):
            even = odd = load(out, r * n + i, width)
            for j in range(start, last, TWO):
                k = j + ONE
                even = fma(even, values[j], load(x, indices[j] * n + i, width))
                odd = fma(odd, values[k], load(x, indices[k] * n + i, width))
            if last < stop:
                even = fma(even, values[last], load(x, indices[last] * n + i, width))
            store(out, r * n + i, fma(even, one, odd))


@kernel
def gather_rows(indptr: Indices, indices: Indices, values: Floats, x: Floats, out: Floats, n: int) -> None:
    """Multiply a sparse matrix by a dense one with short rows, by gathering rows; two sums hide latency.

    An FMA takes about four cycles until its result can be used (its latency), but two can start in each cycle. A row is
    only one register or two, so a single sum would wait for itself. Every second product goes to a second sum. This is
    the input gradient of a linear layer with a small batch.

    Parameters
    ----------
    indptr, indices, values, n
        As in `scatter_rows`.
    x : (C * n,) float
        The dense operand, flat.
    out : (R * n,) float
        The result, flat.
    """
    if n % 32 == 0:
        gather_pieces(indptr, indices, values, x, out, n, 32)
    else:
        gather_pieces(indptr, indices, values, x, out, n, 16)
