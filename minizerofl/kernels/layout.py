"""Bringing data into the order in which rows are summed: space-to-depth, counting sort, channels-last tiles.

A counting sort needs no comparisons: count the entries of each group, add up the counts from left to right (a prefix
sum: now it is known where each group starts), then move each entry to the next free place of its group (scatter).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from minizerofl.kernels.jit import kernel
from minizerofl.kernels.simd import transpose
from minizerofl.kernels.types import Floats, Indices

__all__ = [
    "CHANNEL_TILE",
    "Activations",
    "Grid",
    "depth_to_space",
    "find_places",
    "group_activations",
    "group_weights",
    "space_to_depth",
]

ONE = np.uint64(1)  # Unsigned: Numba then omits the test for negative indices.
CHANNEL_TILE = 32  # Output channels that dW handles at a time; a multiple of 8, see `transpose`.


class Grid(NamedTuple):
    """How the kept activations of a convolution are divided into cells: parts of lines of phases of channels.

    Attributes
    ----------
    height, width, batch : int
        The images, (IC, height, width, batch).
    stride : int
        The stride S of the convolution: pixel (h, w) belongs to phase (h % S, w % S), there are S * S phases.
    columns : int
        The columns by which places are counted: those of the output gradient with its border of zeros. The place of a
        pixel in its phase is ``(h // S * columns + w // S) * batch + sample``.
    lines, line_cells, cell_columns : int
        The lines of a phase, the cells of a line, the columns of a cell.
    """

    height: int
    width: int
    batch: int
    stride: int
    columns: int
    lines: int
    line_cells: int
    cell_columns: int


class Activations(NamedTuple):
    """The kept activations, sorted by cell.

    Attributes
    ----------
    bounds : (IC * S * S * lines * line_cells + 1,) int32
        Where the activations of each cell start.
    places, values : (nnz,) int32, float
        The place (see `Grid`) and the value of each activation, ascending within a cell.
    """

    bounds: Indices
    places: Indices
    values: Floats


@kernel
def copy(source: Floats, target: Floats) -> None:
    """Fill the target from the start of the source; an assignment to a slice would first look for overlaps."""
    for i in range(target.size):
        target[i] = source[i]


@kernel
def space_to_depth(x: Floats, top: int, left: int, planes: Floats) -> None:
    """Space-to-depth: pad images with zeros, and deal their pixels out to S * S planes, the *phases*.

    Pixel (i, j) of the padded image goes to phase (i % S, j % S), place (i // S, j // S). Inside a phase, a convolution
    with stride S has stride 1.

    Parameters
    ----------
    x : (C, H, W, N) float
        The images.
    top, left : int
        The width of the padding above and to the left.
    planes : (C, S, S, lines, columns, N) float
        The result; it may be too short for all pixels, or so long that there is padding below and to the right.
    """
    C, H, W, N = x.shape
    S, _, lines, columns, _ = planes.shape[1:]
    flat, out = x.reshape(-1), planes.reshape(-1)
    to = 0
    for c in range(C):
        for phase in range(S * S):
            a, b = divmod(phase, S)
            # The columns of the plane from `first` to `last` hold pixels of the image, the others padding.
            first = min(columns, max(0, -((b - left) // S)))
            last = max(first, min(columns, (W - 1 + left - b) // S + 1))
            for i in range(lines):
                h = i * S + a - top  # the line of the image
                start, stop = (first, last) if 0 <= h < H else (columns, columns)
                line = out[to : to + columns * N]
                line[: start * N] = 0
                line[stop * N :] = 0
                at = ((c * H + h) * W + start * S + b - left) * N
                if S == 1:
                    copy(flat[at:], line[start * N : stop * N])
                else:
                    for j in range(start, stop):
                        copy(flat[at + (j - start) * S * N :], line[j * N : (j + 1) * N])
                to += columns * N


@kernel
def depth_to_space(planes: Floats, x: Floats) -> None:
    """Depth-to-space: put the phases of images together again, the inverse of `space_to_depth` without padding.

    Parameters
    ----------
    planes : (C, S, S, lines, columns, N) float
        The phases; they may be longer than the images need.
    x : (C, H, W, N) float
        The result.
    """
    C, H, W, N = x.shape
    S, _, lines, columns, _ = planes.shape[1:]
    flat, out = planes.reshape(-1), x.reshape(-1)
    to = 0
    for c in range(C):
        for h in range(H):
            for w in range(W):
                plane = (c * S + h % S) * S + w % S
                copy(flat[((plane * lines + h // S) * columns + w // S) * N :], out[to : to + N])
                to += N


@kernel
def group_weights(
    indptr: Indices,
    indices: Indices,
    values: Floats,
    by_row: Indices,
    by_column: Indices,
    bounds: Indices,
    offsets: Indices,
    grouped: Floats,
) -> None:
    """Sort the entries of a sparse matrix by group, for `conv.sum_rows`: a stable counting sort.

    It counts, adds up (prefix sum) and scatters, see above; stable means that the entries of a group keep their order.

    Parameters
    ----------
    indptr, indices, values : (R + 1,) int32, (nnz,) int32, (nnz,) float
        The matrix (R, C), as CSR.
    by_row, by_column : (2, R) int32, (2, C) int32
        The group of an entry is ``by_row[0, row] + by_column[0, column]``, its offset the sum of the second numbers.
    bounds : (groups + 1,) int32
        The result: where the entries of each group start.
    offsets, grouped : (nnz,) int32, float
        The result: the offset and the value of each entry.
    """
    row_groups, row_offsets = by_row
    column_groups, column_offsets = by_column
    bounds[:] = 0
    for row in range(indptr.size - 1):
        after = np.uint64(row_groups[row] + 1)
        for j in range(np.uint64(indptr[row]), np.uint64(indptr[row + 1])):
            bounds[after + np.uint64(column_groups[np.uint64(indices[j])])] += np.int32(1)
    for group in range(1, bounds.size):
        bounds[group] += bounds[group - 1]
    free = bounds[:-1].copy()  # the next free place of each group
    for row in range(indptr.size - 1):
        first, offset = np.uint64(row_groups[row]), row_offsets[row]
        for j in range(np.uint64(indptr[row]), np.uint64(indptr[row + 1])):
            column = np.uint64(indices[j])
            its_group = first + np.uint64(column_groups[column])
            to = np.uint64(free[its_group])
            free[its_group] += np.int32(1)
            offsets[to] = offset + column_offsets[column]
            grouped[to] = values[j]


@kernel
def find_places(positions: Indices, grid: Grid, bounds: Indices, places: Indices) -> None:
    """Find the cell and the place of each kept activation, for a convolution with stride 1: one pass, no sort.

    Positions ascend, and along a line of the image their places differ from them by the same number.

    Parameters
    ----------
    positions : (nnz,) int32
        Ascending flat positions in the input (IC, H, W, N).
    grid : Grid
        The cells.
    bounds, places : (cells + 1,) int32, (nnz,) int32
        The results, as in `Activations`; the values keep their order.
    """
    H, W, N, _, columns, _, line_cells, cell_columns = grid
    at, cell = np.uint64(0), 0
    for line in range((bounds.size - 1) // line_cells):
        shift = np.int32((line % H * columns - line * W) * N)
        for w in range(0, W, cell_columns):
            bounds[cell] = at
            cell += 1
            end = (line * W + min(W, w + cell_columns)) * N
            while at < np.uint64(positions.size) and positions[at] < end:
                places[at] = positions[at] + shift
                at += ONE
    bounds[-1] = at


@kernel
def group_activations(
    positions: Indices, values: Floats, grid: Grid, bounds: Indices, places: Indices, grouped: Floats
) -> None:
    """Sort kept activations by cell, and find their places: a counting sort for each channel.

    Parameters
    ----------
    positions, values : (nnz,) int32, float
        Ascending flat positions in the input (IC, H, W, N), and the values there.
    grid : Grid
        The cells.
    bounds, places, grouped : (cells + 1,) int32, (nnz,) int32, (nnz,) float
        The results: the three arrays of `Activations`.
    """
    H, W, N, S, columns, lines, line_cells, cell_columns = grid
    cell_of, place_of = np.empty(H * W, np.uint64), np.empty(H * W, np.int32)  # of each pixel
    for h in range(H):
        for w in range(W):
            phase = h % S * S + w % S
            cell_of[h * W + w] = (phase * lines + h // S) * line_cells + w // S // cell_columns
            place_of[h * W + w] = (h // S * columns + w // S) * N
    batch = np.uint32(N)
    free = np.empty(S * S * lines * line_cells, np.int64)  # of each cell: first its count, then its next free place
    stop = np.uint64(0)
    bounds[0] = 0
    for channel in range((bounds.size - 1) // free.size):
        start, first = stop, channel * H * W * N
        free[:] = 0
        while stop < np.uint64(positions.size) and positions[stop] < first + H * W * N:
            free[cell_of[np.uint64(np.uint32(positions[stop] - first) // batch)]] += 1
            stop += ONE
        for i in range(free.size):
            cell, count = channel * free.size + i, free[i]
            free[i] = bounds[cell]
            bounds[cell + 1] = bounds[cell] + count
        for j in range(start, stop):
            position = np.uint32(positions[j] - first)
            pixel = np.uint64(position // batch)
            to = np.uint64(free[cell_of[pixel]])
            free[cell_of[pixel]] += 1
            places[to] = place_of[pixel] + np.int32(position % batch)
            grouped[to] = values[j]


@kernel
def channels_last(dy: Floats, channel: int, line: int, left: int, columns: int, g: Floats, at: int) -> None:
    """Copy an image line to channels-last order: each (pixel, sample) gets a row of CHANNEL_TILE channels.

    The channels of a pixel lie far apart in `dy`, often by a power of two, and then compete for the same places of the
    cache. So squares of 8 x 8 are transposed in registers.

    Parameters
    ----------
    dy : (OC, OH, OW, N) float
        The output gradient.
    channel, line : int
        The first channel, and the line.
    left, columns : int
        The columns of zeros before the line, and all columns of the result; after the line it has zeros too.
    g : (n,) float
        The result is written as ``(columns, N, CHANNEL_TILE)`` from `at` on.
    """
    _, OH, OW, N = dy.shape
    flat, n = dy.reshape(-1), OW * N
    start = at + left * N * CHANNEL_TILE
    g[at:start] = 0
    g[start + n * CHANNEL_TILE : at + columns * N * CHANNEL_TILE] = 0
    squares = n - n % 8
    for oc in range(0, CHANNEL_TILE, 8):
        for i in range(0, squares, 8):
            transpose(
                flat, ((channel + oc) * OH + line) * n + i, OH * n, g, start + i * CHANNEL_TILE + oc, CHANNEL_TILE
            )
    for oc in range(CHANNEL_TILE):  # what fills no square
        for i in range(squares, n):
            g[start + i * CHANNEL_TILE + oc] = flat[((channel + oc) * OH + line) * n + i]
