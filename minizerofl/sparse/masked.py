"""The dense path of SWAT: the same masks as the sparse path, but dense products with zeros in them.

Where many weights are kept, BLAS multiplies by zeros faster than a sparse kernel can leave them out. Forward product
and input gradient are those of the dense op on W_top, the weight gradient is its on x_top; the two paths differ only in
the order in which they add.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from minizerofl.autograd.op import Context, Op
from minizerofl.autograd.ops.conv import Conv2d
from minizerofl.autograd.ops.linear import Linear
from minizerofl.autograd.rowsparse import RowSparse
from minizerofl.autograd.tensor import Array
from minizerofl.sparse.selection import count_kept, top_k


class Masked(Op):
    """A dense op on masked weights; a subclass says which."""

    dense: ClassVar[type[Op]]

    @classmethod
    def forward(
        cls,
        ctx: Context,
        x: Array,
        w: Array,
        b: Array | None,
        sparsity: float,
        activation_sparsity: float,
        **where: Any,
    ) -> Array:
        """Run the dense op on the largest weights; keep the largest activations."""
        inner = Context(cls.dense, ctx.inputs, recording=False)
        inner.needs_grad = ctx.needs_grad
        y = cls.dense.forward(inner, x, masked(w, count_kept(w.size, sparsity)), b, **where)
        if any(ctx.needs_grad):
            ctx.save(inner, masked(x, count_kept(x.size, activation_sparsity)))
        return y

    @classmethod
    def backward(cls, ctx: Context, grad: Array) -> tuple[Array | RowSparse | None, ...]:
        """Run the dense op's backward pass twice: for dX with W_top, for dW with x_top in the place of x."""
        inner, x_top = ctx.saved
        wants_x, wants_w, wants_b = ctx.needs_grad
        _, w_top, *where = inner.saved
        inner.needs_grad = (wants_x, False, wants_b)
        dx, _, db = cls.dense.backward(inner, grad)
        dw = None
        if wants_w:
            inner.needs_grad = (False, True, False)
            inner.save(x_top, w_top, *where)
            _, dw, _ = cls.dense.backward(inner, grad)
        return dx, dw, db


class MaskedConv2d(Masked):
    """The dense path of the sparse convolution."""

    name = "sparse_conv2d"
    dense = Conv2d


class MaskedLinear(Masked):
    """The dense path of the sparse linear layer."""

    name = "sparse_linear"
    dense = Linear


def masked(a: Array, k: int) -> Array:
    """Set all but the k entries of largest magnitude to zero, in a copy.

    Examples
    --------
    >>> masked(np.array([[1.0, -3.0], [2.0, 0.5]]), 2)
    array([[ 0., -3.],
           [ 2.,  0.]])
    """
    kept = top_k(a, k)
    result = np.zeros(a.size, a.dtype)
    result[kept] = a.reshape(-1)[kept]
    return result.reshape(a.shape)
