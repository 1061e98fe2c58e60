"""Sparse convolution: sums of scaled rows, forward, input gradient and weight gradient.

With the batch as the last axis, a sparse weight is one number that multiplies a long contiguous row of samples. All
three products of a sparse layer are then the same sentence, ``out += sum_j values[j] * rows[j]``; `add_rows` says it
for the first two, `add_taps` for the third, where a kept activation has a row for each tap:

====================  ==========================  =======================  ====================================
product               one ``out`` is              its rows are             values
====================  ==========================  =======================  ====================================
forward               an output row (Wo*N)        input rows               kept weights of an output channel
input gradient        an input row (W*N)          output gradient rows     kept weights of an input channel
weight gradient       all OC weights of one tap   gradients of one pixel   kept activations of an input channel
====================  ==========================  =======================  ====================================

A linear layer is the case of one pixel and one tap. Offsets are prepared by `minizerofl.sparse.geometry`, which also
splits a strided convolution into parts of stride 1, so that no kernel knows about strides, paddings or kernel sizes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba.misc.special import literal_unroll, literally
from numpy.typing import NDArray

from minizerofl.kernels.jit import kernel
from minizerofl.kernels.memory import SHORT
from minizerofl.kernels.simd import WIDE, add_scaled, fetch, full, load, store, transpose

Floats = NDArray[np.floating[Any]]
Indices = NDArray[np.int32]
Places = NDArray[np.int64]

NOTHING: Any = np.int64(0)
LINES = WIDE // 32  # cache lines fetched at a time
WIDTHS = tuple(width for width in (256, 128, 64, 16) if width <= WIDE)  # of the pieces of a row
PIECE = 32  # output channels of the weight gradient at a time, a multiple of 8 (see `transpose`)
COUNTS = (3, 2, 1)  # taps of the weight gradient at a time: three times 32 numbers fit into the registers


@kernel
def add_pieces(
    starts: Places,
    stops: Places,
    offsets: Indices,
    values: Floats,
    rows: Floats,
    base: int,
    out: Floats,
    at: int,
    step: int,
    new: bool,
    ahead: tuple[int, int] | None,
    width: int,
) -> None:
    """Do what `add_rows` does for one piece of the rows; it is compiled for each width, since registers have one."""
    literally(width)
    for r in range(starts.size):
        if starts[r] < stops[r] or new:
            total = full(out.dtype.type(0), width) if new else load(out, at, width)
            for j in range(np.uint64(starts[r]), np.uint64(stops[r])):
                total = add_scaled(total, values[j], load(rows, base + offsets[j], width))
            store(out, at, total)
        if ahead is not None:
            for line in range(LINES):
                fetch(rows, ahead[0] + r * (rows.size // starts.size) + line * SHORT)
                fetch(out, at + ahead[1] + line * SHORT)
        at += step


@kernel
def add_rows(
    starts: Places,
    stops: Places,
    offsets: Indices,
    values: Floats,
    rows: Floats,
    base: int,
    out: Floats,
    at: int,
    step: int,
    new: bool,
    ahead: tuple[int, int],
    n: int,
) -> None:
    """Add ``values[j] * rows[base + offsets[j] :][:n]`` to ``out[at + r * step :][:n]``, j in [starts[r], stops[r]).

    The sum of a piece stays in registers while all its rows are added (see `minizerofl.kernels.simd`): 1.3 to
    1.7 times as fast in ResNet-18 as a plain loop that adds four rows at a time, 1.05 to 1.4 times with AVX2. If `new`,
    nothing is in `out` yet, and the sum begins with zeros in registers instead of zeros that were written and read.

    On the way some cache lines are fetched for later, unless `ahead` is 0, 0: for each r those from ``rows[ahead[0]]``
    on in plane r, where `rows` consists of as many planes as there are r, and those of `out` that lie ahead[1] further.
    """
    i = 0
    for width in literal_unroll(WIDTHS):
        while i + width <= n:
            if ahead[0] and i == 0:
                add_pieces(starts, stops, offsets, values, rows, base, out, at, step, new, ahead, width)
            else:
                add_pieces(starts, stops, offsets, values, rows, base + i, out, at + i, step, new, None, width)
            i += width
    if i < n:
        for r in range(starts.size):
            to = at + r * step
            if new:
                out[to + i : to + n] = 0
            for j in range(starts[r], stops[r]):
                for k in range(i, n):
                    out[to + k] += values[j] * rows[base + offsets[j] + k]


@kernel
def sum_tile(
    bounds: Places,
    offsets: Indices,
    values: Floats,
    x: Floats,
    base: int,
    out: Floats,
    at: int,
    step: int,
    ahead: tuple[int, int],
    R: int,
    n: int,
) -> None:
    """Do what `sum_rows` does for n values of all R rows; what the next tile will need begins at `ahead`."""
    place, further = ahead
    left = n + 4 * SHORT if place else 0  # some more, since taps of the filter lie beside each other
    for group in range(0, bounds.size - 1, max(1, R)):
        starts, stops = bounds[group : group + R], bounds[group + 1 : group + R + 1]
        now = (place, further) if left > 0 else (NOTHING, NOTHING)
        add_rows(starts, stops, offsets, values, x, base, out, at, step, group == 0, now, n)
        place, further, left = place + LINES * SHORT, further + LINES * SHORT, left - LINES * SHORT


@kernel
def sum_rows(indptr: Indices, offsets: Indices, values: Floats, x: Floats, step: int, out: Floats) -> None:
    """Multiply a sparse matrix by the rows of `x`: the forward product and the input gradient.

    ``out[r, s, :] = sum_j values[j] * x[offsets[j] + s * step :][:L]`` over the entries j of sparse row r.

    The entries come in blocks: first those of all rows that meet the first input channels, then those that meet the
    next. What a few values of `out` need of a few channels stays in the first-level cache, while all rows use it: 1.05
    to 1.3 times as fast with 64 and 128 channels at sparsity 0.95 as one block, 1.3 to 1.5 times at 0.8. Where `x` has
    as many planes as `out`, what the next s needs of both is fetched meanwhile: 1.5 times as fast with 64 channels and
    1.2 times with 128, if neither is in the cache any more. The first block does not read `out`: 1.15 to 1.25 times as
    fast there.

    Parameters
    ----------
    indptr : (B * R + 1,) int32
        Where the entries of each block and, in it, of each sparse row start.
    offsets, values : (nnz,) int32, float
        For each entry, where its row of `x` starts at s = 0, and its factor.
    x : (P, M) float
        The dense operand, P planes; it is used as flat.
    step : int
        How far the rows of `x` move from one s to the next.
    out : (R, S, L) float
        The result: R channels of S rows of L contiguous values.
    """
    R, S, L = out.shape
    rows, flat = x.reshape(-1), out.reshape(-1)
    bounds = indptr.astype(np.int64)
    whole = L - L % SHORT if L > SHORT else L
    for i in range(0, whole, WIDE):
        n = min(WIDE, whole - i)
        for s in range(S):
            last = x.shape[1] - (S - 1 - s) * step  # where the last of the rows begins that s + 1 needs of a plane
            ahead = (last + i, L) if len(x) == R and s < S - 1 else (NOTHING, NOTHING)
            sum_tile(bounds, offsets, values, rows, s * step + i, flat, s * L + i, S * L, ahead, R, n)
    if whole < L:  # the last vector begins before the end of the one before
        i = L - SHORT
        for s in range(S):
            sum_tile(bounds, offsets, values, rows, s * step + i, flat, s * L + i, S * L, (NOTHING, NOTHING), R, L - i)


@kernel
def pixels_first(dy: Floats, channel: int, line: int, left: int, columns: int, g: Floats, at: int) -> None:
    """Copy an image line so that each (pixel, sample) has a row of PIECE channels, between zeros.

    Channels lie far apart, and the same places of them compete for the same places in the cache. So squares are
    transposed in registers: 3.5 times as fast as plain loops.

    Parameters
    ----------
    dy : (OC, Ho, Wo, N) float
        The output gradient.
    channel, line : int
        The first channel, and the line.
    left, columns : int
        The columns of zeros before it, and all columns of the result.
    g : (n,) float
        The result is written as ``(columns, N, PIECE)`` from `at` on.
    """
    _, Ho, Wo, N = dy.shape
    flat, n = dy.reshape(-1), Wo * N
    start = at + left * N * PIECE
    g[at:start] = 0
    g[start + n * PIECE : at + columns * N * PIECE] = 0
    squares = n - n % 8
    for oc in range(0, PIECE, 8):
        for i in range(0, squares, 8):
            transpose(flat, ((channel + oc) * Ho + line) * n + i, Ho * n, g, start + i * PIECE + oc, PIECE)
    for oc in range(PIECE):  # what fills no square
        for i in range(squares, n):
            g[start + i * PIECE + oc] = flat[((channel + oc) * Ho + line) * n + i]


@kernel
def add_taps(
    starts: Indices,
    stops: Indices,
    rows: Indices,
    values: Floats,
    g: Floats,
    shift: int,
    gap: int,
    out: Floats,
    at: int,
    steps: tuple[int, int],
    new: bool,
    count: int,
) -> None:
    """Add up what activations contribute to the weights of `count` taps; it is compiled for each count.

    ``out[at + r * steps[0] + k * steps[1] :] += values[j] * g[(rows[j] + shift - k * gap) * PIECE :]``, PIECE numbers
    of each, for every r, j in [starts[r], stops[r]) and k < count. If `new`, nothing is in `out` yet.
    """
    literally(count)
    for r in range(starts.size):
        if starts[r] < stops[r] or new:
            totals = full(out.dtype.type(0), PIECE, count) if new else load(out, at, PIECE, count, steps[1])
            for j in range(np.uint64(starts[r]), np.uint64(stops[r])):
                totals = add_scaled(totals, values[j], load(g, (rows[j] + shift) * PIECE, PIECE, count, -gap * PIECE))
            store(out, at, totals, steps[1])
        at += steps[0]


@kernel
def add_run(
    bounds: Indices,
    cells: tuple[int, int, int],
    rows: Indices,
    values: Floats,
    run: Places,
    g: Floats,
    band: tuple[int, int, int, int],
    dw: Floats,
    channel: int,
) -> None:
    """Do what `conv_weight_gradient` does for one run of taps and PIECE output channels from `channel` on.

    `band` is what of the output gradient lies in `g`: the first of its lines, the last and one, columns and samples.
    The band that begins with line 0 is the first to write to `dw`.
    """
    phases, lines, parts = cells
    phase, down, right, tap, step, taps = run
    first, last, columns, N = band
    (IC, T, OC), weights = dw.shape, dw.reshape(-1)
    start, stop = max(0, first - down), min(lines, last - down)  # the activations' lines
    for part in range(parts):
        begin = (phase * lines + min(start, lines - 1)) * parts + part
        end = (phase * lines + stop - 1) * parts + part + 1 if start < stop else begin
        cell = phases * lines * parts  # so many in a channel
        starts, stops = bounds[begin : IC * cell : cell], bounds[end : IC * cell + 1 : cell]
        at, shift, left = tap * OC + channel, ((down - first) * columns + right) * N, taps
        new = first + part == 0
        for count in literal_unroll(COUNTS):
            while left >= count:
                add_taps(starts, stops, rows, values, g, shift, N, weights, at, (T * OC, step * OC), new, count)
                at, shift, left = at + count * step * OC, shift - count * N, left - count


@kernel
def conv_weight_gradient(
    bounds: Indices,
    cells: tuple[int, int, int],
    rows: Indices,
    values: Floats,
    runs: Places,
    dy: Floats,
    left: int,
    g: Floats,
    dw: Floats,
) -> None:
    """Compute the gradient of all weights of a convolution from its kept activations.

    Each of them multiplies, for each tap that meets it, the output gradients of one pixel. A few output channels of a
    few lines of those are copied with the channels last, and stay in the cache while all input channels and taps use
    them; and neighbouring taps are added up together. In ResNet-18 that makes it 1.3 to 1.4 times as fast at sparsity
    0.95 as a copy of the whole gradient and one tap at a time, 1.4 to 1.7 times at 0.8. What the first lines give is
    written without a look at what is there: 1.6 times as fast with 512 channels, 1.06 to 1.15 times with fewer.

    Parameters
    ----------
    bounds : (IC * phases * lines * parts + 1,) int32
        Where the activations of each cell start. A cell is a part of a line of a phase of an input channel, see
        `minizerofl.sparse.geometry`.
    cells : tuple of int
        (phases, lines, parts).
    rows, values : (nnz,) int32, float
        Of each activation the place ``(line * columns + column) * N + sample`` in its phase, and the value.
    runs : (number, 6) int64
        Taps side by side: the phase they meet, how far below and to the right of a pixel the gradient lies that the
        first of them needs (the others', one column further left each), the first tap, the step to the next, and their
        number.
    dy : (OC, Ho, Wo, N) float
        The output gradient, of at least PIECE channels.
    left : int
        So many columns of zeros it needs on its left; it is part of how far to the right.
    g : (height, columns, N, PIECE) float
        Memory for a copy of so many lines, with their zeros.
    dw : (IC, T, OC) float
        The result.
    """
    OC, Ho, _, N = dy.shape
    height, columns = g.shape[:2]
    copy = g.reshape(-1)
    for piece in range(0, OC, PIECE):
        channel = min(piece, OC - PIECE)  # the last one begins before the end of the one before
        for first in range(0, Ho, height):
            last = min(Ho, first + height)
            for line in range(first, last):
                pixels_first(dy, channel, line, left, columns, copy, (line - first) * columns * N * PIECE)
            for i in range(len(runs)):
                add_run(bounds, cells, rows, values, runs[i], copy, (first, last, columns, N), dw, channel)
