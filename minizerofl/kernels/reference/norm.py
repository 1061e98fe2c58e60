"""The twins of `minizerofl.kernels.norm`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from minizerofl.kernels.norm import LANES

Floats = NDArray[np.floating[Any]]


def spans(channel: int, size: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return where the whole vectors of a channel begin and end, and the numbers behind them."""
    first, last = channel * size, (channel + 1) * size
    return (first, first + size // LANES * LANES), (first + size // LANES * LANES, last)


def moment_pieces(x: Floats, span: tuple[int, int], shift: Any, width: int) -> tuple[float, float]:
    """Sum ``x - shift`` and its squares."""
    moved = x[slice(*span)].astype(np.float64) - shift
    return float(moved.sum()), float((moved**2).sum())


def scale_pieces(
    x: Floats, span: tuple[int, int], line: tuple[Any, Any], residual: Floats, relu: bool, y: Floats, width: int
) -> None:
    """Compute ``y = line[0] * x + line[1] + residual``, and rectify it."""
    part = slice(*span)
    y[part] = line[0] * x[part] + line[1] + (residual[part] if residual.size else 0)
    if relu:
        y[part] = np.maximum(y[part], 0)


def gradient_sum_pieces(
    x: Floats, span: tuple[int, int], mean: Any, z: Floats, line: tuple[Any, Any], dy: Floats, width: int
) -> tuple[float, float]:
    """Sum g and ``(x - mean) * g``."""
    part = slice(*span)
    g = np.where(line[0] * z[part] + line[1] <= 0, 0, dy[part]).astype(np.float64)
    return float(g.sum()), float(((x[part] - mean) * g).sum())


def gradient_pieces(
    x: Floats,
    span: tuple[int, int],
    mean: Any,
    z: Floats,
    line: tuple[Any, Any],
    dy: Floats,
    factors: tuple[Any, Any, Any],
    passed: Floats,
    dx: Floats,
    width: int,
) -> None:
    """Compute ``dx = factors[0] + factors[1] * (x - mean) + factors[2] * g``, and g."""
    part = slice(*span)
    g = np.where(line[0] * z[part] + line[1] <= 0, 0, dy[part])
    dx[part] = factors[0] + factors[1] * (x[part] - mean) + factors[2] * g
    if passed.size:
        passed[part] = g


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
    y[:] = line[0, :, None] * x + line[1, :, None] + (residual if residual.size else 0)
    if relu:
        np.maximum(y, 0, out=y)


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
    g = np.where(line[0, :, None] * z + line[1, :, None] <= 0, 0, dy)
    mean, rstd = moments
    xhat = (x - mean[:, None]) * rstd[:, None]
    dparameters[0], dparameters[1] = (g * xhat).sum(axis=1), g.sum(axis=1)
    centred = g - g.mean(axis=1, keepdims=True) - xhat * (g * xhat).mean(axis=1, keepdims=True)
    dx[:] = (weight * rstd)[:, None] * centred
    if passed.size:
        passed[:] = g
