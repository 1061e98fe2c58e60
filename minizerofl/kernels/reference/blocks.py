"""The reference kernels of `minizerofl.kernels.blocks`: products of matrices, and a stable sort."""

from __future__ import annotations

import numpy as np

from minizerofl.kernels.blocks import Tiles
from minizerofl.kernels.types import Array, Floats, Indices


def block_squares(w: Floats, N: int, squares: Floats) -> None:
    """Compute the sum of squares of each block of N neighbouring columns."""
    padded = np.pad(w, ((0, 0), (0, squares.shape[1] * N - w.shape[1])))
    squares[:] = (padded.reshape(*squares.shape, N) ** 2).sum(axis=2)


def group_blocks(
    indptr: Indices,
    indices: Indices,
    values: Floats,
    by_row: Indices,
    bounds: Indices,
    offsets: Indices,
    grouped: Floats,
) -> None:
    """Sort blocks by group."""
    groups, starts = by_row
    rows = np.repeat(np.arange(indptr.size - 1), np.diff(indptr))
    its_group = groups[rows] + indices
    order = np.argsort(its_group, kind="stable")
    bounds[:] = np.searchsorted(its_group[order], np.arange(bounds.size))
    offsets[:], grouped[:] = starts[rows][order], values[order]


def sum_blocks(
    bounds: Indices, offsets: Indices, values: Floats, x: Floats, step: int, tiles: Tiles, out: Floats
) -> None:
    """Multiply each block by its row of `x`."""
    x = x.reshape(-1)
    _, S, L = out.shape
    out[:] = 0
    for j, rows in enumerate(_rows_of_blocks(bounds, values, out)):
        for s in range(S):
            start = offsets[j] + s * step
            rows[:, s] += np.outer(values[j], x[start : start + L])


def spread_blocks(
    bounds: Indices, offsets: Indices, values: Floats, dy: Floats, step: int, tiles: Tiles, x: Floats
) -> None:
    """Multiply the transpose of each block by the rows of its outputs."""
    x = x.reshape(-1)
    _, S, L = dy.shape
    for j, rows in enumerate(_rows_of_blocks(bounds, values, dy)):
        for s in range(S):
            start = offsets[j] + s * step
            x[start : start + L] += values[j] @ rows[:, s]


def _rows_of_blocks(bounds: Indices, values: Floats, out: Floats) -> list[Array]:
    """Return for each block a view of the rows of its outputs."""
    N = values.shape[1]
    B = len(out) // N
    groups = np.repeat(np.arange(bounds.size - 1), np.diff(bounds))
    return [out[block * N : (block + 1) * N] for block in groups % max(1, B)]
