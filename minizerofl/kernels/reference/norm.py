"""The twins of `minizerofl.kernels.norm`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]


def lane_dot(a: Floats, shift_a: float, b: Floats, shift_b: float) -> float:
    """Sum ``(a - shift_a) * (b - shift_b)``."""
    return float(np.sum((a - shift_a) * (b - shift_b), dtype=np.float64))


def lane_sum(a: Floats) -> float:
    """Sum the values."""
    return float(np.sum(a, dtype=np.float64))


def relu_gradient(z: Floats, scale: float, shift: float, dy: Floats, g: Floats) -> None:
    """Let the gradient pass where ``scale * z + shift`` is positive."""
    g[:] = np.where(scale * z + shift > 0, dy, 0)


def scale_channel(x: Floats, scale: float, shift: float, residual: Floats, relu: bool, y: Floats) -> None:
    """Compute ``y = scale * x + shift + residual``, and rectify it."""
    y[:] = scale * x + shift + (residual if residual.size else 0)
    if relu:
        np.maximum(y, 0, out=y)


def batch_norm(
    x: Floats,
    parameters: tuple[Floats, Floats],
    moments: tuple[Floats, Floats],
    training: bool,
    eps: float,
    residual: Floats,
    relu: bool,
    line: Floats,
    y: Floats,
) -> None:
    """Compute ``y = relu(weight * (x - mean) / sqrt(var + eps) + bias + residual)``."""
    (weight, bias), (mean, var) = parameters, moments
    if training:
        mean[:], var[:] = x.mean(axis=1), x.var(axis=1)
    line[0] = weight / np.sqrt(var + eps)
    line[1] = bias - mean * line[0]
    for c in range(len(x)):
        scale_channel(x[c], line[0, c], line[1, c], residual[c], relu, y[c])


def batch_norm_gradient(
    x: Floats,
    z: Floats,
    line: Floats,
    dy: Floats,
    weight: Floats,
    moments: tuple[Floats, Floats],
    passed: Floats,
    dx: Floats,
    dparameters: Floats,
) -> None:
    """Compute the derivatives of `batch_norm` in training."""
    g = np.where(line[0, :, None] * z + line[1, :, None] > 0, dy, 0) if z.size else dy
    mean, rstd = moments
    xhat = (x - mean[:, None]) * rstd[:, None]
    dparameters[0], dparameters[1] = (g * xhat).sum(axis=1), g.sum(axis=1)
    centred = g - g.mean(axis=1, keepdims=True) - xhat * (g * xhat).mean(axis=1, keepdims=True)
    dx[:] = (weight * rstd)[:, None] * centred
    if z.size:
        passed[:] = g[-len(passed) :]
