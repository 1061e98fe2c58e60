"""Max pooling, forward and backward: loops over the samples, without branches.

The innermost loop runs over the batch, which is contiguous, and chooses between two values instead of branching. LLVM
turns it into SIMD instructions (it vectorises the loop) without our help.
"""

from __future__ import annotations

import numpy as np

from minizerofl.kernels.jit import kernel
from minizerofl.kernels.types import Bytes, Floats

__all__ = ["max_pool", "max_pool_2x2", "max_pool_2x2_gradient", "max_pool_gradient"]


@kernel
def max_pool(x: Floats, size: int, stride: int, y: Floats, argmax: Bytes) -> None:
    """Take the largest value of each window; the first one wins a tie, and NaN wins over everything.

    Parameters
    ----------
    x : (C, H, W, N) float
        The images.
    size, stride : int
        Side and step of the square window, in pixels.
    y : (C, OH, OW, N) float
        The result.
    argmax : (C, OH, OW, N) uint8
        The result: which of the size * size pixels was the largest.
    """
    C, OH, OW, N = y.shape
    for c in range(C):
        for i in range(OH):
            for j in range(OW):
                best, where = y[c, i, j], argmax[c, i, j]
                best[:] = x[c, i * stride, j * stride]
                where[:] = 0
                for tap in range(1, size * size):
                    pixel = x[c, i * stride + tap // size, j * stride + tap % size]
                    for n in range(N):  # A choice between two values, not a branch: this vectorises.
                        larger = pixel[n] > best[n] or pixel[n] != pixel[n]
                        best[n] = pixel[n] if larger else best[n]
                        where[n] = np.uint8(tap) if larger else where[n]


@kernel
def max_pool_2x2(x: Floats, stride: int, y: Floats, argmax: Bytes) -> None:
    """Take the largest of each four pixels: the loop over taps is unrolled, so each pixel is read once and kept.

    Parameters are as in `max_pool`, with ``size = 2``.
    """
    C, OH, OW, N = y.shape
    H, W = x.shape[1:3]
    pixels, best, where = x.reshape(-1), y.reshape(-1), argmax.reshape(-1)
    at = 0
    for c in range(C):
        for i in range(OH):
            for j in range(OW):
                upper = ((c * H + i * stride) * W + j * stride) * N
                lower = upper + W * N
                a, b = pixels[upper : upper + N], pixels[upper + N : upper + 2 * N]
                d, e = pixels[lower : lower + N], pixels[lower + N : lower + 2 * N]
                result, tap = best[at : at + N], where[at : at + N]
                for n in range(N):
                    larger = b[n] > a[n] or b[n] != b[n]
                    first, left = b[n] if larger else a[n], np.uint8(larger)
                    larger = d[n] > first or d[n] != d[n]
                    first, left = d[n] if larger else first, np.uint8(2) if larger else left
                    larger = e[n] > first or e[n] != e[n]
                    result[n], tap[n] = e[n] if larger else first, np.uint8(3) if larger else left
                at += N


@kernel
def max_pool_2x2_gradient(dy: Floats, argmax: Bytes, dx: Floats) -> None:
    """Compute `max_pool_gradient` for windows of four pixels that do not overlap: each pixel is written once.

    Where an image has an odd side, its last pixels belong to no window; `dx` must hold zeros there.
    """
    C, OH, OW, N = dy.shape
    H, W = dx.shape[1:3]
    pixels, grad, where = dx.reshape(-1), dy.reshape(-1), argmax.reshape(-1)
    zero = dy.dtype.type(0)
    at = 0
    for c in range(C):
        for i in range(OH):
            for j in range(OW):
                upper = ((c * H + 2 * i) * W + 2 * j) * N
                lower = upper + W * N
                a, b = pixels[upper : upper + N], pixels[upper + N : upper + 2 * N]
                d, e = pixels[lower : lower + N], pixels[lower + N : lower + 2 * N]
                g, tap = grad[at : at + N], where[at : at + N]
                for n in range(N):
                    a[n] = g[n] if tap[n] == 0 else zero
                    b[n] = g[n] if tap[n] == 1 else zero
                    d[n] = g[n] if tap[n] == 2 else zero
                    e[n] = g[n] if tap[n] == 3 else zero
                at += N


@kernel
def max_pool_gradient(dy: Floats, argmax: Bytes, size: int, stride: int, dx: Floats) -> None:
    """Send each gradient back to the pixel that was the largest.

    Parameters
    ----------
    dy : (C, OH, OW, N) float
        The output gradient.
    argmax : (C, OH, OW, N) uint8
        What `max_pool` found.
    size, stride : int
        As in `max_pool`.
    dx : (C, H, W, N) float
        The result; it must hold zeros at the start.
    """
    C, OH, OW, N = dy.shape
    for c in range(C):
        for i in range(OH):
            for j in range(OW):
                grad, where = dy[c, i, j], argmax[c, i, j]
                for tap in range(size * size):
                    pixel = dx[c, i * stride + tap // size, j * stride + tap % size]
                    for n in range(N):
                        pixel[n] += grad[n] if where[n] == tap else dy.dtype.type(0)
