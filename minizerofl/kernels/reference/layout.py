"""The twins of `minizerofl.kernels.layout`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
Indices = NDArray[np.int32]


def copy(source: Floats, target: Floats) -> None:
    """Fill the target from the start of the source."""
    target[:] = source[: target.size]


def deal_out(x: Floats, top: int, left: int, planes: Floats) -> None:
    """Pad images with zeros and deal them out into phases."""
    S, _, R, Q = planes.shape[1:5]
    below, right = (
        max(0, S * size - before - inside) for size, before, inside in ((R, top, x.shape[1]), (Q, left, x.shape[2]))
    )
    padded = np.pad(x, ((0, 0), (top, below), (left, right), (0, 0)))
    for a, b in np.ndindex(S, S):
        planes[:, a, b] = padded[:, a::S, b::S][:, :R, :Q]


def merge_phases(planes: Floats, x: Floats) -> None:
    """Put the phases of images together."""
    S = planes.shape[1]
    for a, b in np.ndindex(S, S):
        phase = x[:, a::S, b::S]
        phase[:] = planes[:, a, b, : phase.shape[1], : phase.shape[2]]


def group_weights(
    indptr: Indices,
    indices: Indices,
    values: Floats,
    by_row: NDArray[np.int32],
    by_column: NDArray[np.int32],
    bounds: Indices,
    offsets: Indices,
    grouped: Floats,
) -> None:
    """Sort the entries of a sparse matrix by group; those of one group keep their order."""
    rows = np.repeat(np.arange(indptr.size - 1), np.diff(indptr))
    groups, places = by_row[:, rows] + by_column[:, indices]
    order = np.argsort(groups, kind="stable")
    bounds[:] = np.searchsorted(groups[order], np.arange(bounds.size))
    offsets[:], grouped[:] = places[order], values[order]


def find_rows(
    positions: Indices, image: tuple[int, int, int], columns: int, part: int, bounds: Indices, rows: Indices
) -> None:
    """Find the cell and the place of each kept activation, for a convolution with stride 1."""
    values = np.empty(positions.size)
    group_activations(positions, values, image, 1, columns, part, bounds, rows, values.copy())


def group_activations(
    positions: Indices,
    values: Floats,
    image: tuple[int, int, int],
    stride: int,
    columns: int,
    part: int,
    bounds: Indices,
    rows: Indices,
    grouped: Floats,
) -> None:
    """Sort kept activations by cell, that is by input channel, phase, line and part of it, and find their places."""
    lines, parts = (image[0] - 1) // stride + 1, (image[1] - 1) // stride // part + 1
    IC = (bounds.size - 1) // (stride * stride * lines * parts)
    channel, h, w, n = np.unravel_index(positions, (IC, *image))
    grid = (IC, stride, stride, lines, parts)
    cell = np.ravel_multi_index((channel, h % stride, w % stride, h // stride, w // stride // part), grid)
    order = np.argsort(cell, kind="stable")
    bounds[:] = np.searchsorted(cell[order], np.arange(bounds.size))
    rows[:] = (((h // stride) * columns + w // stride) * image[2] + n)[order]
    grouped[:] = values[order]
