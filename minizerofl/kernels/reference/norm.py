"""The reference kernels of `minizerofl.kernels.norm`: the formulas on whole arrays."""

from __future__ import annotations

import numpy as np

from minizerofl.kernels.norm import Channels, Gate
from minizerofl.kernels.types import Floats


def batch_norm(
    x: Floats, channels: Channels, training: bool, eps: float, residual: Floats, relu: bool, line: Floats, y: Floats
) -> None:
    """Compute ``y = relu(weight * (x - mean) / sqrt(var + eps) + bias + residual)``."""
    weight, bias, mean, var = channels
    if training:
        mean[:], var[:] = x.mean(axis=1), x.var(axis=1)
    line[0] = weight / np.sqrt(var + eps)
    line[1] = bias - mean * line[0]
    y[:] = line[0, :, None] * x + line[1, :, None] + (residual if residual.size else 0)
    if relu:
        np.maximum(y, 0, out=y)


def batch_norm_gradient(
    x: Floats,
    gate: Gate,
    dy: Floats,
    weight: Floats,
    moments: tuple[Floats, Floats],
    passed: Floats,
    dx: Floats,
    dparameters: Floats,
) -> None:
    """Compute the derivatives of `batch_norm` in training."""
    g = np.where(gate.line[0, :, None] * gate.z + gate.line[1, :, None] <= 0, 0, dy)
    mean, rstd = moments
    xhat = (x - mean[:, None]) * rstd[:, None]
    dparameters[0], dparameters[1] = (g * xhat).sum(axis=1), g.sum(axis=1)
    centred = g - g.mean(axis=1, keepdims=True) - xhat * (g * xhat).mean(axis=1, keepdims=True)
    dx[:] = (weight * rstd)[:, None] * centred
    if passed.size:
        passed[:] = g
