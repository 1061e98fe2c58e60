"""The weight gradient where only kept blocks of weights are trained: a few vectors instead of all output channels.

`minizerofl.kernels.conv.conv_weight_gradient` multiplies each kept activation by all output channels, since all weights
are learned. Where a mask stays the same while a client trains, only kept weights are, and an activation needs only the
channels of the blocks that its input channel and tap keep.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba.misc.special import literal_unroll, literally

from minizerofl.kernels.blocks import SIZES
from minizerofl.kernels.jit import kernel
from minizerofl.kernels.layout import CHANNEL_TILE, Activations, Grid, channels_last
from minizerofl.kernels.simd import fma, full, load, store
from minizerofl.kernels.types import Floats, Indices

__all__ = ["block_gradient"]

ONE, TWO, THREE, FOUR = np.uint64(1), np.uint64(2), np.uint64(3), np.uint64(4)  # unsigned, see `kernels.linear`


class Kept(NamedTuple):
    """Kept blocks in rows, as block sparse rows (BSR); row ``c * T + t`` is input channel c and tap t."""

    indptr: Indices
    indices: Indices


@kernel
def band_pieces(
    kept: Activations,
    grid: Grid,
    taps: Indices,
    blocks: Kept,
    band: tuple[int, int, int],
    g: Floats,
    dw: Floats,
    width: int,
) -> None:
    """Compute `block_gradient` for a band of lines and the CHANNEL_TILE channels from ``band[2]`` on.

    `width` is the length of a block, a compile-time constant.
    """
    literally(width)
    first, last, channel = band
    bounds, places, values = kept
    phases, parts, T, weights = grid.stride * grid.stride, grid.line_cells, len(taps), dw.reshape(-1)
    tile = -(-channel // CHANNEL_TILE) * CHANNEL_TILE  # blocks before it belong to the tile before
    one, none = dw.dtype.type(1), full(dw.dtype.type(0), width)
    for row in range(blocks.indptr.size - 1):
        phase, down, right = taps[row % T]
        top, bottom = max(0, first - down), min(grid.lines, last - down)  # the lines of activations that meet the band
        shift = ((down - first) * grid.columns + right) * grid.batch * CHANNEL_TILE - channel
        line = (row // T * phases + phase) * grid.lines
        for block in range(blocks.indptr[row], blocks.indptr[row + 1]):
            output = blocks.indices[block] * width
            if top < bottom and tile <= output < channel + CHANNEL_TILE:
                start, stop = np.uint64(bounds[(line + top) * parts]), np.uint64(bounds[(line + bottom) * parts])
                end = stop - (stop - start) % FOUR
                to = shift + output
                a, b, c, d = load(weights, block * width, width), none, none, none  # four sums hide latency
                for j in range(start, end, FOUR):
                    a = fma(a, values[j], load(g, places[j] * CHANNEL_TILE + to, width))
                    b = fma(b, values[j + ONE], load(g, places[j + ONE] * CHANNEL_TILE + to, width))
                    c = fma(c, values[j + TWO], load(g, places[j + TWO] * CHANNEL_TILE + to, width))
                    d = fma(d, values[j + THREE], load(g, places[j + THREE] * CHANNEL_TILE + to, width))
                for j in range(end, stop):
                    a = fma(a, values[j], load(g, places[j] * CHANNEL_TILE + to, width))
                store(weights, block * width, fma(fma(a, one, b), one, fma(c, one, d)))


@kernel
def block_gradient(
    kept: Activations, grid: Grid, taps: Indices, blocks: Kept, dy: Floats, left: int, g: Floats, dw: Floats
) -> None:
    """Compute dW of a convolution at kept blocks only, from the kept activations: row gather in channels-last tiles.

    As in `minizerofl.kernels.conv.conv_weight_gradient` a band of lines of dY is copied with the channels last. An
    activation multiplies only the N channels of each block that is kept for its channel and tap.

    Parameters
    ----------
    kept, grid : Activations, Grid
        The kept activations, sorted by cell, and how they were divided into cells.
    taps : (T, 3) int32
        For each tap the phase that it meets, and how far below and to the right of an activation the output gradient
        lies that it needs, see `minizerofl.kernels.conv.Run`.
    blocks : Kept
        Where the kept blocks are; N is one of SIZES.
    dy : (OC, OH, OW, N) float
        The output gradient, of at least CHANNEL_TILE channels; the length of a block divides OC.
    left : int
        Columns of zero padding to the left of `dy`; already included in ``taps[:, 2]``.
    g : (height, columns, N, CHANNEL_TILE) float
        Memory for the copy of a band of `height` lines, with their zeros.
    dw : (number, N) float
        The result, for each kept block.
    """
    OC, OH, _, batch = dy.shape
    height, columns = g.shape[:2]
    copy = g.reshape(-1)
    dw[:] = 0
    for tile in range(0, OC, CHANNEL_TILE):
        channel = min(tile, OC - CHANNEL_TILE)  # the last tile overlaps the one before it
        for first in range(0, OH, height):
            last = min(OH, first + height)
            for line in range(first, last):
                channels_last(dy, channel, line, left, columns, copy, (line - first) * columns * batch * CHANNEL_TILE)
            band = first, last, channel
            for width in literal_unroll(SIZES):
                if width == dw.shape[1]:
                    band_pieces(kept, grid, taps, blocks, band, copy, dw, width)
