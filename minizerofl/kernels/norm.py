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
def channel_moments(x: Floats, mean: Floats, var: Floats) -> None:
    """Compute the mean and the (biased) variance of each channel.

    Parameters
    ----------
    x : (C, M) float
        The values of each channel.
    mean, var : (C,) float
        The results.
    """
    for c in range(x.shape[0]):
        row = x[c]
        mean[c] = lane_sum(row) / row.size
        var[c] = lane_dot(row, mean[c], row, mean[c]) / row.size


@kernel
def scale_channels(x: Floats, scale: Floats, shift: Floats, residual: Floats, relu: bool, y: Floats) -> None:
    """Compute ``y[c] = scale[c] * x[c] + shift[c] + residual[c]``, and zero for what is negative if `relu`.

    Parameters
    ----------
    x, y : (C, M) float
        The values of each channel, and the result.
    scale, shift : (C,) float
        Per channel.
    residual : (C, M) or (C, 0) float
        What is added, or nothing.
    relu : bool
        Whether to rectify; NaN stays NaN.
    """
    zero = x.dtype.type(0)
    for c in range(x.shape[0]):
        row, out, a, b = x[c], y[c], scale[c], shift[c]
        for i in range(row.size):
            out[i] = a * row[i] + b
        if residual.size:
            extra = residual[c]
            for i in range(row.size):
                out[i] += extra[i]
        if relu:
            for i in range(row.size):
                out[i] = zero if out[i] <= zero else out[i]


@kernel
def relu_gradient(y: Floats, dy: Floats, g: Floats) -> None:
    """Let the gradient `dy` pass to `g` where the rectified result `y` is positive, for flat arrays."""
    zero = y.dtype.type(0)
    for i in range(y.size):
        g[i] = dy[i] if y[i] > zero else zero


@kernel
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
    """Compute the derivatives of batch normalisation, ``y = relu(weight * (x - mean) * rstd + bias + residual)``.

    The moments, mean and rstd = 1 / sqrt(var + eps), depend on x too. With xhat = (x - mean) * rstd and g what the ReLU
    lets pass, ``dx = weight * rstd * (g - average(g) - xhat * average(g * xhat))`` (Ioffe and Szegedy 2015, section 3).

    Parameters
    ----------
    x, dy, dx : (C, M) float
        Input, gradient of the output, gradient of the input (a result).
    y : (C, M) or (C, 0) float
        The output, or nothing if it was not rectified.
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
        if y.size:
            grad = passed[c % passed.shape[0]]
            relu_gradient(y[c], dy[c], grad)
        dparameters[1, c] = lane_sum(grad)
        dparameters[0, c] = lane_dot(row, mu, grad, grad.dtype.type(0)) * rstd[c]
        scale = weight[c] * rstd[c]
        offset = dparameters[1, c] / row.dtype.type(row.size)
        slope = dparameters[0, c] * rstd[c] / row.dtype.type(row.size)
        for i in range(row.size):
            out[i] = scale * (grad[i] - offset - (row[i] - mu) * slope)
