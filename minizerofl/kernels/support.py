"""Weights that are trained only where a mask keeps them: read, picked and updated at its positions.

Positions are flat, ascending, and the same for many steps; what lies between them is not touched.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minizerofl.kernels.jit import kernel
from minizerofl.kernels.types import Floats, Indices

__all__ = ["put", "sgd_at", "take", "take_rows"]

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
def take_rows(x: Floats, positions: Indices, indptr: Indices, rows: Indices, values: Floats) -> None:
    """Gather in some rows of a matrix only: ``values[i] = x[positions[i]]`` if position i lies in one of `rows`.

    Parameters
    ----------
    x : (R * C,) float
        The matrix, flat.
    positions : (n,) int32
        Ascending flat positions.
    indptr : (R + 1,) int32
        Where the positions of each row start.
    rows : (r,) int32
        The numbers of these rows.
    values : (n,) float
        The values of the other rows stay as they are.
    """
    for row in rows:
        for i in range(np.uint64(indptr[row]), np.uint64(indptr[row + 1])):
            values[i] = x[np.uint64(positions[i])]


@kernel
def sgd_at(w: Floats, positions: Indices, g: Floats, lr: Scalar, weight_decay: Scalar) -> None:
    """Step against the gradient at some positions: ``w[p] -= lr (g + weight_decay w[p])``.

    Without weight decay, a weight whose gradient is zero is not even read.
    """
    for i in range(np.uint64(positions.size)):
        if g[i] != 0 or weight_decay != 0:
            at = np.uint64(positions[i])
            w[at] -= lr * (g[i] + weight_decay * w[at])
