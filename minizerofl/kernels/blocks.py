"""Sparse products whose weights are kept in blocks of neighbouring outputs: an input row is loaded once for four sums.

`minizerofl.kernels.conv.sum_rows` loads a row for each kept weight. Here the N weights that an input channel and tap
give to N neighbouring output channels are kept or left out together (1 x N blocks, `scipy.sparse.bsr_array`), and the
sentence becomes, for the N outputs o of a block,

=========  ======================================  =====================
forward    ``out[o] += sum_j values[j, o] * row_j``  rows of the input
dX         ``row_j += sum_o values[j, o] * dy[o]``   the same rows, of dX
=========  ======================================  =====================

So dX is the transpose of the forward product: the same blocks, in the same order, and the same offsets. In both, four
rows of the outputs stay in registers while all blocks that meet them are passed: as many as the registers hold beside
the row itself. A linear layer is the case of one pixel and one tap.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba.misc.special import literal_unroll, literally

from minizerofl.kernels.jit import kernel
from minizerofl.kernels.simd import AVX512, fma, full, load, prefetch, reduce_add, store
from minizerofl.kernels.types import Floats, Indices

__all__ = ["block_squares", "group_blocks", "spread_blocks", "sum_blocks"]

OUTPUTS = 4  # outputs whose rows are in registers at a time; a block has a multiple of it
LANES = 16 if AVX512 else 8  # floats of one register
SIZES = (4, 8, 16)  # the lengths of blocks that have kernels of their own
COUNTS = (4, 2, 1) if AVX512 else (2, 1)  # registers of a row at a time: four times as many for the outputs


class Blocks(NamedTuple):
    """Kept blocks, sorted by group: those of input channels that are handled together, then by block of outputs.

    Attributes
    ----------
    bounds : (groups + 1,) int32
        Where the blocks of each group start; group g belongs to the outputs of block ``g % B``.
    offsets : (number,) int32
        Where the row of the input starts that a block meets.
    values : (number, N) float
        Its weights.
    """

    bounds: Indices
    offsets: Indices
    values: Floats


class Area(NamedTuple):
    """What is computed of all outputs: the rows from `top` to `bottom`, and of each the numbers from `left` to `right`.

    Their rows of the input are `step` numbers apart.
    """

    top: int
    bottom: int
    left: int
    right: int
    step: int


class Tiles(NamedTuple):
    """How the rows are divided into areas: bands of `band` rows, strips of `strip` numbers.

    What an area needs of the input channels of a group stays in L2 while all blocks of outputs use it.
    """

    band: int
    strip: int


@kernel
def squares_pieces(w: Floats, squares: Floats, width: int) -> None:
    """Compute `block_squares` for the whole blocks; their length `width` is a compile-time constant."""
    literally(width)
    (R, C), flat = w.shape, w.reshape(-1)
    zero = full(w.dtype.type(0), width)
    for r in range(R):
        for block in range(C // width):
            vector = load(flat, r * C + block * width, width)
            squares[r, block] = reduce_add(fma(zero, vector, vector))


@kernel
def block_squares(w: Floats, N: int, squares: Floats) -> None:
    """Compute the sum of squares of each block of N neighbouring columns; the last block of a row may be shorter.

    Parameters
    ----------
    w : (R, C) float
        The weights.
    N : int
        The length of a block.
    squares : (R, ceil(C / N)) float
        The result.
    """
    R, C = w.shape
    first = 0  # of the blocks that are left
    for width in literal_unroll(SIZES):
        if width == N:
            squares_pieces(w, squares, width)
            first = C // N
    for r in range(R):
        for block in range(first, squares.shape[1]):
            total = w.dtype.type(0)
            for c in range(block * N, min(C, block * N + N)):
                total += w[r, c] * w[r, c]
            squares[r, block] = total


@kernel
def group_blocks(
    indptr: Indices,
    indices: Indices,
    values: Floats,
    by_row: Indices,
    bounds: Indices,
    offsets: Indices,
    grouped: Floats,
) -> None:
    """Sort blocks by group, for `sum_blocks`: a stable counting sort, see `minizerofl.kernels.layout`.

    Parameters
    ----------
    indptr, indices, values : (R + 1,) int32, (number,) int32, (number, N) float
        The matrix of R rows, as block sparse rows (BSR) with blocks of 1 x N.
    by_row : (2, R) int32
        The group of a block is ``by_row[0, row] + indices[j]``, and ``by_row[1, row]`` its offset.
    bounds, offsets, grouped : (groups + 1,) int32, (number,) int32, (number, N) float
        The result: the three arrays of `Blocks`.
    """
    groups, starts = by_row
    bounds[:] = 0
    for row in range(indptr.size - 1):
        for j in range(indptr[row], indptr[row + 1]):
            bounds[groups[row] + indices[j] + 1] += np.int32(1)
    for group in range(1, bounds.size):
        bounds[group] += bounds[group - 1]
    free = bounds[:-1].copy()  # the next free place of each group
    for row in range(indptr.size - 1):
        for j in range(indptr[row], indptr[row + 1]):
            group = groups[row] + indices[j]
            to = free[group]
            free[group] += np.int32(1)
            offsets[to] = starts[row]
            for n in range(values.shape[1]):
                grouped[to, n] = values[j, n]


@kernel
def prefetch_next(x: Floats, out: Floats, first: int, s: int, i: int, area: Area) -> None:
    """Prefetch a cache line of four planes of the input, and of four outputs, that the next band needs.

    The input must have a plane for each output. All that is asked for at once waits for each other, so each call of
    these few lines comes with much work between.
    """
    S, L = out.shape[1:]
    band = area.bottom - area.top
    if s + band < S:
        line = x.shape[1] - (S - s - band) * area.step + i
        for output in range(first, first + OUTPUTS):
            prefetch(x, output * x.shape[1] + line)
            prefetch(out, (output * S + s + band) * L + i)


@kernel
def sum_pieces(blocks: Blocks, begin: int, x: Floats, area: Area, out: Floats, count: int) -> None:
    """Compute `sum_blocks` for an area, from the groups of one pass over the outputs that begin at `begin`.

    A piece of a row is `count` registers long, a compile-time constant.
    """
    literally(count)
    bounds, offsets, values = blocks
    OC, S, L = out.shape
    dense, flat, weights = x.reshape(-1), out.reshape(-1), values.reshape(-1)
    N, width = np.uint64(values.shape[1]), count * LANES
    zero, new = out.dtype.type(0), begin == 0
    for first in range(0, OC, OUTPUTS):
        block, inside = divmod(first, values.shape[1])
        start, stop = np.uint64(bounds[begin + block]), np.uint64(bounds[begin + block + 1])
        if start < stop or new:
            for s in range(area.top, area.bottom):
                base, to = s * area.step, (first * S + s) * L
                for i in range(area.left, area.right - width + 1, width):
                    if new and x.shape[0] == OC:
                        prefetch_next(x, out, first, s, i, area)
                    at = to + i
                    a = full(zero, LANES, count) if new else load(flat, at, LANES, count, LANES)
                    b = full(zero, LANES, count) if new else load(flat, at + S * L, LANES, count, LANES)
                    c = full(zero, LANES, count) if new else load(flat, at + 2 * S * L, LANES, count, LANES)
                    d = full(zero, LANES, count) if new else load(flat, at + 3 * S * L, LANES, count, LANES)
                    n = start * N + np.uint64(inside)
                    for j in range(start, stop):
                        row = load(dense, base + i + offsets[j], LANES, count, LANES)
                        a = fma(a, weights[n], row)
                        b = fma(b, weights[n + np.uint64(1)], row)
                        c = fma(c, weights[n + np.uint64(2)], row)
                        d = fma(d, weights[n + np.uint64(3)], row)
                        n += N
                    store(flat, at, a, LANES)
                    store(flat, at + S * L, b, LANES)
                    store(flat, at + 2 * S * L, c, LANES)
                    store(flat, at + 3 * S * L, d, LANES)


@kernel
def sum_rest(blocks: Blocks, x: Floats, area: Area, out: Floats) -> None:
    """Compute `sum_blocks` for an area whose rows fill no register."""
    bounds, offsets, values = blocks
    dense, N = x.reshape(-1), values.shape[1]
    B = len(out) // N
    out[:, area.top : area.bottom, area.left : area.right] = 0
    for group in range(bounds.size - 1):
        for j in range(bounds[group], bounds[group + 1]):
            for n in range(N):
                for s in range(area.top, area.bottom):
                    for i in range(area.left, area.right):
                        out[group % B * N + n, s, i] += values[j, n] * dense[offsets[j] + s * area.step + i]


@kernel
def sum_blocks(
    bounds: Indices, offsets: Indices, values: Floats, x: Floats, step: int, tiles: Tiles, out: Floats
) -> None:
    """Multiply the transpose of a block-sparse matrix by rows of `x`: the forward product.

    ``out[b * N + o, s, :] = sum_j values[j, o] * x[offsets[j] + s * step :][:L]`` over the blocks j of all groups
    b, b + B, b + 2 B, ...

    Parameters
    ----------
    bounds, offsets, values : (G * B + 1,) int32, (number,) int32, (number, N) float
        The three arrays of `Blocks`; N is a multiple of 4.
    x : (P, M) float
        The dense operand, P planes; it is used as flat.
    step : int
        The distance in `x` from the rows of one s to those of the next.
    tiles : Tiles
        How the result is divided.
    out : (B * N, S, L) float
        The result: B * N channels of S rows of L contiguous values.
    """
    OC, S, L = out.shape
    blocks, B = Blocks(bounds, offsets, values), OC // values.shape[1]
    for strip in range(0, L, tiles.strip):
        left, end = strip, min(L, strip + tiles.strip)
        for count in literal_unroll(COUNTS):
            right = end - (end - left) % (count * LANES)
            if left < right:
                for top in range(0, S, tiles.band):
                    area = Area(top, min(S, top + tiles.band), left, right, step)
                    for begin in range(0, bounds.size - 1, B):
                        sum_pieces(blocks, begin, x, area, out, count)
            left = right
        if left < end:
            sum_rest(blocks, x, Area(0, S, left, end, step), out)


@kernel
def spread_pieces(blocks: Blocks, begin: int, dy: Floats, area: Area, x: Floats, count: int) -> None:
    """Compute `spread_blocks` for an area, as `sum_pieces` does for `sum_blocks`."""
    literally(count)
    bounds, offsets, values = blocks
    OC, S, L = dy.shape
    flat, grad, weights = x.reshape(-1), dy.reshape(-1), values.reshape(-1)
    N, width = np.uint64(values.shape[1]), count * LANES
    for first in range(0, OC, OUTPUTS):
        block, inside = divmod(first, values.shape[1])
        start, stop = np.uint64(bounds[begin + block]), np.uint64(bounds[begin + block + 1])
        for s in range(area.top, area.bottom):
            base, source = s * area.step, (first * S + s) * L
            for i in range(area.left, area.right - width + 1, width):
                if begin == 0 and x.shape[0] == OC:
                    prefetch_next(x, dy, first, s, i, area)
                at = source + i
                a = load(grad, at, LANES, count, LANES)
                b = load(grad, at + S * L, LANES, count, LANES)
                c = load(grad, at + 2 * S * L, LANES, count, LANES)
                d = load(grad, at + 3 * S * L, LANES, count, LANES)
                n = start * N + np.uint64(inside)
                for j in range(start, stop):
                    to = base + i + offsets[j]
                    sums = fma(load(flat, to, LANES, count, LANES), weights[n], a)
                    sums = fma(sums, weights[n + np.uint64(1)], b)
                    sums = fma(sums, weights[n + np.uint64(2)], c)
                    sums = fma(sums, weights[n + np.uint64(3)], d)
                    store(flat, to, sums, LANES)
                    n += N


@kernel
def spread_rest(blocks: Blocks, dy: Floats, area: Area, x: Floats) -> None:
    """Compute `spread_blocks` for an area whose rows fill no register."""
    bounds, offsets, values = blocks
    flat, N = x.reshape(-1), values.shape[1]
    B = len(dy) // N
    for group in range(bounds.size - 1):
        for j in range(bounds[group], bounds[group + 1]):
            for n in range(N):
                for s in range(area.top, area.bottom):
                    for i in range(area.left, area.right):
                        flat[offsets[j] + s * area.step + i] += values[j, n] * dy[group % B * N + n, s, i]


@kernel
def spread_blocks(
    bounds: Indices, offsets: Indices, values: Floats, dy: Floats, step: int, tiles: Tiles, x: Floats
) -> None:
    """Multiply a block-sparse matrix by rows of `dy`, and add the products to rows of `x`: the input gradient.

    ``x[offsets[j] + s * step :][:L] += sum_o values[j, o] * dy[b * N + o, s, :]`` for the blocks j of all groups
    b, b + B, b + 2 B, ... This is the transpose of `sum_blocks`.

    Parameters
    ----------
    bounds, offsets, values, step, tiles
        As in `sum_blocks`.
    dy : (B * N, S, L) float
        The dense operand: the gradient of B * N channels of S rows of L contiguous values.
    x : (P, M) float
        The result, to which the products are added.
    """
    OC, S, L = dy.shape
    blocks, B = Blocks(bounds, offsets, values), OC // values.shape[1]
    for strip in range(0, L, tiles.strip):
        left, end = strip, min(L, strip + tiles.strip)
        for count in literal_unroll(COUNTS):
            right = end - (end - left) % (count * LANES)
            if left < right:
                for top in range(0, S, tiles.band):
                    area = Area(top, min(S, top + tiles.band), left, right, step)
                    for begin in range(0, bounds.size - 1, B):
                        spread_pieces(blocks, begin, dy, area, x, count)
            left = right
        if left < end:
            spread_rest(blocks, dy, Area(0, S, left, end, step), x)
