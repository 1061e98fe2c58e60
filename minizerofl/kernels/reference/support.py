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


def sgd_at(w: Floats, positions: Indices, kept: Floats, g: Floats, lr: Scalar, weight_decay: Scalar) -> None:
    """Step against the gradient at some positions."""
    kept -= lr * (g + weight_decay * kept)
    w[positions] = kept
