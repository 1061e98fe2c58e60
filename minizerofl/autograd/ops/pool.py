"""Max pooling."""

from __future__ import annotations

import numpy as np

from minizerofl.autograd.op import Node, Op
from minizerofl.autograd.ops.window import Window
from minizerofl.autograd.tensor import Array, Tensor
from minizerofl.kernels import pool


class MaxPool2d(Op):
    """The largest value of each square window; its gradient goes to the pixel that it came from."""

    name = "max_pool2d"

    @staticmethod
    def forward(node: Node, x: Array, kernel_size: int, stride: int) -> Array:
        """Take the maxima, and remember where they were."""
        if x.ndim != 4:
            raise ValueError(f"expected x (C, H, W, N), got {x.ndim} axes")
        if kernel_size > 15:
            raise ValueError(
                f"kernel_size is {kernel_size}, expected at most 15 (the position in a window is stored in one byte)"
            )
        C, H, W, N = x.shape
        down, across = (Window(size, kernel_size, stride, padding=0) for size in (H, W))
        y = np.empty((C, down.out, across.out, N), x.dtype)
        argmax = np.empty(y.shape, np.uint8)
        if kernel_size == 2:
            pool.max_pool_2x2(np.ascontiguousarray(x), stride, y, argmax)
        else:
            pool.max_pool(np.ascontiguousarray(x), kernel_size, stride, y, argmax)
        node.save(argmax, x.shape, kernel_size, stride)
        return y

    @staticmethod
    def backward(node: Node, grad: Array) -> tuple[Array]:
        argmax, shape, kernel_size, stride = node.saved
        dx = np.zeros(shape, grad.dtype)
        if kernel_size == stride == 2:
            pool.max_pool_2x2_gradient(np.ascontiguousarray(grad), argmax, dx)
        else:
            pool.max_pool_gradient(np.ascontiguousarray(grad), argmax, kernel_size, stride, dx)
        return (dx,)


def max_pool2d(x: object, kernel_size: int, stride: int | None = None) -> Tensor:
    """Take the largest value of each square window of an image.

    Parameters
    ----------
    x : (C, H, W, N) Tensor
        Images, batch last.
    kernel_size : int
        Side of the window in pixels, at most 15.
    stride : int, optional
        Step of the window, by default its side. Pixels left over at the lower and right border are ignored.

    Returns
    -------
    (C, OH, OW, N) Tensor
        With OH = (H - kernel_size) // stride + 1. The first of equal values takes the gradient.

    Raises
    ------
    ValueError
        The rank does not fit, or the window is larger than the image.

    Examples
    --------
    >>> x = np.arange(4, dtype=np.float32).reshape(1, 2, 2, 1)
    >>> max_pool2d(x, 2).data.item()
    3.0
    """
    return MaxPool2d.apply(x, kernel_size=kernel_size, stride=kernel_size if stride is None else stride)
