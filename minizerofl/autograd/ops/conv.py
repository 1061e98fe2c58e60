"""Dense 2-D convolution through matrix products.

Copying the KH*KW shifted images below each other turns a convolution into one product, W^T (OC, IC*KH*KW) by patches
(IC*KH*KW, pixels); this is "im2col". Done for a few output rows at a time, the patches never leave the cache, and the
whole patch matrix, nine times the image, is never made.

Weights lie as (IC, KH, KW, OC), inputs first, outputs last: as a matrix they have a row for each row of the patches.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from minizerofl.autograd.op import Context, Op
from minizerofl.autograd.ops.window import Window, place
from minizerofl.autograd.tensor import Array, Tensor

BLOCK_BYTES = 4 * 2**20  # patches made at a time, at least those of one output row


def windows(x: Array, w: Array, b: Array | None, stride: int, padding: int) -> tuple[Window, Window]:
    """Check the shapes of a convolution and return its windows along H and W.

    Raises
    ------
    ValueError
        A rank, a channel count or the size of the image does not fit.
    """
    if x.ndim != 4 or w.ndim != 4:
        raise ValueError(f"expected x (C, H, W, N) and w (IC, KH, KW, OC), got {x.ndim} and {w.ndim} axes")
    if x.shape[0] != w.shape[0]:
        raise ValueError(f"x has {x.shape[0]} channels, but w expects {w.shape[0]}")
    if b is not None and b.shape != w.shape[3:]:
        raise ValueError(f"b has shape {b.shape}, expected {w.shape[3:]}, one number for each output channel")
    return Window(x.shape[1], w.shape[1], stride, padding), Window(x.shape[2], w.shape[2], stride, padding)


class Conv2d(Op):
    """``y[o, i, j, n] = b[o] + sum over c, p, q of w[c, p, q, o] * x[c, i*S + p - P, j*S + q - P, n]``."""

    name = "conv2d"

    @staticmethod
    def forward(ctx: Context, x: Array, w: Array, b: Array | None, stride: int, padding: int) -> Array:
        """Multiply the weights by the patches, block by block."""
        rows, cols = windows(x, w, b, stride, padding)
        ctx.save(x, w, rows, cols)
        OC, N = w.shape[3], x.shape[3]
        y = np.empty((OC, rows.out, cols.out, N), x.dtype)
        w2, y2 = w.reshape(-1, OC), y.reshape(OC, -1)  # (IC*KH*KW, OC), (OC, Ho*Wo*N)
        for first, last in _blocks(x, rows, cols):
            pixels = slice(first * cols.out * N, last * cols.out * N)
            np.matmul(w2.T, _patches(x, rows, cols, first, last), out=y2[:, pixels])
        if b is not None:
            y2 += b[:, None]
        return y

    @staticmethod
    def backward(ctx: Context, grad: Array) -> tuple[Array | None, Array | None, Array | None]:
        """Derive the product: dW = patches dY^T; d(patches) = W dY, added back to where each patch came from."""
        x, w, rows, cols = ctx.saved
        OC, N = w.shape[3], x.shape[3]
        dy2, w2 = np.ascontiguousarray(grad).reshape(OC, -1), w.reshape(-1, OC)
        dx = np.zeros_like(x) if ctx.needs_grad[0] else None
        dw = np.zeros_like(w2) if ctx.needs_grad[1] else None
        for first, last in _blocks(x, rows, cols):
            dy = dy2[:, first * cols.out * N : last * cols.out * N]
            if dw is not None:
                dw += _patches(x, rows, cols, first, last) @ dy.T
            if dx is not None:
                _add_patches(dx, w2 @ dy, rows, cols, first, last)
        db = dy2.sum(axis=1) if len(ctx.needs_grad) > 2 and ctx.needs_grad[2] else None
        return dx, None if dw is None else dw.reshape(w.shape), db


def _blocks(x: Array, rows: Window, cols: Window) -> Iterator[tuple[int, int]]:
    """Cut the output rows into blocks whose patches take about BLOCK_BYTES."""
    if _is_pointwise(rows, cols):
        return iter([(0, rows.out)])
    row_bytes = x.shape[0] * rows.kernel * cols.kernel * cols.out * x.shape[3] * x.itemsize
    step = max(1, BLOCK_BYTES // row_bytes)
    return ((first, min(first + step, rows.out)) for first in range(0, rows.out, step))


def _is_pointwise(rows: Window, cols: Window) -> bool:
    return (rows.kernel, cols.kernel, rows.stride, rows.padding) == (1, 1, 1, 0)


def _patches(x: Array, rows: Window, cols: Window, first: int, last: int) -> Array:
    """Copy what each tap sees from the output rows [first, last): (IC, H, W, N) -> (IC*KH*KW, (last - first)*Wo*N)."""
    C, N = x.shape[0], x.shape[3]
    if _is_pointwise(rows, cols):
        return x.reshape(C, -1)  # one block, and the patches are the image itself
    patches = np.empty((C, rows.kernel, cols.kernel, last - first, cols.out, N), x.dtype)
    for p, q in np.ndindex(rows.kernel, cols.kernel):
        (i, h), (j, w) = rows.overlap(p, first, last), cols.overlap(q, 0, cols.out)
        place(x[:, h, w], i, j, patches[:, p, q])
    return patches.reshape(C * rows.kernel * cols.kernel, -1)


def _add_patches(dx: Array, patches: Array, rows: Window, cols: Window, first: int, last: int) -> None:
    """Add each entry of the patches to the pixel it was copied from (the adjoint of `_patches`)."""
    C, _, _, N = dx.shape
    taps = patches.reshape(C, rows.kernel, cols.kernel, last - first, cols.out, N)
    for p, q in np.ndindex(rows.kernel, cols.kernel):
        (i, h), (j, w) = rows.overlap(p, first, last), cols.overlap(q, 0, cols.out)
        dx[:, h, w] += taps[:, p, q, i, j]


def conv2d(x: object, w: object, b: object = None, stride: int = 1, padding: int = 0) -> Tensor:
    """Convolve images with filters (in the field's sense: a cross-correlation).

    Parameters
    ----------
    x : (C, H, W, N) Tensor
        Images, batch last.
    w : (C, KH, KW, OC) Tensor
        Filters, outputs last.
    b : (OC,) Tensor, optional
        Bias.
    stride, padding : int
        Step of the filter and zeros at each border, in pixels, along both axes.

    Returns
    -------
    (OC, Ho, Wo, N) Tensor
        With Ho = (H + 2 padding - KH) // stride + 1.

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
