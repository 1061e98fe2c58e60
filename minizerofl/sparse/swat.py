"""SWAT, written down (Raihan and Aamodt, NeurIPS 2020, algorithm 1; ZeroFL, section 3.1, equations 1 and 2).

=========  =====================================  ==============================
forward    y = f(x, W_top)                        W_top: the weights that take part
backward   dX = f_backward_input(dY, W_top)       the same weights
backward   dW = f_backward_weight(dY, x_top)      x_top: the largest activations
=========  =====================================  ==============================

dY is never made sparse. So every weight is updated, also one that did not take part; the master weights stay dense, and
W_top may change at any step. dW is not the derivative of the forward pass, but that of ``f(x_top, W)``.

Here the entries that are left out are zeros in dense arrays. This file is the definition, the dense path of the layers,
and what tests compare `minizerofl.sparse.fast` with, which computes the three products from the kept entries only.
"""

from __future__ import annotations

import math

import numpy as np

from minizerofl.autograd.op import Node, Op, Products
from minizerofl.autograd.ops.conv import bias_gradient, convolve, input_gradient, weight_gradient
from minizerofl.autograd.ops.linear import check_linear
from minizerofl.autograd.ops.window import count_taps, windows
from minizerofl.autograd.sums import accurate_sum
from minizerofl.autograd.tensor import Array
from minizerofl.sparse.selection import keep_largest


class SwatLinear(Op):
    """The linear layer of SWAT on dense arrays. `w_mask` is True where a weight takes part; k activations are kept."""

    name = "sparse_linear"

    @staticmethod
    def forward(node: Node, x: Array, w: Array, b: Array | None, w_mask: Array, k: int) -> Array:
        """Compute y = W_top^T x + b."""
        check_linear(x, w, b)
        w_top = np.where(w_mask, w, 0)
        node.save(keep_largest(x, k), w_top)
        y: Array = w_top.T @ x  # (out, in) @ (in, N) -> (out, N)
        return y if b is None else y + b[:, None]

    @staticmethod
    def backward(node: Node, grad: Array) -> tuple[Array | None, Array | None, Array | None]:
        """Compute dX = W_top dY, dW = x_top dY^T and db, the sum of dY over the batch."""
        x_top, w_top = node.saved
        wants_x, wants_w, wants_b = node.needs_grad
        dx = w_top @ grad if wants_x else None  # (in, out) @ (out, N) -> (in, N)
        dw = x_top @ grad.T if wants_w else None  # (in, N) @ (N, out) -> (in, out)
        return dx, dw, accurate_sum(grad, (1,)) if wants_b else None

    @staticmethod
    def macs(node: Node, out: tuple[int, ...]) -> Products:
        """Each weight of W_top meets each sample; each entry of x_top meets each output."""
        x_top, w_top = node.saved
        kept = int(np.count_nonzero(w_top)) * out[1]
        return Products(kept, kept, int(np.count_nonzero(x_top)) * out[0], w_top.size * out[1])


class SwatConv2d(Op):
    """The convolution of SWAT on dense arrays. `w_mask` is True where a weight takes part; k activations are kept."""

    name = "sparse_conv2d"

    @staticmethod
    def forward(
        node: Node, x: Array, w: Array, b: Array | None, w_mask: Array, k: int, stride: int, padding: int
    ) -> Array:
        """Convolve x with W_top."""
        down, across = windows(x, w, b, stride, padding)
        w_top = np.where(w_mask, w, 0)
        node.save(keep_largest(x, k), w_top, down, across)
        y = convolve(x, w_top, down, across)  # (IC, H, W, N), (IC, KH, KW, OC) -> (OC, OH, OW, N)
        return y if b is None else y + b[:, None, None, None]

    @staticmethod
    def backward(node: Node, grad: Array) -> tuple[Array | None, Array | None, Array | None]:
        """Compute dX from W_top and dW from x_top, as the dense convolution does from W and x."""
        x_top, w_top, down, across = node.saved
        wants_x, wants_w, wants_b = node.needs_grad
        dx = input_gradient(grad, w_top, down, across) if wants_x else None
        dw = weight_gradient(grad, x_top, down, across) if wants_w else None
        return dx, dw, bias_gradient(grad) if wants_b else None

    @staticmethod
    def macs(node: Node, out: tuple[int, ...]) -> Products:
        """Each weight of W_top meets each output pixel; each entry of x_top meets, for each tap, each output."""
        x_top, w_top, down, across = node.saved
        pixels, taps = math.prod(out[1:]), count_taps(np.flatnonzero(x_top), x_top.shape, down, across)
        kept = int(np.count_nonzero(w_top)) * pixels
        return Products(kept, kept, taps * out[0], w_top.size * pixels)
