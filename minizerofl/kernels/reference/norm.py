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


def channel_moments(x: Floats, mean: Floats, var: Floats) -> None:
    """Compute the mean and the (biased) variance of each channel."""
    mean[:] = x.mean(axis=1)
    var[:] = x.var(axis=1)


def scale_channels(x: Floats, scale: Floats, shift: Floats, residual: Floats, relu: bool, y: Floats) -> None:
    """Compute ``y[c] = scale[c] * x[c] + shift[c] + residual[c]``, and zero for what is negative if `relu`."""
    y[:] = scale[:, None] * x + shift[:, None]
    if residual.size:
        y += residual
    if relu:
        np.maximum(y, 0, out=y)


def relu_gradient(y: Floats, dy: Floats, g: Floats) -> None:
    """Let the gradient pass where the rectified result is positive."""
    g[:] = np.where(y > 0, dy, 0)


def batch_norm_gradient(
    x: Floats,
    y: Floats,
    dy: Floats,
    weight: Floats,
    moments: tuple[Floats, Floats],
    passed: Floats,
    dx: Floats,
    dparameters: Floats,
) -> None:
    """Compute the derivatives of batch normalisation."""
    g = np.where(y > 0, dy, 0) if y.size else dy
    mean, rstd = moments
    xhat = (x - mean[:, None]) * rstd[:, None]
    dparameters[0], dparameters[1] = (g * xhat).sum(axis=1), g.sum(axis=1)
    centred = g - g.mean(axis=1, keepdims=True) - xhat * (g * xhat).mean(axis=1, keepdims=True)
    dx[:] = (weight * rstd)[:, None] * centred
    if y.size:
        passed[:] = g[-len(passed) :]
