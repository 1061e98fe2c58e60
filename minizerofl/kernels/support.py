"""Weights that are trained only where a mask keeps them: read, picked and updated at its positions.

Positions are flat, ascending, and the same for many steps; what lies between them is not touched.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minizerofl.kernels.jit import kernel
from minizerofl.kernels.types import Floats, Indices

__all__ = ["pick_rows", "put", "sgd_at", "take"]

Scalar = np.floating[Any]


@kernel
def take(x: Floats, positions: Indices, values: Floats) -> None:
    """Gather: ``values[i] = x[positions[i]]``."""
    for i in range(np.uint64(positions.size)):
        values[i] = x[np.uint64(positions[i])]


@kernel
def put(values: Floats, positions: Indices, x: Floats) -> None:
    """Scatter: ``x[positions[i]] = values[i]``."""
    for i in range(np.uint64(positions.size)):
        x[np.uint64(positions[i])] = values[i]


@kernel
def pick_rows(rows: Indices, dw: Floats, positions: Indices, values: Floats) -> None:
    """Gather from a matrix of which only some rows are given; all others are zero.

    Parameters
    ----------
    rows : (r,) int32
        The numbers of these rows, ascending.
    dw : (r, C) float
        The rows.
    positions : (n,) int32
        Ascending flat positions in the whole matrix.
    values : (n,) float
        The result.
    """
    C = dw.shape[1]
    r = 0
    for i in range(positions.size):
        row = positions[i] // C
        while r < rows.size and rows[r] < row:
            r += 1
        found = r < rows.size and rows[r] == row
        values[i] = dw[r, positions[i] - row * C] if found else 0


@kernel
def sgd_at(w: Floats, positions: Indices, g: Floats, lr: Scalar, weight_decay: Scalar) -> None:
    """Step against the gradient at some positions: ``w[p] -= lr (g + weight_decay w[p])``.

    Without weight decay, a weight whose gradient is zero is not even read.
    """
    for i in range(np.uint64(positions.size)):
        if g[i] != 0 or weight_decay != 0:
            at = np.uint64(positions[i])
            w[at] -= lr * (g[i] + weight_decay * w[at])
