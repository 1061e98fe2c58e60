"""The reference kernels of `minizerofl.kernels.layout`."""

from __future__ import annotations

import numpy as np

from minizerofl.kernels.layout import Grid
from minizerofl.kernels.types import Floats, Indices


def space_to_depth(x: Floats, top: int, left: int, planes: Floats) -> None:
    """Pad images with zeros and deal their pixels out to phases."""
    S, _, R, Q = planes.shape[1:5]
    below, right = (
        max(0, S * size - before - inside) for size, before, inside in ((R, top, x.shape[1]), (Q, left, x.shape[2]))
    )
    padded = np.pad(x, ((0, 0), (top, below), (left, right), (0, 0)))
    for a, b in np.ndindex(S, S):
        planes[:, a, b] = padded[:, a::S, b::S][:, :R, :Q]


def depth_to_space(planes: Floats, x: Floats) -> None:
    """Put the phases of images together."""
    S = planes.shape[1]
    for a, b in np.ndindex(S, S):
        phase = x[:, a::S, b::S]
        phase[:] = planes[:, a, b, : phase.shape[1], : phase.shape[2]]


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
    """Sort the entries of a sparse matrix by group; those of one group keep their order."""
    rows = np.repeat(np.arange(indptr.size - 1), np.diff(indptr))
    groups, sums = by_row[:, rows] + by_column[:, indices]
    order = np.argsort(groups, kind="stable")
    bounds[:] = np.searchsorted(groups[order], np.arange(bounds.size))
    offsets[:], grouped[:] = sums[order], values[order]


def find_places(positions: Indices, grid: Grid, bounds: Indices, places: Indices) -> None:
    """Find the cell and the place of each kept activation, for a convolution with stride 1."""
    values = np.empty(positions.size)
    group_activations(positions, values, grid, bounds, places, values.copy())


def group_activations(
    positions: Indices, values: Floats, grid: Grid, bounds: Indices, places: Indices, grouped: Floats
) -> None:
    """Sort kept activations by cell, that is by input channel, phase, line and part of it, and find their places."""
    H, W, N, S, columns, lines, line_cells, cell_columns = grid
    IC = (bounds.size - 1) // (S * S * lines * line_cells)
    channel, h, w, n = np.unravel_index(positions, (IC, H, W, N))
    cells = (IC, S, S, lines, line_cells)
    cell = np.ravel_multi_index((channel, h % S, w % S, h // S, w // S // cell_columns), cells)
    order = np.argsort(cell, kind="stable")
    bounds[:] = np.searchsorted(cell[order], np.arange(bounds.size))
    places[:] = (((h // S) * columns + w // S) * N + n)[order]
    grouped[:] = values[order]
