"""Twins of `minizerofl.kernels.update`: the formulas on whole arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[Any]
Scalar = np.floating[Any]


def sgd(w: Floats, g: Floats, lr: Scalar, weight_decay: Scalar) -> None:
    """Step against the gradient."""
    w -= lr * (g + weight_decay * w)


def sgd_rows(w: Floats, rows: NDArray[np.int32], g: Floats, lr: Scalar) -> None:
    """Step against a gradient of which only some rows are given."""
    w[rows] -= lr * g


def sgd_momentum(
    w: Floats, g: Floats, velocity: Floats, lr: Scalar, momentum: Scalar, weight_decay: Scalar, nesterov: bool
) -> None:
    """Step along a decaying sum of gradients."""
    d = g + weight_decay * w
    velocity[:] = momentum * velocity + d
    w -= lr * (d + momentum * velocity if nesterov else velocity)


def adam(
    w: Floats,
    g: Floats,
    mean: Floats,
    square: Floats,
    step: Scalar,
    rate1: Scalar,
    rate2: Scalar,
    scale: Scalar,
    eps: Scalar,
    weight_decay: Scalar,
) -> None:
    """Step along the mean gradient over its root mean square."""
    d = g + weight_decay * w
    mean += rate1 * (d - mean)
    square += rate2 * (d * d - square)
    w -= step * mean / (scale * np.sqrt(square) + eps)
