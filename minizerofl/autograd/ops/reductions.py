"""Reductions over any axes: sum, mean, max."""

from __future__ import annotations

import math

import numpy as np

from minizerofl.autograd.op import Node, Op
from minizerofl.autograd.sums import accurate_mean, accurate_sum
from minizerofl.autograd.tensor import Array, Tensor

Axis = int | tuple[int, ...] | None


class Sum(Op):
    """The sum over some axes; each element of x gets the gradient of its sum."""

    name = "sum"

    @staticmethod
    def forward(node: Node, x: Array, axis: Axis, keepdims: bool) -> Array:
        axes = reduced_axes(axis, x.ndim)
        node.save(x.shape, axes)
        return accurate_sum(x, axes, keepdims)

    @staticmethod
    def backward(node: Node, grad: Array) -> tuple[Array]:
        shape, axes = node.saved
        return (np.full(shape, grad.reshape(_kept_shape(shape, axes))),)


class Mean(Op):
    """The mean over some axes; each element of x gets 1 / count of the gradient of its mean."""

    name = "mean"

    @staticmethod
    def forward(node: Node, x: Array, axis: Axis, keepdims: bool) -> Array:
        axes = reduced_axes(axis, x.ndim)
        count = math.prod(x.shape[a] for a in axes)
        if count == 0:
            raise ValueError(f"the mean over axis {axis} would be a mean of no values")
        node.save(x.shape, axes, count)
        return accurate_mean(x, axes, keepdims)

    @staticmethod
    def backward(node: Node, grad: Array) -> tuple[Array]:
        shape, axes, count = node.saved
        return (np.full(shape, (grad / count).reshape(_kept_shape(shape, axes)), grad.dtype),)


class Max(Op):
    """The maximum over some axes; its gradient goes to the first element that equals it."""

    name = "max"

    @staticmethod
    def forward(node: Node, x: Array, axis: Axis, keepdims: bool) -> Array:
        axes = reduced_axes(axis, x.ndim)
        kept = tuple(a for a in range(x.ndim) if a not in axes)
        moved = x.transpose(kept + axes)  # the reduced axes last, in C order
        flat = moved.reshape(*moved.shape[: len(kept)], math.prod(x.shape[a] for a in axes))  # (kept..., reduced)
        first = np.expand_dims(flat.argmax(axis=-1), -1)  # (kept..., 1)
        node.save(moved.shape, flat.shape, kept + axes, first)
        largest = np.take_along_axis(flat, first, axis=-1)
        return largest.reshape(_kept_shape(x.shape, axes) if keepdims else flat.shape[:-1])

    @staticmethod
    def backward(node: Node, grad: Array) -> tuple[Array]:
        moved_shape, flat_shape, order, first = node.saved
        dx = np.zeros(flat_shape, grad.dtype)
        np.put_along_axis(dx, first, grad.reshape(first.shape), axis=-1)
        return (dx.reshape(moved_shape).transpose(np.argsort(order)),)


def reduced_axes(axis: Axis, ndim: int) -> tuple[int, ...]:
    """List the axes that `axis` stands for, from 0 and ascending.

    Raises
    ------
    ValueError
        An axis does not exist or is named twice.

    Examples
    --------
    >>> reduced_axes((-1, 0), 3)
    (0, 2)
    """
    if axis is None:
        return tuple(range(ndim))
    named = axis if isinstance(axis, tuple) else (axis,)
    if any(not -ndim <= a < ndim for a in named):
        raise ValueError(f"axis is {axis}, expected axes from {-ndim} to {ndim - 1}")
    axes = sorted(a % ndim for a in named)
    if len(set(axes)) < len(axes):
        raise ValueError(f"axis {axis} names an axis twice")
    return tuple(axes)


def _kept_shape(shape: tuple[int, ...], axes: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape of a reduction with its reduced axes kept as size one."""
    return tuple(1 if a in axes else n for a, n in enumerate(shape))


def sum(x: object, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Add up the elements over some axes.

    Parameters
    ----------
    x : Tensor
        Any shape.
    axis : int, tuple of int, or None
        The axes to reduce; None reduces all.
    keepdims : bool
        Whether reduced axes stay, with size 1.

    Returns
    -------
    Tensor
        The sums, in the dtype of `x`.

    Raises
    ------
    ValueError
        An axis does not exist or is named twice.

    Examples
    --------
    >>> sum(Tensor([[1.0, 2.0], [3.0, 4.0]]), axis=0).data
    array([4., 6.], dtype=float32)
    """
    return Sum.apply(x, axis=axis, keepdims=keepdims)


def mean(x: object, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Average the elements over some axes; parameters and errors as in `sum`; the mean of no values is an error.

    Examples
    --------
    >>> mean(Tensor([[1.0, 2.0], [3.0, 4.0]]), axis=(0, 1)).item()
    2.5
    """
    return Mean.apply(x, axis=axis, keepdims=keepdims)


def max(x: object, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Find the largest element over some axes; parameters and errors as in `sum`.

    Where several are equal, the gradient goes to the first of them (in C order of the reduced axes) and to no other.

    Examples
    --------
    >>> x = Tensor([[1.0, 5.0, 5.0]], requires_grad=True)
    >>> max(x).backward()
    >>> x.grad
    array([[0., 1., 0.]], dtype=float32)
    """
    return Max.apply(x, axis=axis, keepdims=keepdims)
