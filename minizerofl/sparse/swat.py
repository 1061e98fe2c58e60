"""SWAT, written down (Raihan and Aamodt, NeurIPS 2020, algorithm 1; ZeroFL, section 3.1, equations 1 and 2).

=========  =====================================  ==============================
forward    y = f(x, W_top)                        W_top: the weights that take part
backward   dX = f_backward_input(dY, W_top)       the same weights
backward   dW = f_backward_weight(dY, x_top)      x_top: the largest activations
=========  =====================================  ==============================

dY is never made sparse. So every weight is updated, also one that did not take part; the master weights stay dense, and
W_top may change at any step. Where a rule fixes the mask, only the weights at its positions (`support`) are trained. dW
is not the derivative of the forward pass, but that of ``f(x_top, W)``.

Here the entries that are left out are zeros in dense arrays. This file is the definition, the dense path of the layers,
and what tests compare `minizerofl.sparse.fast` with, which computes the three products from the kept entries only.
"""

from __future__ import annotations

import math

import numpy as np

from minizerofl.autograd.op import Node, Op, Products
from minizerofl.autograd.ops.conv import bias_gradient, convolve, input_gradient, weight_gradient
from minizerofl.autograd.ops.linear import check_linear
from minizerofl.autograd.ops.window import Window, count_pairs, count_taps, windows
from minizerofl.autograd.rowsparse import Gradient, at_positions
from minizerofl.autograd.sums import accurate_sum
from minizerofl.autograd.tensor import Array
from minizerofl.sparse.selection import Positions, keep_largest

POINT = Window(1, 1, 1, 0)  # A linear layer is a convolution of one pixel.


class SwatLinear(Op):
    """The linear layer of SWAT on dense arrays. `w_mask` is True where a weight takes part; k activations are kept."""

    name = "sparse_linear"

    @staticmethod
    def forward(
        node: Node, x: Array, w: Array, b: Array | None, w_mask: Array, k: int, support: Positions | None = None
    ) -> Array:
        """Compute y = W_top^T x + b."""
        check_linear(x, w, b)
        w_top = np.where(w_mask, w, 0)
        node.save(keep_largest(x, k), w_top, support)
        y: Array = w_top.T @ x  # (out, in) @ (in, N) -> (out, N)
        return y if b is None else y + b[:, None]

    @staticmethod
    def backward(node: Node, grad: Array) -> tuple[Array | None, Gradient | None, Array | None]:
        """Compute dX = W_top dY, dW = x_top dY^T and db, the sum of dY over the batch."""
        x_top, w_top, support = node.saved
        wants_x, wants_w, wants_b = node.needs_grad
        dx = w_top @ grad if wants_x else None  # (in, out) @ (out, N) -> (in, N)
        dw = at_positions(x_top @ grad.T, support) if wants_w else None  # (in, N) @ (N, out) -> (in, out)
        return dx, dw, accurate_sum(grad, (1,)) if wants_b else None

    @staticmethod
    def macs(node: Node, out: tuple[int, ...]) -> Products:
        """Each weight of W_top meets each sample; each entry of x_top meets each output."""
        x_top, w_top, support = node.saved
        return count_linear(int(np.count_nonzero(w_top)), np.flatnonzero(x_top), support, w_top.shape, out[1])


class SwatConv2d(Op):
    """The convolution of SWAT on dense arrays. `w_mask` is True where a weight takes part; k activations are kept."""

    name = "sparse_conv2d"

    @staticmethod
    def forward(
        node: Node,
        x: Array,
        w: Array,
        b: Array | None,
        w_mask: Array,
        k: int,
        stride: int,
        padding: int,
        support: Positions | None = None,
    ) -> Array:
        """Convolve x with W_top."""
        down, across = windows(x, w, b, stride, padding)
        w_top = np.where(w_mask, w, 0)
        node.save(keep_largest(x, k), w_top, down, across, support)
        y = convolve(x, w_top, down, across)  # (IC, H, W, N), (IC, KH, KW, OC) -> (OC, OH, OW, N)
        return y if b is None else y + b[:, None, None, None]

    @staticmethod
    def backward(node: Node, grad: Array) -> tuple[Array | None, Gradient | None, Array | None]:
        """Compute dX from W_top and dW from x_top, as the dense convolution does from W and x."""
        x_top, w_top, down, across, support = node.saved
        wants_x, wants_w, wants_b = node.needs_grad
        dx = input_gradient(grad, w_top, down, across) if wants_x else None
        dw = at_positions(weight_gradient(grad, x_top, down, across), support) if wants_w else None
        return dx, dw, bias_gradient(grad) if wants_b else None

    @staticmethod
    def macs(node: Node, out: tuple[int, ...]) -> Products:
        """Each weight of W_top meets each output pixel; each entry of x_top meets, for each tap, each output."""
        x_top, w_top, down, across, support = node.saved
        shapes = x_top.shape, w_top.shape
        return count_conv2d(int(np.count_nonzero(w_top)), np.flatnonzero(x_top), support, shapes, (down, across), out)


def count_linear(kept: int, positions: Array, support: Positions | None, w_shape: tuple[int, int], N: int) -> Products:
    """Count the multiply-adds of a linear layer for N samples, see `count_conv2d`."""
    inputs, outputs = w_shape
    shapes = (inputs, 1, 1, N), (inputs, 1, 1, outputs)
    return count_conv2d(kept, positions, support, shapes, (POINT, POINT), (outputs, 1, 1, N))


def count_conv2d(
    kept: int,
    positions: Array,
    support: Positions | None,
    shapes: tuple[tuple[int, ...], tuple[int, ...]],
    windows: tuple[Window, Window],
    out: tuple[int, ...],
) -> Products:
    """Count the multiply-adds of a convolution.

    Parameters
    ----------
    kept : int
        The number of weights that take part: each meets each output pixel, forward and in dX.
    positions : (k,) int
        The kept activations, flat: in dW each meets all outputs, or the weights of `support` alone.
    support : (n,) int32 or None
        The positions of the only weights that are trained.
    shapes : pair of tuples
        Those of the input (IC, H, W, N) and of the weights (IC, KH, KW, OC).
    windows : (Window, Window)
        How the kernel moves down and across.
    out : tuple of int
        The shape of the result, (OC, OH, OW, N).
    """
    x_shape, w_shape = shapes
    if support is None:
        dw = count_taps(positions, x_shape, *windows) * w_shape[-1]
    else:
        dw = count_pairs(positions, x_shape, support, w_shape, *windows)
    pixels = math.prod(out[1:])
    return Products(kept * pixels, kept * pixels, dw, math.prod(w_shape) * pixels)
