"""Twins of `minizerofl.kernels.update`: the formulas on whole arrays."""

from __future__ import annotations

import numpy as np

from minizerofl.kernels.types import Floats, Indices
from minizerofl.kernels.update import AdamRates, Scalar


def sgd(w: Floats, g: Floats, lr: Scalar, weight_decay: Scalar) -> None:
    """Step against the gradient."""
    w -= lr * (g + weight_decay * w)


def sgd_rows(w: Floats, rows: Indices, g: Floats, lr: Scalar) -> None:
    """Step against a gradient of which only some rows are given."""
    w[rows] -= lr * g


def sgd_momentum(
    w: Floats, g: Floats, velocity: Floats, lr: Scalar, momentum: Scalar, weight_decay: Scalar, nesterov: bool
) -> None:
    """Step along a decaying sum of gradients."""
    d = g + weight_decay * w
    velocity[:] = momentum * velocity + d
    w -= lr * (d + momentum * velocity if nesterov else velocity)


def adam(w: Floats, g: Floats, mean: Floats, square: Floats, rates: AdamRates) -> None:
    """Step along the mean gradient over its root mean square."""
    d = g + rates.weight_decay * w
    mean += rates.rate1 * (d - mean)
    square += rates.rate2 * (d * d - square)
    w -= rates.step_size * mean / (rates.scale * np.sqrt(square) + rates.eps)
