"""Batch normalisation, forward and backward: a few passes over one channel while it is in the cache.

A float sum in strict order cannot use vector instructions. The sums here run in LANES independent lanes, which are
added up at the end: vector instructions, and the same bits in every process.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from minizerofl.kernels.jit import kernel

Floats = NDArray[np.floating[Any]]

LANES = 64


@kernel
def lane_dot(a: Floats, shift_a: float, b: Floats, shift_b: float) -> float:
    """Sum ``(a - shift_a) * (b - shift_b)``, in LANES lanes."""
    lanes = np.zeros(LANES, a.dtype)
    whole = a.size - a.size % LANES
    for start in range(0, whole, LANES):
        piece_a = a[start : start + LANES]
        piece_b = b[start : start + LANES]
        for i in range(LANES):
            lanes[i] += (piece_a[i] - shift_a) * (piece_b[i] - shift_b)
    total = 0.0
    for i in range(LANES):
        total += lanes[i]
    for i in range(whole, a.size):
        total += (a[i] - shift_a) * (b[i] - shift_b)
    return total


@kernel
def lane_sum(a: Floats) -> float:
    """Sum the values, in LANES lanes."""
    lanes = np.zeros(LANES, a.dtype)
    whole = a.size - a.size % LANES
    for start in range(0, whole, LANES):
        piece = a[start : start + LANES]
        for i in range(LANES):
            lanes[i] += piece[i]
    total = 0.0
    for i in range(LANES):
        total += lanes[i]
    for i in range(whole, a.size):
        total += a[i]
    return total


@kernel
def relu_gradient(z: Floats, scale: float, shift: float, dy: Floats, g: Floats) -> None:
    """Let the gradient `dy` pass to `g` where ``scale * z + shift`` is positive."""
    zero = z.dtype.type(0)
    for i in range(z.size):
        g[i] = dy[i] if scale * z[i] + shift > zero else zero


@kernel
def scale_channel(x: Floats, scale: float, shift: float, residual: Floats, relu: bool, y: Floats) -> None:
    """Compute ``y = scale * x + shift + residual`` (nothing if it is empty), and rectify it; NaN stays NaN."""
    zero = x.dtype.type(0)
    if residual.size:
        for i in range(x.size):
            y[i] = scale * x[i] + shift + residual[i]
    else:
        for i in range(x.size):
            y[i] = scale * x[i] + shift
    if relu:
        for i in range(x.size):
            y[i] = zero if y[i] <= zero else y[i]


@kernel
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
    """Compute ``y = relu(weight * (x - mean) / sqrt(var + eps) + bias + residual)``.

    Parameters
    ----------
    x, y : (C, M) float
        The values of each channel, and the result.
    parameters, moments : tuple of (C,) float
        weight and bias; mean and (biased) var, a result if `training`.
    training : bool
        Whether to compute the moments from `x`.
    eps : float
        What is added to the variance.
    residual : (C, M) or (C, 0) float
        What is added, or nothing.
    relu : bool
        Whether to rectify.
    line : (2, C) float
        A result: scale and shift in ``y = relu(scale * x + shift + residual)``.
    """
    (weight, bias), (mean, var) = parameters, moments
    for c in range(x.shape[0]):
        row = x[c]
        if training:
            mean[c] = lane_sum(row) / row.size
            var[c] = lane_dot(row, mean[c], row, mean[c]) / row.size
        line[0, c] = weight[c] / np.sqrt(var[c] + x.dtype.type(eps))
        line[1, c] = bias[c] - mean[c] * line[0, c]
        scale_channel(row, line[0, c], line[1, c], residual[c], relu, y[c])


@kernel
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
    """Compute the derivatives of `batch_norm` in training, where the moments depend on x too.

    With xhat = (x - mean) * rstd, rstd = 1 / sqrt(var + eps), and g what the ReLU lets pass,
    ``dx = weight * rstd * (g - average(g) - xhat * average(g * xhat))`` (Ioffe and Szegedy 2015, section 3).

    Parameters
    ----------
    x, dy, dx : (C, M) float
        Input, gradient of the output, gradient of the input (a result).
    z, line : (C, M), (2, C) float
        The ReLU lets pass where ``line[0] * z + line[1] > 0``; z is (C, 0) if there was no ReLU.
    weight : (C,) float
        The scale of each channel.
    moments : tuple of (C,) float
        mean and rstd.
    passed : (C, M) or (1, M) float
        The result: g, which is the gradient of the residual; or one row of scratch if nobody wants to know.
    dparameters : (2, C) float
        The result: the gradients of weight and bias.
    """
    mean, rstd = moments
    for c in range(x.shape[0]):
        row, grad, out, mu = x[c], dy[c], dx[c], mean[c]
        if z.size:
            grad = passed[c % passed.shape[0]]
            relu_gradient(z[c], line[0, c], line[1, c], dy[c], grad)
        dparameters[1, c] = lane_sum(grad)
        dparameters[0, c] = lane_dot(row, mu, grad, grad.dtype.type(0)) * rstd[c]
        scale = weight[c] * rstd[c]
        offset = dparameters[1, c] / row.dtype.type(row.size)
        slope = dparameters[0, c] * rstd[c] / row.dtype.type(row.size)
        for i in range(row.size):
            out[i] = scale * (grad[i] - offset - (row[i] - mu) * slope)
