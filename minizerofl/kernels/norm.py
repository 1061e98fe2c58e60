"""Batch normalisation, forward and backward: a few passes over one channel while it is in the cache.

A sum of floats in strict order cannot use SIMD instructions, since each addition waits for the one before. The sums
here run in LANES independent lanes and end with a horizontal sum (`reduce_add`): SIMD instructions, and the same bits
in every process. The lanes stay in registers (see `minizerofl.kernels.simd`). What remains of a channel after its last
whole vector is handled by the same kernels with one lane.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba.misc.special import literally

from minizerofl.kernels.jit import kernel
from minizerofl.kernels.simd import fma, full, load, reduce_add, store, where_positive
from minizerofl.kernels.types import Floats

__all__ = ["Channels", "Gate", "batch_norm", "batch_norm_gradient"]

LANES = 64
Span = tuple[int, int]  # where a stretch of numbers starts and stops


class Channels(NamedTuple):
    """The numbers of each channel, (C,) float each: scale, shift, mean and (biased) variance."""

    weight: Floats
    bias: Floats
    mean: Floats
    var: Floats


class Gate(NamedTuple):
    """The ReLU after a batch normalisation, as its gradient needs it: closed where ``line[0] * z + line[1] <= 0``.

    Its mask is not stored but computed again. Without a residual, z is the input x and `line` is what `batch_norm`
    returns. With a residual, z is the output y and `line` is (1, 0). Without a ReLU, `line` is (0, 1).

    Attributes
    ----------
    z : (C, M) float
        What is kept of the forward pass; one channel is (M,).
    line : (2, C) float
        Scale and shift of each channel; those of one channel are two numbers.
    """

    z: Floats
    line: Any


class Coefficients(NamedTuple):
    """The gradient of a channel as a sum: ``dx = constant + of_x * (x - mean) + of_g * g``."""

    mean: Any
    constant: Any
    of_x: Any
    of_g: Any


@kernel
def spans(channel: int, size: int) -> tuple[Span, Span]:
    """Split a channel into (start, stop) of its whole vectors and (start, stop) of the remainder."""
    start, rest = channel * size, size % LANES
    return (start, start + size - rest), (start + size - rest, start + size)


@kernel
def moment_pieces(x: Floats, span: Span, shift: Any, width: int) -> tuple[float, float]:
    """Sum ``x - shift`` and its squares, in `width` lanes."""
    literally(width)
    one, minus = x.dtype.type(1), full(-shift, width)
    first = second = full(x.dtype.type(0), width)
    for i in range(span[0], span[1], width):
        moved = fma(minus, one, load(x, i, width))
        first, second = fma(first, one, moved), fma(second, moved, moved)
    return reduce_add(first), reduce_add(second)


@kernel
def scale_pieces(
    x: Floats, span: Span, line: tuple[Any, Any], residual: Floats, relu: bool, y: Floats, width: int
) -> None:
    """Compute ``y = line[0] * x + line[1] + residual`` (no residual if it is empty), and rectify it; NaN stays NaN."""
    literally(width)
    one, shift = x.dtype.type(1), full(line[1], width)
    for i in range(span[0], span[1], width):
        result = fma(shift, line[0], load(x, i, width))
        if residual.size:
            result = fma(result, one, load(residual, i, width))
        if relu:
            result = where_positive(result, result)
        store(y, i, result)


@kernel
def gradient_sum_pieces(x: Floats, span: Span, mean: Any, gate: Gate, dy: Floats, width: int) -> tuple[float, float]:
    """Sum g and ``(x - mean) * g``, in `width` lanes; g is what the gate lets pass of `dy`."""
    literally(width)
    z, line = gate
    one, minus, cut = x.dtype.type(1), full(-mean, width), full(line[1], width)
    first = second = full(x.dtype.type(0), width)
    for i in range(span[0], span[1], width):
        g = where_positive(fma(cut, line[0], load(z, i, width)), load(dy, i, width))
        first, second = fma(first, one, g), fma(second, fma(minus, one, load(x, i, width)), g)
    return reduce_add(first), reduce_add(second)


@kernel
def gradient_pieces(
    x: Floats,
    span: Span,
    coefficients: Coefficients,
    gate: Gate,
    dy: Floats,
    passed: Floats,
    dx: Floats,
    width: int,
) -> None:
    """Compute `dx` from its coefficients, and store g in `passed` unless that is empty."""
    literally(width)
    mean, constant, of_x, of_g = coefficients
    z, line = gate
    one, minus, cut = x.dtype.type(1), full(-mean, width), full(line[1], width)
    start = full(constant, width)
    for i in range(span[0], span[1], width):
        g = where_positive(fma(cut, line[0], load(z, i, width)), load(dy, i, width))
        if passed.size:
            store(passed, i, g)
        result = fma(start, of_x, fma(minus, one, load(x, i, width)))
        store(dx, i, fma(result, of_g, g))


@kernel
def batch_norm(
    x: Floats, channels: Channels, training: bool, eps: float, residual: Floats, relu: bool, line: Floats, y: Floats
) -> None:
    """Compute ``y = relu(weight * (x - mean) / sqrt(var + eps) + bias + residual)``.

    Parameters
    ----------
    x, y : (C, M) float
        The values of each channel, and the result.
    channels : Channels
        Weight, bias and moments; the moments are a result if `training`.
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
    weight, bias, mean, var = channels
    C, M = x.shape
    flat, added, out = x.reshape(-1), residual.reshape(-1), y.reshape(-1)
    for c in range(C):
        vectors, rest = spans(c, M)
        if training:
            zero = x.dtype.type(0)
            mean[c] = (moment_pieces(flat, vectors, zero, LANES)[0] + moment_pieces(flat, rest, zero, 1)[0]) / M
            var[c] = (moment_pieces(flat, vectors, mean[c], LANES)[1] + moment_pieces(flat, rest, mean[c], 1)[1]) / M
        line[0, c] = weight[c] / np.sqrt(var[c] + x.dtype.type(eps))
        line[1, c] = bias[c] - mean[c] * line[0, c]
        scale_pieces(flat, vectors, (line[0, c], line[1, c]), added, relu, out, LANES)
        scale_pieces(flat, rest, (line[0, c], line[1, c]), added, relu, out, 1)


@kernel
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
    """Compute the derivatives of `batch_norm` in training, where the moments depend on x too.

    With xhat = (x - mean) * rstd, rstd = 1 / sqrt(var + eps), and g what the ReLU lets pass,
    ``dx = weight * rstd * (g - average(g) - xhat * average(g * xhat))`` (Ioffe and Szegedy 2015, section 3).

    Parameters
    ----------
    x, dy, dx : (C, M) float
        Input, gradient of the output, gradient of the input (a result).
    gate : Gate
        Where the ReLU lets nothing pass.
    weight : (C,) float
        The scale of each channel.
    moments : tuple of (C,) float
        mean and rstd.
    passed : (C, M) or (C, 0) float
        The result: g, which is the gradient of the residual, if somebody wants to know.
    dparameters : (2, C) float
        The result: the gradients of weight and bias.
    """
    mean, rstd = moments
    C, M = x.shape
    flat, z, grad = x.reshape(-1), gate.z.reshape(-1), dy.reshape(-1)
    out, kept, size = dx.reshape(-1), passed.reshape(-1), x.dtype.type(M)
    for c in range(C):
        vectors, rest = spans(c, M)
        relu = Gate(z, (gate.line[0, c], gate.line[1, c]))
        sum_a, dot_a = gradient_sum_pieces(flat, vectors, mean[c], relu, grad, LANES)
        sum_b, dot_b = gradient_sum_pieces(flat, rest, mean[c], relu, grad, 1)
        dparameters[0, c], dparameters[1, c] = (dot_a + dot_b) * rstd[c], sum_a + sum_b
        scale = weight[c] * rstd[c]
        constant, of_x = -scale * dparameters[1, c] / size, -scale * dparameters[0, c] * rstd[c] / size
        coefficients = Coefficients(mean[c], constant, of_x, scale)
        gradient_pieces(flat, vectors, coefficients, relu, grad, kept, out, LANES)
        gradient_pieces(flat, rest, coefficients, relu, grad, kept, out, 1)
