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


def take_rows(x: Floats, positions: Indices, indptr: Indices, rows: Indices, values: Floats) -> None:
    """Gather where the row of a position is one of `rows`."""
    among = np.isin(np.repeat(np.arange(indptr.size - 1), np.diff(indptr)), rows)
    values[among] = x[positions[among]]


def sgd_at(w: Floats, positions: Indices, g: Floats, lr: Scalar, weight_decay: Scalar) -> None:
    """Step against the gradient at some positions."""
    w[positions] -= lr * (g + weight_decay * w[positions])
