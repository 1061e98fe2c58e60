"""Sparse convolution: sums of scaled rows, forward, input gradient and weight gradient.

With the batch as the last axis, a sparse weight is one number that multiplies a long contiguous row of samples. All
three products of a sparse layer are then the same sentence, ``out += sum_j values[j] * rows[j]``, and `add_rows` says
it once:

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
from minizerofl.kernels.simd import WIDE, add_scaled, fetch, load, store

Floats = NDArray[np.floating[Any]]
Indices = NDArray[np.int32]
Places = NDArray[np.int64]

ONE = np.uint64(1)  # unsigned numbers spare Numba's look at negative indices
NOTHING: Any = np.int64(0)
LINES = WIDE // 32  # cache lines fetched at a time
WIDTHS = tuple(width for width in (256, 128, 64, 32, 16) if width <= WIDE)  # of the pieces of a row


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
    ahead: int | None,
    width: int,
) -> None:
    """Do what `add_rows` does for one piece of the rows; it is compiled for each width, since registers have one."""
    literally(width)
    for r in range(starts.size):
        if starts[r] < stops[r]:
            total = load(out, at, width)
            for j in range(np.uint64(starts[r]), np.uint64(stops[r])):
                total = add_scaled(total, values[j], load(rows, base + offsets[j], width))
            store(out, at, total)
        if ahead is not None:
            for line in range(LINES):
                fetch(rows, ahead + r * (rows.size // starts.size) + line * SHORT)
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
    ahead: int,
    n: int,
) -> None:
    """Add ``values[j] * rows[base + offsets[j] :][:n]`` to ``out[at + r * step :][:n]``, j in [starts[r], stops[r]).

    The sum of a piece stays in registers while all its rows are added (see `minizerofl.kernels.simd`): 1.3 to
    1.7 times as fast in ResNet-18 as a plain loop that adds four rows at a time, 1.05 to 1.4 times with AVX2.

    On the way some cache lines are fetched for later, unless `ahead` is 0: for each r those from ``rows[ahead]`` on in
    plane r, where `rows` consists of as many planes as there are r.
    """
    i = 0
    for width in literal_unroll(WIDTHS):
        while i + width <= n:
            if ahead and i == 0:
                add_pieces(starts, stops, offsets, values, rows, base, out, at, step, ahead, width)
            else:
                add_pieces(starts, stops, offsets, values, rows, base + i, out, at + i, step, None, width)
            i += width
    if i < n:
        for r in range(starts.size):
            for j in range(starts[r], stops[r]):
                for k in range(i, n):
                    out[at + r * step + k] += values[j] * rows[base + offsets[j] + k]


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
    ahead: int,
    R: int,
    n: int,
) -> None:
    """Do what `sum_rows` does for n values of all R rows; the next tile will need what lies at `ahead`."""
    for r in range(R):
        to = at + r * step
        out[to : to + n] = 0
    stop = ahead + n + 4 * SHORT  # some more, since taps of the filter lie beside each other
    for group in range(0, bounds.size - 1, max(1, R)):
        starts, stops = bounds[group : group + R], bounds[group + 1 : group + R + 1]
        add_rows(starts, stops, offsets, values, x, base, out, at, step, ahead, n)
        ahead = ahead + LINES * SHORT if 0 < ahead < stop - LINES * SHORT else 0


@kernel
def sum_rows(indptr: Indices, offsets: Indices, values: Floats, x: Floats, step: int, out: Floats) -> None:
    """Multiply a sparse matrix by the rows of `x`: the forward product and the input gradient.

    ``out[r, s, :] = sum_j values[j] * x[offsets[j] + s * step :][:L]`` over the entries j of sparse row r.

    The entries come in blocks: first those of all rows that meet the first input channels, then those that meet the
    next. What a few values of `out` need of a few channels stays in the first-level cache, while all rows use it: 1.0
    to 1.25 times as fast in ResNet-18 at sparsity 0.95 as one block, 1.25 to 1.4 times at 0.8. Where `x` has as many
    planes as `out`, what the next s needs of them is fetched meanwhile: 1.4 times as fast with 64 channels and 1.15
    times with 128, if `x` is no longer in the cache.

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
            ahead = last + i if len(x) == R and s < S - 1 else 0
            sum_tile(bounds, offsets, values, rows, s * step + i, flat, s * L + i, S * L, ahead, R, n)
    if whole < L:  # the last vector begins before the end of the one before
        i = L - SHORT
        for s in range(S):
            sum_tile(bounds, offsets, values, rows, s * step + i, flat, s * L + i, S * L, NOTHING, R, L - i)


@kernel
def conv_weight_gradient(
    indptr: Indices,
    rows: Indices,
    values: Floats,
    tap_indptr: Indices,
    taps: Indices,
    shifts: Indices,
    g: Floats,
    dw: Floats,
) -> None:
    """Compute the gradient of all weights of a convolution from its kept activations.

    ``dw[ic, t, :] = sum_j values[j] * g[rows[j] + shifts[t], :]`` over the kept activations j of input channel ic
    that tap t meets.

    Parameters
    ----------
    indptr : (IC * P + 1,) int32
        Where the activations of each plane (input channel, phase) start; P phases, see `minizerofl.sparse.geometry`.
    rows, values : (nnz,) int32, float
        For each kept activation, its row in `g`, ascending within a plane, and its value.
    tap_indptr, taps : (P + 1,), (T,) int32
        Which of the T taps meet the activations of each phase.
    shifts : (T,) int32
        How many rows of `g` each tap moves.
    g : (n, OC) float
        The output gradient, one row per (pixel, sample), with a border of zeros.
    dw : (IC, T, OC) float
        The result.
    """
    phases = tap_indptr.size - 1
    planes, channels = indptr.size - 1, g.shape[1]
    flat, out = g.reshape(-1), dw.reshape(-1)
    offsets = rows * np.int32(channels)
    bases = shifts.astype(np.int64) * channels
    starts = np.empty((phases, planes // phases), np.int64)
    stops = np.ascontiguousarray(indptr[:-1].reshape(-1, phases).T).astype(np.int64)
    pieces = -(-channels // WIDE)
    size = max(1, 32 * pieces * planes * g.shape[0] // max(1, values.size))  # some 32 activations of a plane in a tile
    for tile in range(0, g.shape[0], size):  # a piece of its rows stays in the cache while all planes use it
        for plane in range(planes):
            channel, phase = divmod(plane, phases)
            starts[phase, channel] = stops[phase, channel]
            stop, last = np.uint64(stops[phase, channel]), np.uint64(indptr[plane + 1])
            while stop < last and rows[stop] < tile + size:
                stop += ONE
            stops[phase, channel] = stop
        for phase in range(phases):
            for t in taps[tap_indptr[phase] : tap_indptr[phase + 1]]:
                at, step = t * channels, taps.size * channels
                if tile == 0:
                    for channel in range(dw.shape[0]):
                        out[at + channel * step : at + channel * step + channels] = 0
                add_rows(starts[phase], stops[phase], offsets, values, flat, bases[t], out, at, step, NOTHING, channels)
