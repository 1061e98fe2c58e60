"""Matrix products: matmul, and linear, the fully connected layer ``y = W^T x + b``."""

from __future__ import annotations

import numpy as np

from minizerofl.autograd.op import Node, Op, Products
from minizerofl.autograd.sums import accurate_sum
from minizerofl.autograd.tensor import Array, Tensor


class MatMul(Op):
    """``Y = A B``; dA = dY B^T, dB = A^T dY.

    The last two axes are matrices, the others broadcast; vectors are treated as in NumPy.
    """

    name = "matmul"

    @staticmethod
    def forward(node: Node, a: Array, b: Array) -> Array:
        node.save(a, b)
        product: Array = np.matmul(a, b)
        return product

    @staticmethod
    def backward(node: Node, grad: Array) -> tuple[Array | None, Array | None]:
        a, b = node.saved
        left = a if a.ndim > 1 else a[None, :]  # (k,) -> (1, k)
        right = b if b.ndim > 1 else b[:, None]  # (k,) -> (k, 1)
        if a.ndim == 1:
            grad = np.expand_dims(grad, -1 if b.ndim == 1 else -2)  # (..., n) -> (..., 1, n); () -> (1,)
        if b.ndim == 1:
            grad = grad[..., None]  # (..., m) -> (..., m, 1)
        da = db = None
        if node.needs_grad[0]:
            da = grad @ right.swapaxes(-1, -2)
            da = da if a.ndim > 1 else da[..., 0, :]  # (..., 1, k) -> (..., k)
        if node.needs_grad[1]:
            db = left.swapaxes(-1, -2) @ grad
            db = db if b.ndim > 1 else db[..., 0]  # (..., k, 1) -> (..., k)
        return da, db


class Linear(Op):
    """``y = W^T x + b``, a column for each sample; dX = W dY, dW = x dY^T, and db is the sum of dY over the batch."""

    name = "linear"

    @staticmethod
    def forward(node: Node, x: Array, w: Array, b: Array | None) -> Array:
        check_linear(x, w, b)
        node.save(x, w)
        y: Array = w.T @ x  # (out, in) @ (in, N) -> (out, N)
        if b is not None:
            y += b[:, None]
        return y

    @staticmethod
    def backward(node: Node, grad: Array) -> tuple[Array | None, Array | None, Array | None]:
        x, w = node.saved
        wants_x, wants_w, wants_b = node.needs_grad
        dx = w @ grad if wants_x else None  # (in, out) @ (out, N) -> (in, N)
        dw = x @ grad.T if wants_w else None  # (in, N) @ (N, out) -> (in, out)
        db = accurate_sum(grad, (1,)) if wants_b else None  # (out, N) -> (out,)
        return dx, dw, db

    @staticmethod
    def macs(node: Node, out: tuple[int, ...]) -> Products:
        """Each weight meets each sample once, in all three products."""
        _, w = node.saved
        macs = w.size * out[1]
        return Products(macs, macs, macs, macs)


def check_linear(x: Array, w: Array, b: Array | None) -> None:
    """Raise a ValueError that says which shape does not fit."""
    if w.ndim != 2:
        raise ValueError(f"w has shape {w.shape}, expected (in, out)")
    if x.ndim != 2 or x.shape[0] != w.shape[0]:
        raise ValueError(
            f"x has shape {x.shape}, expected ({w.shape[0]}, N): features first, batch last; flatten images before"
        )
    if b is not None and b.shape != w.shape[1:]:
        raise ValueError(f"b has shape {b.shape}, expected {w.shape[1:]}, one value for each column of w")


def matmul(a: object, b: object) -> Tensor:
    """Multiply matrices, like `numpy.matmul`: batches broadcast, a vector is a row on the left, a column on the right.

    Examples
    --------
    >>> matmul(Tensor([[1.0, 2.0]]), Tensor([[3.0], [4.0]])).data
    array([[11.]], dtype=float32)
    """
    return MatMul.apply(a, b)


def linear(x: object, w: object, b: object = None) -> Tensor:
    """Apply a fully connected layer, ``y = W^T x + b``, to a batch.

    Parameters
    ----------
    x : (in, N) Tensor
        One column for each sample.
    w : (in, out) Tensor
        The weights.
    b : (out,) Tensor, optional
        The biases.

    Returns
    -------
    (out, N) Tensor
        One column for each sample.

    Raises
    ------
    ValueError
        The shapes do not fit together.

    Examples
    --------
    >>> linear(Tensor([[1.0, 2.0]]), Tensor([[3.0, 4.0]]), Tensor([0.5, 0.0])).data
    array([[3.5, 6.5],
           [4. , 8. ]], dtype=float32)
    """
    return Linear.apply(x, w, b)
