"""Dense 2-D convolution through matrix products.

Copying the KH*KW shifted images below each other turns a convolution into one product, W^T (OC, IC*KH*KW) by patches
(IC*KH*KW, pixels); this is "im2col". It is done for a few output rows at a time: so the patches stay in the cache, and
the whole patch matrix, KH*KW times as large as the image, is never made.

Weights have the shape (IC, KH, KW, OC), inputs first, outputs last: as a matrix they have a row for each row of the
patches.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from minizerofl.autograd.op import Node, Op, Products
from minizerofl.autograd.ops.window import Window, windows, write_padded
from minizerofl.autograd.tensor import Array, Tensor

BLOCK_BYTES = 4 * 2**20  # size of the patches made at a time; at least those of one output row


def convolve(x: Array, w: Array, down: Window, across: Window) -> Array:
    """Compute y = W^T patches, a block of output rows at a time: (IC, H, W, N), (IC, KH, KW, OC) -> (OC, OH, OW, N)."""
    OC, N = w.shape[3], x.shape[3]
    y = np.empty((OC, down.out, across.out, N), x.dtype)
    w2, y2 = w.reshape(-1, OC), y.reshape(OC, -1)  # (IC*KH*KW, OC), (OC, OH*OW*N)
    for first, last in _blocks(x.shape, x.itemsize, down, across):
        pixels = slice(first * across.out * N, last * across.out * N)
        np.matmul(w2.T, _patches(x, down, across, first, last), out=y2[:, pixels])
    return y


def input_gradient(dy: Array, w: Array, down: Window, across: Window) -> Array:
    """Compute dX: W dY is the gradient of the patches, and each entry is added to the pixel that it was copied from."""
    IC, _, _, OC = w.shape
    dx = np.zeros((IC, down.size, across.size, dy.shape[3]), dy.dtype)
    w2, dy2 = w.reshape(-1, OC), np.ascontiguousarray(dy).reshape(OC, -1)
    for first, last in _blocks(dx.shape, dx.itemsize, down, across):
        pixels = slice(first * across.out * dy.shape[3], last * across.out * dy.shape[3])
        _add_patches(dx, w2 @ dy2[:, pixels], down, across, first, last)
    return dx


def weight_gradient(dy: Array, x: Array, down: Window, across: Window) -> Array:
    """Compute dW = patches dY^T: (OC, OH, OW, N), (IC, H, W, N) -> (IC, KH, KW, OC)."""
    (OC, *_), (IC, _, _, N) = dy.shape, x.shape
    dw = np.zeros((IC * down.kernel * across.kernel, OC), x.dtype)
    dy2 = np.ascontiguousarray(dy).reshape(OC, -1)
    for first, last in _blocks(x.shape, x.itemsize, down, across):
        pixels = slice(first * across.out * N, last * across.out * N)
        dw += _patches(x, down, across, first, last) @ dy2[:, pixels].T
    return dw.reshape(IC, down.kernel, across.kernel, OC)


def bias_gradient(dy: Array) -> Array:
    """Compute db, the sum over all pixels and samples: (OC, OH, OW, N) -> (OC,)."""
    db: Array = np.ascontiguousarray(dy).reshape(dy.shape[0], -1).sum(axis=1)
    return db


class Conv2d(Op):
    """``y[o, i, j, n] = b[o] + sum over c, p, q of w[c, p, q, o] * x[c, i*S + p - P, j*S + q - P, n]``.

    As a product: y = W^T patches, dW = patches dY^T, d(patches) = W dY.
    """

    name = "conv2d"

    @staticmethod
    def forward(node: Node, x: Array, w: Array, b: Array | None, stride: int, padding: int) -> Array:
        down, across = windows(x, w, b, stride, padding)
        node.save(x, w, down, across)
        y = convolve(x, w, down, across)
        if b is not None:
            y += b[:, None, None, None]
        return y

    @staticmethod
    def backward(node: Node, grad: Array) -> tuple[Array | None, Array | None, Array | None]:
        x, w, down, across = node.saved
        wants_x, wants_w, wants_b = node.needs_grad
        dx = input_gradient(grad, w, down, across) if wants_x else None
        dw = weight_gradient(grad, x, down, across) if wants_w else None
        return dx, dw, bias_gradient(grad) if wants_b else None

    @staticmethod
    def macs(node: Node, out: tuple[int, ...]) -> Products:
        """Each weight meets each output pixel once, in all three products."""
        _, w, _, _ = node.saved
        macs = w.size * math.prod(out[1:])
        return Products(macs, macs, macs, macs)


def _blocks(x_shape: tuple[int, ...], itemsize: int, down: Window, across: Window) -> Iterator[tuple[int, int]]:
    """Cut the output rows into blocks whose patches take about BLOCK_BYTES."""
    if _is_pointwise(down, across):
        return iter([(0, down.out)])
    row_bytes = x_shape[0] * down.kernel * across.kernel * across.out * x_shape[3] * itemsize
    step = max(1, BLOCK_BYTES // row_bytes)
    return ((first, min(first + step, down.out)) for first in range(0, down.out, step))


def _is_pointwise(down: Window, across: Window) -> bool:
    return (down.kernel, across.kernel, down.stride, down.padding) == (1, 1, 1, 0)


def _patches(x: Array, down: Window, across: Window, first: int, last: int) -> Array:
    """Copy what each tap sees from the output rows [first, last): (IC, H, W, N) -> (IC*KH*KW, (last - first)*OW*N)."""
    C, N = x.shape[0], x.shape[3]
    if _is_pointwise(down, across):
        return x.reshape(C, -1)  # one block, and the patches are the image itself
    patches = np.empty((C, down.kernel, across.kernel, last - first, across.out, N), x.dtype)
    for p, q in np.ndindex(down.kernel, across.kernel):
        (i, h), (j, w) = down.overlap(p, first, last), across.overlap(q, 0, across.out)
        write_padded(x[:, h, w], i, j, patches[:, p, q])
    return patches.reshape(C * down.kernel * across.kernel, -1)


def _add_patches(dx: Array, patches: Array, down: Window, across: Window, first: int, last: int) -> None:
    """Add each entry of the patches to the pixel it was copied from (the adjoint of `_patches`)."""
    C, _, _, N = dx.shape
    taps = patches.reshape(C, down.kernel, across.kernel, last - first, across.out, N)
    for p, q in np.ndindex(down.kernel, across.kernel):
        (i, h), (j, w) = down.overlap(p, first, last), across.overlap(q, 0, across.out)
        dx[:, h, w] += taps[:, p, q, i, j]


def conv2d(x: object, w: object, b: object = None, stride: int = 1, padding: int = 0) -> Tensor:
    """Convolve images with filters (in the field's sense: a cross-correlation).

    Parameters
    ----------
    x : (IC, H, W, N) Tensor
        Images, batch last.
    w : (IC, KH, KW, OC) Tensor
        Filters, outputs last.
    b : (OC,) Tensor, optional
        Bias.
    stride, padding : int
        Step of the filter and zeros at each border, in pixels, along both axes.

    Returns
    -------
    (OC, OH, OW, N) Tensor
        With OH = (H + 2 padding - KH) // stride + 1.

    Raises
    ------
    ValueError
        A shape, the stride or the padding does not fit.

    Examples
    --------
    >>> conv2d(np.ones((1, 3, 3, 1), np.float32), np.ones((1, 2, 2, 1), np.float32)).data[0, :, :, 0]
    array([[4., 4.],
           [4., 4.]], dtype=float32)
    """
    return Conv2d.apply(x, w, b, stride=stride, padding=padding)
