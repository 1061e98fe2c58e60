"""Functions of one value, applied to every element: exp, log, sqrt, relu, tanh, sigmoid.

Where the derivative is cheaper to compute from the result y than from the input x, the op saves y.
"""

from __future__ import annotations

import numpy as np

from minizerofl.autograd.op import Node, Op
from minizerofl.autograd.tensor import Array, Tensor


class Exp(Op):
    """``y = e^x``; dx = y dy."""

    name = "exp"

    @staticmethod
    def forward(node: Node, x: Array) -> Array:
        y = np.exp(x)
        node.save(y)
        return y

    @staticmethod
    def backward(node: Node, grad: Array) -> tuple[Array]:
        (y,) = node.saved
        return (grad * y,)


class Log(Op):
    """``y = ln x``; dx = dy / x."""

    name = "log"

    @staticmethod
    def forward(node: Node, x: Array) -> Array:
        node.save(x)
        return np.log(x)

    @staticmethod
    def backward(node: Node, grad: Array) -> tuple[Array]:
        (x,) = node.saved
        return (grad / x,)


class Sqrt(Op):
    """``y = x^(1/2)``; dx = dy / (2 y)."""

    name = "sqrt"

    @staticmethod
    def forward(node: Node, x: Array) -> Array:
        y = np.sqrt(x)
        node.save(y)
        return y

    @staticmethod
    def backward(node: Node, grad: Array) -> tuple[Array]:
        (y,) = node.saved
        return (grad / (2 * y),)


class ReLU(Op):
    """``y = max(x, 0)``; dx = dy where x > 0, and 0 elsewhere, also at x = 0."""

    name = "relu"

    @staticmethod
    def forward(node: Node, x: Array) -> Array:
        y = np.maximum(x, 0)
        node.save(y)  # the next layer keeps it anyway, so it costs no memory
        return y

    @staticmethod
    def backward(node: Node, grad: Array) -> tuple[Array]:
        (y,) = node.saved
        return (grad * (y > 0),)


class Tanh(Op):
    """``y = tanh x``; dx = (1 - y^2) dy."""

    name = "tanh"

    @staticmethod
    def forward(node: Node, x: Array) -> Array:
        y = np.tanh(x)
        node.save(y)
        return y

    @staticmethod
    def backward(node: Node, grad: Array) -> tuple[Array]:
        (y,) = node.saved
        return (grad * (1 - y * y),)


class Sigmoid(Op):
    """``y = 1 / (1 + e^-x)``; dx = y (1 - y) dy."""

    name = "sigmoid"

    @staticmethod
    def forward(node: Node, x: Array) -> Array:
        """Compute y from the exponential of -abs(x), which cannot overflow."""
        e = np.exp(-np.abs(x))
        y: Array = np.where(x >= 0, 1, e) / (1 + e)
        node.save(y)
        return y

    @staticmethod
    def backward(node: Node, grad: Array) -> tuple[Array]:
        (y,) = node.saved
        return (grad * y * (1 - y),)


def exp(x: object) -> Tensor:
    """Raise e to each element.

    Examples
    --------
    >>> exp(Tensor([0.0])).data
    array([1.], dtype=float32)
    """
    return Exp.apply(x)


def log(x: object) -> Tensor:
    """Take the natural logarithm of each element.

    Examples
    --------
    >>> log(Tensor([1.0])).data
    array([0.], dtype=float32)
    """
    return Log.apply(x)


def sqrt(x: object) -> Tensor:
    """Take the square root of each element.

    Examples
    --------
    >>> sqrt(Tensor([4.0])).data
    array([2.], dtype=float32)
    """
    return Sqrt.apply(x)


def relu(x: object) -> Tensor:
    """Set negative elements to zero. The derivative at 0 is 0.

    Examples
    --------
    >>> relu(Tensor([-1.0, 2.0])).data
    array([0., 2.], dtype=float32)
    """
    return ReLU.apply(x)


def tanh(x: object) -> Tensor:
    """Take the hyperbolic tangent of each element.

    Examples
    --------
    >>> tanh(Tensor([0.0])).data
    array([0.], dtype=float32)
    """
    return Tanh.apply(x)


def sigmoid(x: object) -> Tensor:
    """Take the logistic function ``1 / (1 + e^-x)`` of each element, without overflow for any x.

    Examples
    --------
    >>> sigmoid(Tensor([-1000.0, 0.0, 1000.0])).data
    array([0. , 0.5, 1. ], dtype=float32)
    """
    return Sigmoid.apply(x)
