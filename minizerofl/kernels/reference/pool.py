"""The reference kernels of `minizerofl.kernels.pool`."""

from __future__ import annotations

import numpy as np

from minizerofl.kernels.types import Bytes, Floats


def max_pool(x: Floats, size: int, stride: int, y: Floats, argmax: Bytes) -> None:
    """Take the largest value of each window; the first one wins a tie."""
    for c, i, j, n in np.ndindex(y.shape):
        window = x[c, i * stride : i * stride + size, j * stride : j * stride + size, n].reshape(-1)
        argmax[c, i, j, n] = np.argmax(window)
        y[c, i, j, n] = window[argmax[c, i, j, n]]


def max_pool_2x2(x: Floats, stride: int, y: Floats, argmax: Bytes) -> None:
    """Take the largest value of each window of four pixels."""
    max_pool(x, 2, stride, y, argmax)


def max_pool_2x2_gradient(dy: Floats, argmax: Bytes, dx: Floats) -> None:
    """Send each gradient back to the largest of its four pixels."""
    max_pool_gradient(dy, argmax, 2, 2, dx)


def max_pool_gradient(dy: Floats, argmax: Bytes, size: int, stride: int, dx: Floats) -> None:
    """Send each gradient back to the pixel that was the largest."""
    for c, i, j, n in np.ndindex(dy.shape):
        p, q = divmod(int(argmax[c, i, j, n]), size)
        dx[c, i * stride + p, j * stride + q, n] += dy[c, i, j, n]
