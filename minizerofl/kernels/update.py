"""Weight updates (axpy and its like): one fused pass over a parameter, since these loops wait for memory only.

All arrays are flat, contiguous and of one dtype; scalars are of that dtype too, so that nothing is computed in float64.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from minizerofl.kernels.jit import kernel
from minizerofl.kernels.types import Floats, Indices

__all__ = ["AdamRates", "adam", "sgd", "sgd_momentum", "sgd_rows"]

Scalar = np.floating[Any]


@kernel
def sgd(w: Floats, g: Floats, lr: Scalar, weight_decay: Scalar) -> None:
    """Step against the gradient: w -= lr (g + weight_decay w)."""
    for i in range(w.size):
        w[i] -= lr * (g[i] + weight_decay * w[i])


@kernel
def sgd_rows(w: Floats, rows: Indices, g: Floats, lr: Scalar) -> None:
    """Step against a gradient of which only some rows are given: w[rows] -= lr g."""
    for i in range(rows.size):
        row = w[rows[i]]
        for j in range(row.size):
            row[j] -= lr * g[i, j]


@kernel
def sgd_momentum(
    w: Floats, g: Floats, velocity: Floats, lr: Scalar, momentum: Scalar, weight_decay: Scalar, nesterov: bool
) -> None:
    """Step along a decaying sum of gradients: v = momentum v + d; w -= lr v, or with Nesterov lr (d + momentum v)."""
    for i in range(w.size):
        d = g[i] + weight_decay * w[i]
        velocity[i] = momentum * velocity[i] + d
        if nesterov:
            w[i] -= lr * (d + momentum * velocity[i])
        else:
            w[i] -= lr * velocity[i]


class AdamRates(NamedTuple):
    """The numbers of one step of Adam; the bias corrections for step t are inside.

    Attributes
    ----------
    step_size : float
        ``lr / (1 - beta1**t)``.
    rate1, rate2 : float
        ``1 - beta1`` and ``1 - beta2``.
    scale : float
        ``1 / sqrt(1 - beta2**t)``.
    eps, weight_decay : float
        As in `minizerofl.optim.Adam`.
    """

    step_size: Scalar
    rate1: Scalar
    rate2: Scalar
    scale: Scalar
    eps: Scalar
    weight_decay: Scalar


@kernel
def adam(w: Floats, g: Floats, mean: Floats, square: Floats, rates: AdamRates) -> None:
    """Step along the mean gradient over its root mean square: w -= step_size mean / (scale sqrt(square) + eps)."""
    step_size, rate1, rate2, scale, eps, weight_decay = rates
    for i in range(w.size):
        d = g[i] + weight_decay * w[i]
        mean[i] += rate1 * (d - mean[i])
        square[i] += rate2 * (d * d - square[i])
        w[i] -= step_size * mean[i] / (scale * np.sqrt(square[i]) + eps)
