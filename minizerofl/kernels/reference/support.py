"""The reference kernels of `minizerofl.kernels.support`: indexing with arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from minizerofl.kernels.types import Floats, Indices

Scalar = np.floating[Any]


def take(x: Floats, positions: Indices, values: Floats) -> None:
    """Gather."""
    values[:] = x[positions]


def put(values: Floats, positions: Indices, x: Floats) -> None:
    """Scatter."""
    x[positions] = values


def pick_rows(rows: Indices, dw: Floats, positions: Indices, values: Floats) -> None:
    """Gather from the whole matrix."""
    C = dw.shape[1]
    height = max(rows.max(initial=-1), positions.max(initial=-1) // C) + 1
    matrix = np.zeros((height, C), dw.dtype)
    matrix[rows] = dw
    values[:] = matrix.reshape(-1)[positions]


def sgd_at(w: Floats, positions: Indices, g: Floats, lr: Scalar, weight_decay: Scalar) -> None:
    """Step against the gradient at some positions."""
    w[positions] -= lr * (g + weight_decay * w[positions])
