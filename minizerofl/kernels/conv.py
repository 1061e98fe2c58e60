"""Sparse convolution as SpMM (sparse times dense) by row gather: forward, input gradient and weight gradient.

With the batch as the last axis, a sparse weight is one number that multiplies a long contiguous row of samples. All
three products of a sparse layer are then the same sentence, ``out += sum_j values[j] * rows[j]``; `add_rows` says it
for the first two, `add_taps` for the third, where a kept activation has a row for each tap:

====================  ==========================  =======================  ====================================
product               one ``out`` is              its rows are             values
====================  ==========================  =======================  ====================================
forward               an output row (OW*N)        input rows               kept weights of an output channel
input gradient        an input row (W*N)          output gradient rows     kept weights of an input channel
weight gradient       all OC weights of one tap   gradients of one pixel   kept activations of an input channel
====================  ==========================  =======================  ====================================

A linear layer is the case of one pixel and one tap. Offsets are prepared by `minizerofl.sparse.geometry`, which also
splits a strided convolution into phases of stride 1, so that no sum knows about strides, paddings or kernel sizes.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba.misc.special import literal_unroll, literally
from numpy.typing import NDArray

from minizerofl.kernels.jit import kernel
from minizerofl.kernels.layout import CHANNEL_TILE, Activations, Grid, channels_last
from minizerofl.kernels.memory import MIN_LANES
from minizerofl.kernels.simd import MAX_LANES, fma, full, load, prefetch, store
from minizerofl.kernels.types import Array, Floats, Indices

__all__ = ["conv_weight_gradient", "sum_rows"]

WIDTHS = tuple(width for width in (256, 128, 64, 16) if width <= MAX_LANES)  # lanes of the pieces of a row
PREFETCH_LINES = MAX_LANES // 32  # cache lines prefetched at a time
TAP_COUNTS = (3, 2, 1)  # taps that dW handles at a time: the sums of three times 32 channels fit into the registers


class Entries(NamedTuple):
    """The entries of sparse rows: row r has those with ``starts[r] <= j < stops[r]``.

    Attributes
    ----------
    starts, stops : (R,) int
        Where the entries of each row start and stop.
    offsets, values : (nnz,) int32, float
        Of each entry, where the row that it multiplies lies, and the number that it multiplies it by.
    """

    starts: Array
    stops: Array
    offsets: Indices
    values: Floats


class Target(NamedTuple):
    """Where sums go: that of sparse row r to ``out[at + r * step :]``."""

    out: Floats
    at: int
    step: int


class Prefetch(NamedTuple):
    """What to prefetch for the next image row while this one is summed up.

    Attributes
    ----------
    start : int
        Where its data begins in each plane of the dense operand, which then has a plane for each sparse row; 0:
        prefetch nothing.
    distance : int
        How far after each sum in `out` the next one lies.
    """

    start: int
    distance: int


NO_PREFETCH = Prefetch(np.int64(0), np.int64(0))  # type: ignore[arg-type]


@kernel
def add_pieces(
    entries: Entries, x: Floats, base: int, target: Target, new: bool, later: Prefetch | None, width: int
) -> None:
    """Compute `add_rows` for one piece of the rows; `width` is a compile-time constant (see `minizerofl.kernels.jit`).

    The loop over sparse rows is in here, since a call costs: it hands over some fifty numbers, seven for an array.
    """
    literally(width)
    starts, stops, offsets, values = entries
    out, at, step = target
    for r in range(starts.size):
        if starts[r] < stops[r] or new:
            sums = full(out.dtype.type(0), width) if new else load(out, at, width)
            for j in range(np.uint64(starts[r]), np.uint64(stops[r])):
                sums = fma(sums, values[j], load(x, base + offsets[j], width))
            store(out, at, sums)
        if later is not None:
            for line in range(PREFETCH_LINES):
                prefetch(x, later.start + r * (x.size // starts.size) + line * MIN_LANES)
                prefetch(out, at + later.distance + line * MIN_LANES)
        at += step


@kernel
def add_rows(entries: Entries, x: Floats, base: int, target: Target, new: bool, later: Prefetch, n: int) -> None:
    """Gather n numbers of rows of `x` and add them up, for each sparse row r and all its entries j.

    ``out[at + r * step :][:n] += values[j] * x[base + offsets[j] :][:n]``. The sums of a piece stay in registers while
    all its rows are added (see `minizerofl.kernels.simd`). If `new`, nothing is in `out` yet, and sums begin with zeros
    in registers instead of zeros in memory. What `later` names is prefetched on the way, a few cache lines after each
    sum: asked for all at once, they would wait for each other.
    """
    starts, stops, offsets, values = entries
    out, at, step = target
    i = 0
    for width in literal_unroll(WIDTHS):
        while i + width <= n:
            if later.start and i == 0:
                add_pieces(entries, x, base, target, new, later, width)
            else:
                add_pieces(entries, x, base + i, Target(out, at + i, step), new, None, width)
            i += width
    if i < n:
        for r in range(starts.size):
            to = at + r * step
            if new:
                out[to + i : to + n] = 0
            for j in range(starts[r], stops[r]):
                for k in range(i, n):
                    out[to + k] += values[j] * x[base + offsets[j] + k]


@kernel
def sum_tile(entries: Entries, x: Floats, base: int, target: Target, later: Prefetch, R: int, n: int) -> None:
    """Compute `sum_rows` for a tile: n values of all R rows of `out`, from all blocks of entries."""
    start, distance = later
    left = n + 4 * MIN_LANES if start else 0  # a little more, since the taps of a filter lie beside each other
    starts, stops, offsets, values = entries
    for group in range(0, starts.size, max(1, R)):
        block = Entries(starts[group : group + R], stops[group : group + R], offsets, values)
        now = Prefetch(start, distance) if left > 0 else NO_PREFETCH
        add_rows(block, x, base, target, group == 0, now, n)
        start, distance = start + PREFETCH_LINES * MIN_LANES, distance + PREFETCH_LINES * MIN_LANES
        left -= PREFETCH_LINES * MIN_LANES


@kernel
def sum_rows(indptr: Indices, offsets: Indices, values: Floats, x: Floats, step: int, out: Floats) -> None:
    """Multiply a sparse matrix by rows of `x` (SpMM), blocked for the L1 cache: forward product and input gradient.

    ``out[r, s, :] = sum_j values[j] * x[offsets[j] + s * step :][:L]`` over the entries j of sparse row r.

    Blocking (tiling): the entries come in blocks, first those of all rows that meet the first input channels, then
    those that meet the next. What a tile of `out` needs of a few channels stays in the first-level cache (L1) while
    all rows use it. Where `x` has as many planes as `out`, what the next s needs of both is prefetched meanwhile.

    Parameters
    ----------
    indptr : (B * R + 1,) int32
        Where the entries of each block and, in it, of each sparse row start.
    offsets, values : (nnz,) int32, float
        For each entry, where its row of `x` starts at s = 0, and its factor.
    x : (P, M) float
        The dense operand, P planes; it is used as flat.
    step : int
        The distance in `x` from the rows of one s to those of the next.
    out : (R, S, L) float
        The result: R channels of S rows of L contiguous values.
    """
    R, S, L = out.shape
    dense, flat = x.reshape(-1), out.reshape(-1)
    bounds = indptr.astype(np.int64)
    entries = Entries(bounds[:-1], bounds[1:], offsets, values)
    whole = L - L % MIN_LANES if L > MIN_LANES else L
    for i in range(0, whole, MAX_LANES):
        n = min(MAX_LANES, whole - i)
        for s in range(S):
            last = x.shape[1] - (S - 1 - s) * step  # where the last of the rows begins that s + 1 needs of a plane
            later = Prefetch(last + i, L) if len(x) == R and s < S - 1 else NO_PREFETCH
            sum_tile(entries, dense, s * step + i, Target(flat, s * L + i, S * L), later, R, n)
    if whole < L:  # Overlapping tail: the last vector overlaps the one before it, so no numbers are left over.
        i = L - MIN_LANES
        for s in range(S):
            sum_tile(entries, dense, s * step + i, Target(flat, s * L + i, S * L), NO_PREFETCH, R, L - i)


class Run(NamedTuple):
    """Taps side by side that meet the same phase.

    Attributes
    ----------
    phase : int
        The phase that they meet.
    down, right : int
        How far below and to the right of an activation the output gradient lies that the first tap needs. Each next
        tap needs the one a column further left.
    tap, stride, taps : int
        The first tap, the step to the next, and their number.
    """

    phase: int
    down: int
    right: int
    tap: int
    stride: int
    taps: int


class Band(NamedTuple):
    """Lines of the output gradient, channels last: `g` holds first to last - 1, (columns, batch, CHANNEL_TILE) each."""

    g: Floats
    first: int
    last: int
    columns: int
    batch: int


class Taps(NamedTuple):
    """How taps side by side are found, in rows of `g` and in numbers of dW.

    Attributes
    ----------
    shift : int
        From the place of an activation to the row that the first tap needs.
    gap : int
        How much earlier the row of each next tap lies.
    step : int
        From the weights of a tap to those of the next.
    """

    shift: int
    gap: int
    step: int


@kernel
def add_taps(entries: Entries, g: Floats, taps: Taps, target: Target, new: bool, count: int) -> None:
    """Gather rows of `g` for `count` taps side by side: an activation's place and value are looked up once for all.

    The offsets of the entries are places, in rows of CHANNEL_TILE numbers. `count` is a compile-time constant. If
    `new`, nothing is in `target` yet.
    """
    literally(count)
    starts, stops, places, values = entries
    out, at, step = target
    shift, gap, tap_step = taps
    for r in range(starts.size):
        if starts[r] < stops[r] or new:
            sums = full(out.dtype.type(0), CHANNEL_TILE, count) if new else load(out, at, CHANNEL_TILE, count, tap_step)
            for j in range(np.uint64(starts[r]), np.uint64(stops[r])):
                first = (places[j] + shift) * CHANNEL_TILE
                sums = fma(sums, values[j], load(g, first, CHANNEL_TILE, count, -gap * CHANNEL_TILE))
            store(out, at, sums, tap_step)
        at += step


@kernel
def add_run(kept: Activations, grid: Grid, run: Run, band: Band, dw: Floats, channel: int) -> None:
    """Compute `conv_weight_gradient` for one run of taps, one band, and the CHANNEL_TILE channels from `channel` on.

    The band that begins with line 0 is the first to write to `dw`; the others add.
    """
    phases, lines, parts = grid.stride * grid.stride, grid.lines, grid.line_cells
    phase, down, right, tap, stride, taps = run
    g, first, last, columns, N = band
    (IC, T, OC), weights = dw.shape, dw.reshape(-1)
    start, stop = max(0, first - down), min(lines, last - down)  # the lines of the activations that meet the band
    for part in range(parts):
        begin = (phase * lines + min(start, lines - 1)) * parts + part
        end = (phase * lines + stop - 1) * parts + part + 1 if start < stop else begin
        cells = phases * lines * parts  # in a channel
        starts, stops = kept.bounds[begin : IC * cells : cells], kept.bounds[end : IC * cells + 1 : cells]
        entries = Entries(starts, stops, kept.places, kept.values)
        at, shift, left = tap * OC + channel, ((down - first) * columns + right) * N, taps
        new = first + part == 0
        for count in literal_unroll(TAP_COUNTS):
            while left >= count:
                add_taps(entries, g, Taps(shift, N, stride * OC), Target(weights, at, T * OC), new, count)
                at, shift, left = at + count * stride * OC, shift - count * N, left - count


@kernel
def conv_weight_gradient(
    kept: Activations, grid: Grid, runs: NDArray[np.int64], dy: Floats, left: int, g: Floats, dw: Floats
) -> None:
    """Compute dW of a convolution from the kept activations: row gather in channels-last tiles that stay in L1.

    A kept activation multiplies, for each tap that meets it, the output gradients of one pixel. A tile of CHANNEL_TILE
    output channels of a band (a few lines) of the output gradient is copied with the channels last. It stays near the
    L1 cache while all input channels and taps use it, and neighbouring taps are added up together. See the picture in
    docs/kernels.md.

    Parameters
    ----------
    kept, grid : Activations, Grid
        The kept activations, sorted by cell, and how they were divided into cells.
    runs : (number, 6) int64
        A `Run` in each row.
    dy : (OC, OH, OW, N) float
        The output gradient, of at least CHANNEL_TILE channels.
    left : int
        Columns of zero padding to the left of `dy`; already included in ``runs[:, 2]``.
    g : (height, columns, N, CHANNEL_TILE) float
        Memory for the copy of a band of `height` lines, with their zeros.
    dw : (IC, T, OC) float
        The result.
    """
    OC, OH, _, N = dy.shape
    height, columns = g.shape[:2]
    copy = g.reshape(-1)
    for tile in range(0, OC, CHANNEL_TILE):
        channel = min(tile, OC - CHANNEL_TILE)  # the last tile overlaps the one before it
        for first in range(0, OH, height):
            last = min(OH, first + height)
            for line in range(first, last):
                channels_last(dy, channel, line, left, columns, copy, (line - first) * columns * N * CHANNEL_TILE)
            for i in range(len(runs)):
                phase, down, right, tap, stride, taps = runs[i]
                run = Run(phase, down, right, tap, stride, taps)
                add_run(kept, grid, run, Band(copy, first, last, columns, N), dw, channel)
