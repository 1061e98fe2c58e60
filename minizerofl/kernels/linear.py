"""Sparse times dense (SpMM) for short rows: the products of a linear layer with a small batch.

A row of the dense operand holds one feature of all samples. It fits into one or two registers, so the products need no
blocks, unlike `minizerofl.kernels.conv.sum_rows`.
"""

from __future__ import annotations

import numpy as np
from numba.misc.special import literal_unroll, literally

from minizerofl.kernels.blocks import SIZES
from minizerofl.kernels.jit import kernel
from minizerofl.kernels.simd import fma, load, store
from minizerofl.kernels.types import Floats, Indices

__all__ = ["gather_blocks", "gather_rows", "gradient_at", "scatter_blocks", "scatter_rows"]

ONE, TWO = np.uint64(1), np.uint64(2)  # Unsigned: Numba then omits the test for negative indices.
WIDTHS = (1, *SIZES)  # the numbers of neighbouring weights that are kept together


@kernel
def scatter_pieces(
    indptr: Indices, indices: Indices, values: Floats, x: Floats, out: Floats, n: int, width: int, size: int
) -> None:
    """Compute `scatter_rows` with vectors of `width` lanes and blocks of `size` weights, compile-time constants."""
    literally(width)
    literally(size)
    N = np.uint64(size)
    out[:] = 0
    for r in range(indptr.size - 1):
        for i in range(0, n, width):
            row = load(x, r * n + i, width)
            for j in range(np.uint64(indptr[r]), np.uint64(indptr[r + 1])):
                at = indices[j] * size * n + i
                for b in range(N):
                    store(out, at, fma(load(out, at, width), values[j * N + b], row))
                    at += n


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
        scatter_pieces(indptr, indices, values, x, out, n, 32, 1)
    else:
        scatter_pieces(indptr, indices, values, x, out, n, 16, 1)


@kernel
def scatter_blocks(indptr: Indices, indices: Indices, values: Floats, x: Floats, out: Floats, n: int) -> None:
    """Compute `scatter_rows` for a matrix in block sparse rows (BSR): one more loop, over the weights of a block.

    It is a function of its own, so that nothing is compiled for blocks where there are none.

    Parameters
    ----------
    indptr, indices, values : (R + 1,) int32, (number,) int32, (number, N) float
        The matrix of R rows, with blocks of 1 x N; N is one of `minizerofl.kernels.blocks.SIZES`.
    x, out, n
        As in `scatter_rows`.
    """
    for size in literal_unroll(SIZES):
        if size == values.shape[1]:
            if n % 32 == 0:
                scatter_pieces(indptr, indices, values.reshape(-1), x, out, n, 32, size)
            else:
                scatter_pieces(indptr, indices, values.reshape(-1), x, out, n, 16, size)


@kernel
def gather_pieces(
    indptr: Indices, indices: Indices, values: Floats, x: Floats, out: Floats, n: int, width: int, size: int
) -> None:
    """Compute `gather_rows` with vectors of `width` lanes and blocks of `size` weights, compile-time constants."""
    literally(width)
    literally(size)
    N = np.uint64(size)
    out[:] = 0
    one = values.dtype.type(1)
    for r in range(indptr.size - 1):
        start, stop = np.uint64(indptr[r]), np.uint64(indptr[r + 1])
        last = stop - (stop - start) % TWO
        for i in range(0, n, width):
            even = odd = load(out, r * n + i, width)
            for j in range(start, last, TWO):
                k = j + ONE
                a, c = indices[j] * size * n + i, indices[k] * size * n + i
                for b in range(N):
                    even = fma(even, values[j * N + b], load(x, a, width))
                    odd = fma(odd, values[k * N + b], load(x, c, width))
                    a, c = a + n, c + n
            if last < stop:
                a = indices[last] * size * n + i
                for b in range(N):
                    even = fma(even, values[last * N + b], load(x, a, width))
                    a += n
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
        gather_pieces(indptr, indices, values, x, out, n, 32, 1)
    else:
        gather_pieces(indptr, indices, values, x, out, n, 16, 1)


@kernel
def gather_blocks(indptr: Indices, indices: Indices, values: Floats, x: Floats, out: Floats, n: int) -> None:
    """Compute `gather_rows` for a matrix in block sparse rows; parameters as in `scatter_blocks`."""
    for size in literal_unroll(SIZES):
        if size == values.shape[1]:
            if n % 32 == 0:
                gather_pieces(indptr, indices, values.reshape(-1), x, out, n, 32, size)
            else:
                gather_pieces(indptr, indices, values.reshape(-1), x, out, n, 16, size)


@kernel
def gradient_pieces(
    starts: Indices,
    inputs: Indices,
    samples: Indices,
    values: Floats,
    g: Floats,
    kept: tuple[Indices, Indices],
    dw: Floats,
    width: int,
) -> None:
    """Compute `gradient_at` for blocks of `width` weights, a compile-time constant."""
    literally(width)
    (indptr, indices), (OC, rows), weights = kept, (g.shape[1], g.reshape(-1)), dw.reshape(-1)
    dw[:] = 0
    for i in range(inputs.size):
        first, last = np.uint64(indptr[inputs[i]]), np.uint64(indptr[inputs[i] + 1])
        for entry in range(starts[i], starts[i + 1]):
            for j in range(first, last):
                at = j * np.uint64(width)
                row = load(rows, samples[entry] * OC + indices[j] * width, width)
                store(weights, at, fma(load(weights, at, width), values[entry], row))


@kernel
def gradient_at(
    starts: Indices,
    inputs: Indices,
    samples: Indices,
    values: Floats,
    g: Floats,
    kept: tuple[Indices, Indices],
    dw: Floats,
) -> None:
    """Compute the weight gradient of a linear layer at kept weights only (SDDMM, sampled dense times dense).

    An activation multiplies only the gradients of those outputs to which its input has a kept weight.

    Parameters
    ----------
    starts : (r + 1,) int32
        Where the kept activations of each input start.
    inputs : (r,) int32
        The inputs that have any.
    samples, values : (k,) int32, (k,) float
        The sample of each kept activation, and its value.
    g : (N, OC) float
        The output gradient.
    kept : (indptr, indices)
        Where the kept weights are, as CSR or as block sparse rows (BSR).
    dw : (number, n) float
        The result, for each block of n neighbouring weights; n is 1 or one of `minizerofl.kernels.blocks.SIZES`.
    """
    for width in literal_unroll(WIDTHS):
        if width == dw.shape[1]:
            gradient_pieces(starts, inputs, samples, values, g, kept, dw, width)
