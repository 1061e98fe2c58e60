"""Weight updates: one fused pass over the memory of a parameter, since these loops are bound by memory traffic.

All arrays are flat, contiguous and of one dtype; scalars are of that dtype too, so that nothing is computed in float64.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from minizerofl.kernels.jit import kernel

Floats = NDArray[Any]
Scalar = np.floating[Any]


@kernel
def sgd(w: Floats, g: Floats, lr: Scalar, weight_decay: Scalar) -> None:
    """Step against the gradient: w -= lr (g + weight_decay w)."""
    for i in range(w.size):
        w[i] -= lr * (g[i] + weight_decay * w[i])


@kernel
def sgd_rows(w: Floats, rows: NDArray[np.int32], g: Floats, lr: Scalar) -> None:
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


@kernel
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
    """Step along the mean gradient over its root mean square: w -= step mean / (scale sqrt(square) + eps).

    rate1 = 1 - beta1 and rate2 = 1 - beta2; the bias corrections are inside step = lr / (1 - beta1^t) and
    scale = 1 / sqrt(1 - beta2^t).
    """
    for i in range(w.size):
        d = g[i] + weight_decay * w[i]
        mean[i] += rate1 * (d - mean[i])
        square[i] += rate2 * (d * d - square[i])
        w[i] -= step * mean[i] / (scale * np.sqrt(square[i]) + eps)
