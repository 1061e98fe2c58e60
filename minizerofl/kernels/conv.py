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
from minizerofl.kernels.simd import WIDE, add_scaled, load, store, transpose

Floats = NDArray[np.floating[Any]]
Indices = NDArray[np.int32]
Three = tuple[int, int, int]

LANES = 1024  # samples of a row per pass: 4 KB of an output row stay in the first-level cache while it is summed up
TILE = 2**16  # numbers of the output gradient per pass over the weights: 256 KB, a part of the second-level cache
WIDTHS = tuple(width for width in (256, 128, 64, 32, 16) if width <= WIDE)  # of the pieces of a row
THIRD = min(WIDE // 2, 64)  # floats of which three sums fit into registers


@kernel
def add_piece(
    values: Floats, offsets: Indices, start: int, stop: int, rows: Floats, base: int, out: Floats, at: int, width: int
) -> None:
    """Do what `add_rows` does for one piece of the row; it is compiled for each width, since registers have one."""
    literally(width)
    total = load(out, at, width)
    for j in range(start, stop):
        total = add_scaled(total, values[j], load(rows, base + offsets[j], width))
    store(out, at, total)


@kernel
def add_rows(
    values: Floats, offsets: Indices, start: int, stop: int, rows: Floats, base: int, out: Floats, at: int, n: int
) -> None:
    """Add ``values[j] * rows[base + offsets[j] :][:n]`` to ``out[at:][:n]`` for j in [start, stop).

    The sum of a piece stays in registers while all its rows are added (see `minizerofl.kernels.simd`): 1.3 to
    1.7 times as fast in ResNet-18 as a plain loop that adds four rows at a time, 1.05 to 1.4 times with AVX2. In its
    first stage, which waits for memory, 1.07 to 1.18 and 0.86 to 0.91 times.
    """
    i = 0
    for width in literal_unroll(WIDTHS):
        while i + width <= n:
            add_piece(values, offsets, start, stop, rows, base + i, out, at + i, width)
            i += width
    while i < n:
        single = out[at + i]
        for j in range(start, stop):
            single += values[j] * rows[base + i + offsets[j]]
        out[at + i] = single
        i += 1


@kernel
def sum_row(
    values: Floats, offsets: Indices, start: int, stop: int, rows: Floats, base: int, out: Floats, at: int, n: int
) -> None:
    """Do what `add_rows` does, but write the sum instead of adding it.

    What is left of the row behind the last whole vector is summed up as the end of one more, which begins before it.
    """
    whole = n - n % SHORT if n > SHORT else n
    out[at : at + whole] = 0
    add_rows(values, offsets, start, stop, rows, base, out, at, whole)
    if whole < n:
        back = n - SHORT
        out[at + back : at + n] = 0
        add_rows(values, offsets, start, stop, rows, base + back, out, at + back, n - back)


@kernel
def add_rows_thrice(
    values: Floats, offsets: Indices, start: int, stop: int, rows: Floats, bases: Three, out: Floats, at: Three, n: int
) -> None:
    """Do what `add_rows` does for three bases and places at once, n being a multiple of THIRD."""
    for i in range(0, n, THIRD):
        one, two, three = load(out, at[0] + i, THIRD), load(out, at[1] + i, THIRD), load(out, at[2] + i, THIRD)
        for j in range(start, stop):
            row = offsets[j] + i
            one = add_scaled(one, values[j], load(rows, bases[0] + row, THIRD))
            two = add_scaled(two, values[j], load(rows, bases[1] + row, THIRD))
            three = add_scaled(three, values[j], load(rows, bases[2] + row, THIRD))
        store(out, at[0] + i, one)
        store(out, at[1] + i, two)
        store(out, at[2] + i, three)


@kernel
def sum_rows(indptr: Indices, offsets: Indices, values: Floats, x: Floats, step: int, out: Floats) -> None:
    """Multiply a sparse matrix by the rows of `x`: the forward product and the input gradient.

    ``out[r, s, :] = sum_j values[j] * x[offsets[j] + s * step :][:L]`` over the entries j of sparse row r.

    Memory is what it waits for. Setting a piece to zero just before it is summed up, and not the whole result first,
    made the products of ResNet-18 1.04 to 1.07 times as fast; passes of 1024 samples instead of 256, which read longer
    stretches, another 1.02 to 1.13 times.

    Parameters
    ----------
    indptr : (R + 1,) int32
        Where the entries of each sparse row start, as in CSR.
    offsets, values : (nnz,) int32, float
        For each entry, where its row of `x` starts at s = 0, and its factor.
    x : (n,) float
        The dense operand, flat.
    step : int
        How far the rows of `x` move from one s to the next.
    out : (R, S, L) float
        The result: R channels of S rows of L contiguous values.
    """
    R, S, L = out.shape
    flat = out.reshape(-1)
    bounds = indptr.astype(np.int64)  # of one type with all other places: add_rows is compiled once
    for s in range(S):  # the rows of x that one s needs stay in the cache while all R use them
        for lane in range(0, L, LANES):
            n = min(LANES, L - lane)
            for r in range(R):
                at = (r * S + s) * L + lane
                sum_row(values, offsets, bounds[r], bounds[r + 1], x, s * step + lane, flat, at, n)


@kernel
def scatter_pieces(
    indptr: Indices, indices: Indices, values: Floats, x: Floats, out: Floats, n: int, width: int
) -> None:
    """Do what `scatter_rows` does, for so many samples at a time."""
    literally(width)
    out[:] = 0
    for r in range(indptr.size - 1):
        for i in range(0, n, width):
            row = load(x, r * n + i, width)
            for j in range(np.uint64(indptr[r]), np.uint64(indptr[r + 1])):
                at = indices[j] * n + i
                store(out, at, add_scaled(load(out, at, width), values[j], row))


@kernel
def scatter_rows(indptr: Indices, indices: Indices, values: Floats, x: Floats, out: Floats, n: int) -> None:
    """Multiply the transpose of a sparse matrix by the rows of `x`, without transposing it.

    ``out[indices[j] * n :][:n] += values[j] * x[r * n :][:n]`` over the entries j of each sparse row r. Rows must be
    short, since each is loaded and stored for every entry: this is for the forward product of a linear layer.

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
    if n % 32 == 0:  # 1.3 times as fast as two times 16
        scatter_pieces(indptr, indices, values, x, out, n, 32)
    else:
        scatter_pieces(indptr, indices, values, x, out, n, 16)


@kernel
def gather_pieces(
    indptr: Indices, indices: Indices, values: Floats, x: Floats, out: Floats, n: int, width: int
) -> None:
    """Do what `gather_rows` does, for so many samples at a time."""
    literally(width)
    out[:] = 0
    one = values.dtype.type(1)
    for r in range(indptr.size - 1):
        start, stop = indptr[r], indptr[r + 1]
        for i in range(0, n, width):
            even = odd = load(out, r * n + i, width)
            for j in range(start, stop - 1, 2):
                even = add_scaled(even, values[j], load(x, indices[j] * n + i, width))
                odd = add_scaled(odd, values[j + 1], load(x, indices[j + 1] * n + i, width))
            if (stop - start) % 2:
                even = add_scaled(even, values[stop - 1], load(x, indices[stop - 1] * n + i, width))
            store(out, r * n + i, add_scaled(even, one, odd))


@kernel
def gather_rows(indptr: Indices, indices: Indices, values: Floats, x: Floats, out: Floats, n: int) -> None:
    """Multiply a sparse matrix by short rows: `sum_rows` for the input gradient of a linear layer with a small batch.

    A row is one register or two. Every second product goes to another sum, so that it need not wait for the one before:
    2.5 times as fast as `sum_rows` for rows of 16, 2.1 times for 32, 1.2 times for 64.

    Parameters
    ----------
    indptr, indices, values, x, n
        As of `scatter_rows`, but that x (C * n,) and out (R * n,) have changed places.
    out : (R * n,) float
        The result, flat.
    """
    if n % 32 == 0:
        gather_pieces(indptr, indices, values, x, out, n, 32)
    else:
        gather_pieces(indptr, indices, values, x, out, n, 16)


@kernel
def group_activations(
    positions: Indices,
    values: Floats,
    image: tuple[int, int, int],
    stride: int,
    width: int,
    indptr: Indices,
    rows: Indices,
    grouped: Floats,
) -> None:
    """Sort kept activations by plane, that is by input channel and phase, and find the gradient row of each.

    Positions ascend, so those of one pixel stand together, and with a stride of 1, where all pixels of a line are in
    the same plane, those of a whole line. What stands together moves together: nothing is divided, nothing compared.
    That is 1.9 (at sparsity 0.95) to 3.1 times (at 0.8) as fast as a counting sort of the positions one by one.

    Parameters
    ----------
    positions, values : (nnz,) int32, float
        Ascending flat positions in the input (IC, H, W, N), and the values there.
    image : tuple of int
        (H, W, N).
    stride : int
        The stride S; there are S * S phases.
    width : int
        Width in pixels of the output gradient with its border.
    indptr : (IC * S * S + 1,) int32
        The result: where the activations of each plane start.
    rows, grouped : (nnz,) int32, float
        The result: row ``(h // S * width + w // S) * N + n`` and value of each activation, ascending within a plane.
    """
    H, W, N = image
    line = width * N
    if stride == 1:  # take the line for one pixel
        W, N = 1, W * N
    pixels = (indptr.size - 1) // stride**2 * H * W
    starts = np.empty(pixels + 1, np.int32)  # where the activations of each pixel start
    j = 0
    for pixel in range(pixels):
        starts[pixel] = j
        while j < positions.size and positions[j] < (pixel + 1) * N:
            j += 1
    starts[pixels] = j
    at = 0
    for plane in range(indptr.size - 1):
        channel, phase = divmod(plane, stride**2)
        indptr[plane] = at
        for h in range(phase // stride, H, stride):
            for w in range(phase % stride, W, stride):
                pixel = (channel * H + h) * W + w
                shift = h // stride * line + w // stride * N - pixel * N
                for j in range(starts[pixel], starts[pixel + 1]):
                    rows[at] = positions[j] + shift
                    grouped[at] = values[j]
                    at += 1
    indptr[-1] = at


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

    A channel has few activations in a tile, and coming to them takes as long as adding them up. So it is done for three
    taps at a time: 1.25 times as fast in ResNet-18 at sparsity 0.95, 1.2 times at 0.8. AVX2 has fewer and shorter
    registers, and gains nothing.

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
    channels = g.shape[1]
    flat = g.reshape(-1)
    offsets = rows * np.int32(channels)
    bases = shifts.astype(np.int64) * channels
    done = indptr[:-1].astype(np.int64)
    out = dw.reshape(-1)
    out[:] = 0
    size = max(1, TILE // channels)
    for tile in range(0, g.shape[0], size):  # the rows of g of one tile stay in the cache while all planes use them
        for plane in range(indptr.size - 1):
            start = done[plane]
            stop = start
            while stop < indptr[plane + 1] and rows[stop] < tile + size:
                stop += 1
            done[plane] = stop
            first = plane // phases * taps.size  # row of dw of the first tap
            k, last = tap_indptr[plane % phases], tap_indptr[plane % phases + 1]
            while k + 3 <= last and channels % THIRD == 0:
                a, b, c = taps[k], taps[k + 1], taps[k + 2]
                at = (first + a) * channels, (first + b) * channels, (first + c) * channels
                three = bases[a], bases[b], bases[c]
                add_rows_thrice(values, offsets, start, stop, flat, three, out, at, channels)
                k += 3
            for t in taps[k:last]:
                add_rows(values, offsets, start, stop, flat, bases[t], out, (first + t) * channels, channels)


@kernel
def pixels_first(dy: Floats, top: int, left: int, g: Floats) -> None:
    """Transpose an output gradient to one contiguous row of channels per (pixel, sample), inside a border of zeros.

    Channels lie far apart, and the same places of them compete for the same places in the cache. So of a few channels
    a whole image row is taken, and squares of it are transposed in registers: 3.7 times as fast as 16 channels of one
    pixel at a time in plain loops; plain loops in the better order are 2.2 times as fast.

    Parameters
    ----------
    dy : (OC, Ho, Wo, N) float
        The output gradient.
    top, left : int
        The width of the border above and to the left.
    g : (Hg, Wg, N, OC) float
        The result; the border is not written.
    """
    OC, Ho, Wo, N = dy.shape
    flat, out = dy.reshape(-1), g.reshape(-1)
    line = Wo * N
    whole, end = OC - OC % 8, line - line % 8
    for i in range(Ho):
        to = ((top + i) * g.shape[1] + left) * N * OC
        for oc in range(0, whole, 8):
            for n in range(0, end, 8):
                transpose(flat, (oc * Ho + i) * line + n, Ho * line, out, to + n * OC + oc, OC)
        for oc in range(OC):  # what fills no square
            for n in range(end if oc < whole else 0, line):
                out[to + n * OC + oc] = flat[(oc * Ho + i) * line + n]
