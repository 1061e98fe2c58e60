"""Ops that move elements and compute nothing: reshape, transpose, getitem, concatenate, pad."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from minizerofl.autograd.op import Node, Op
from minizerofl.autograd.tensor import Array, Tensor

Widths = int | Sequence[int] | Sequence[Sequence[int]]


class Reshape(Op):
    """The same elements, in C order, in another shape: a view where the memory allows it."""

    name = "reshape"

    @staticmethod
    def forward(node: Node, x: Array, shape: tuple[int, ...]) -> Array:
        node.save(x.shape)
        return x.reshape(shape)

    @staticmethod
    def backward(node: Node, grad: Array) -> tuple[Array]:
        (shape,) = node.saved
        return (grad.reshape(shape),)


class Transpose(Op):
    """The axes in another order: a view."""

    name = "transpose"

    @staticmethod
    def forward(node: Node, x: Array, axes: tuple[int, ...] | None) -> Array:
        order = axes or tuple(reversed(range(x.ndim)))
        moved = x.transpose(order)  # x_0, x_1, ... -> x_order[0], x_order[1], ...
        node.save(np.argsort([a % x.ndim for a in order]))
        return moved

    @staticmethod
    def backward(node: Node, grad: Array) -> tuple[Array]:
        (inverse,) = node.saved
        return (grad.transpose(inverse),)


class GetItem(Op):
    """``x[index]`` with any index that NumPy knows: a view for integers and slices, else a copy."""

    name = "getitem"

    @staticmethod
    def forward(node: Node, x: Array, index: tuple[Any, ...]) -> Array:
        taken: Array = x[index]
        node.save(x.shape, index)
        return taken

    @staticmethod
    def backward(node: Node, grad: Array) -> tuple[Array]:
        """Put each element's gradient where it came from; an element picked twice gets the sum."""
        shape, index = node.saved
        dx = np.zeros(shape, grad.dtype)
        if any(isinstance(part, np.ndarray) and part.dtype != np.bool_ for part in index):
            np.add.at(dx, index, grad)  # integer arrays may name an element twice
        else:
            dx[index] = grad
        return (dx,)


class Concatenate(Op):
    """Arrays one after the other along an axis; the gradient is split again."""

    name = "concatenate"

    @staticmethod
    def forward(node: Node, *arrays: Array, axis: int) -> Array:
        joined = np.concatenate(arrays, axis=axis)
        node.save(axis, np.cumsum([array.shape[axis] for array in arrays[:-1]]))
        return joined

    @staticmethod
    def backward(node: Node, grad: Array) -> tuple[Array, ...]:
        axis, starts = node.saved
        return tuple(np.split(grad, starts.astype(np.intp), axis=axis))


class Pad(Op):
    """A border of one constant value around an array; the gradient of the border is cut off."""

    name = "pad"

    @staticmethod
    def forward(node: Node, x: Array, widths: Widths, value: float) -> Array:
        padded = np.pad(x, widths, constant_values=value)
        pairs = np.broadcast_to(widths, (x.ndim, 2))  # as np.pad reads them: one (before, after) an axis
        node.save(tuple(slice(before, before + n) for (before, _), n in zip(pairs, x.shape, strict=True)))
        return padded

    @staticmethod
    def backward(node: Node, grad: Array) -> tuple[Array]:
        (inner,) = node.saved
        return (grad[inner],)


def reshape(x: object, shape: int | tuple[int, ...]) -> Tensor:
    """Arrange the elements, in C order, in another shape; one size may be -1.

    Examples
    --------
    >>> reshape(Tensor([1.0, 2.0, 3.0, 4.0]), (2, -1)).data
    array([[1., 2.],
           [3., 4.]], dtype=float32)
    """
    return Reshape.apply(x, shape=shape)


def transpose(x: object, axes: tuple[int, ...] | None = None) -> Tensor:
    """Permute the axes; without `axes`, reverse them.

    Examples
    --------
    >>> transpose(Tensor([[1.0, 2.0]])).shape
    (2, 1)
    """
    return Transpose.apply(x, axes=axes)


def getitem(x: object, index: Any) -> Tensor:
    """Pick elements as NumPy does: integers, slices, None, Ellipsis, integer arrays, boolean masks.

    The gradient of an element that is picked several times is the sum over the times.

    Examples
    --------
    >>> getitem(Tensor([1.0, 2.0, 3.0]), [0, 0, 2]).data
    array([1., 1., 3.], dtype=float32)
    """
    parts = index if isinstance(index, tuple) else (index,)
    # These are copies: the caller may overwrite an index array before backward reads it.
    return GetItem.apply(x, index=tuple(np.array(p) if isinstance(p, list | np.ndarray) else p for p in parts))


def concatenate(tensors: Sequence[object], axis: int = 0) -> Tensor:
    """Join Tensors along an existing axis; their other axes must agree.

    Examples
    --------
    >>> concatenate([Tensor([1.0]), Tensor([2.0, 3.0])]).data
    array([1., 2., 3.], dtype=float32)
    """
    return Concatenate.apply(*tensors, axis=operator.index(axis))


def pad(x: object, widths: Widths, value: float = 0.0) -> Tensor:
    """Put a border of a constant around a Tensor.

    Parameters
    ----------
    x : Tensor
        Any shape.
    widths : int, (before, after), or a sequence of (before, after), one for each axis
        The number of elements to add, as in `numpy.pad`.
    value : float
        The value of the border.

    Returns
    -------
    Tensor
        `x` with its border.

    Raises
    ------
    ValueError
        A width is negative, or their number is not the number of axes.

    Examples
    --------
    >>> pad(Tensor([[1.0, 2.0]]), [(0, 0), (1, 2)]).data
    array([[0., 1., 2., 0., 0.]], dtype=float32)
    """
    return Pad.apply(x, widths=widths, value=value)
