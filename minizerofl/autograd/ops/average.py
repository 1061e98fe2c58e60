"""Average pooling: over a sliding window, and over the whole image."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from minizerofl.autograd.op import Node, Op
from minizerofl.autograd.ops.reductions import mean
from minizerofl.autograd.sums import PLAIN
from minizerofl.autograd.tensor import Array, Tensor

Pair = int | tuple[int, int]


class AvgPool2d(Op):
    """The mean of each window; a pixel gets an equal share of the gradient of each window that it lies in."""

    name = "avg_pool2d"

    @staticmethod
    def forward(node: Node, x: Array, kernel: tuple[int, int], stride: tuple[int, int]) -> Array:
        """Add up the image shifted by every position in the window, and divide once."""
        if x.ndim != 4:
            raise ValueError(f"x has shape {x.shape}, expected (C, H, W, N): images with the batch last")
        C, H, W, N = x.shape
        out = ((H - kernel[0]) // stride[0] + 1, (W - kernel[1]) // stride[1] + 1)
        if min(out) < 1:
            raise ValueError(f"the window {kernel} does not fit into images of {H} x {W}")
        node.save(x.shape, kernel, stride)
        wider = np.float64 if math.prod(kernel) > PLAIN else x.dtype
        y = np.zeros((C, *out, N), wider)  # (C, H, W, N) -> (C, OH, OW, N)
        for tap in _taps(kernel, stride, out):
            y += x[tap]
        y /= math.prod(kernel)
        return y.astype(x.dtype, copy=False)

    @staticmethod
    def backward(node: Node, grad: Array) -> tuple[Array]:
        shape, kernel, stride = node.saved
        dx = np.zeros(shape, grad.dtype)
        share = grad / (kernel[0] * kernel[1])
        for tap in _taps(kernel, stride, grad.shape[1:3]):
            dx[tap] += share
        return (dx,)


def _taps(kernel: tuple[int, int], stride: tuple[int, int], out: tuple[int, ...]) -> Iterator[tuple[Any, ...]]:
    """For each position in the window, yield the index of the pixels that it meets as the window moves."""
    for i in range(kernel[0]):
        for j in range(kernel[1]):
            rows = slice(i, i + stride[0] * (out[0] - 1) + 1, stride[0])
            columns = slice(j, j + stride[1] * (out[1] - 1) + 1, stride[1])
            yield slice(None), rows, columns


def _pair(name: str, value: Pair) -> tuple[int, int]:
    pair = (value, value) if isinstance(value, int | np.integer) else tuple(value)
    if len(pair) != 2 or any(n < 1 for n in pair):
        raise ValueError(f"avg_pool2d: {name} is {value}, expected a positive integer or a pair of them")
    return int(pair[0]), int(pair[1])


def avg_pool2d(x: object, kernel_size: Pair, stride: Pair | None = None) -> Tensor:
    """Average over a window that moves over each image, and never past its border.

    Parameters
    ----------
    x : (C, H, W, N) Tensor
        Images, batch last.
    kernel_size : int or (int, int)
        Height and width of the window, in pixels.
    stride : int or (int, int), optional
        The step of the window; by default its size, so that windows do not overlap.

    Returns
    -------
    (C, OH, OW, N) Tensor
        The means, with OH = (H - KH) // SH + 1 and OW = (W - KW) // SW + 1.

    Raises
    ------
    ValueError
        `x` is not a batch of images, a size or step is not positive, or the window is larger than the image.

    Examples
    --------
    >>> avg_pool2d(Tensor(np.arange(4.0).reshape(1, 2, 2, 1)), 2).data
    array([[[[1.5]]]])
    """
    kernel = _pair("kernel_size", kernel_size)
    return AvgPool2d.apply(x, kernel=kernel, stride=kernel if stride is None else _pair("stride", stride))


def global_avg_pool(x: object) -> Tensor:
    """Average each channel over its whole image: (C, H, W, N) -> (C, N).

    Raises
    ------
    ValueError
        `x` is not a batch of images.

    Examples
    --------
    >>> global_avg_pool(Tensor(np.ones((3, 8, 8, 2), np.float32))).shape
    (3, 2)
    """
    images = x if isinstance(x, Tensor) else Tensor(x)
    if images.ndim != 4:
        raise ValueError(f"global_avg_pool: x has shape {images.shape}, expected (C, H, W, N), batch last")
    return mean(images, axis=(1, 2))  # (C, H, W, N) -> (C, N)
