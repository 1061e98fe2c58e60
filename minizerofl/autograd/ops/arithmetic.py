"""Arithmetic: add, sub, mul, div, neg, pow. All work element by element and broadcast as NumPy does.

In the ops, dy is the gradient of the loss with respect to y, ``grad`` in the code; da is the one with respect to a.
"""

from __future__ import annotations

from minizerofl.autograd.op import Node, Op
from minizerofl.autograd.tensor import Array, Tensor


class Add(Op):
    """``y = a + b``; da = dy, db = dy."""

    name = "add"

    @staticmethod
    def forward(node: Node, a: Array, b: Array) -> Array:
        return a + b

    @staticmethod
    def backward(node: Node, grad: Array) -> tuple[Array, Array]:
        return grad, grad


class Sub(Op):
    """``y = a - b``; da = dy, db = -dy."""

    name = "sub"

    @staticmethod
    def forward(node: Node, a: Array, b: Array) -> Array:
        return a - b

    @staticmethod
    def backward(node: Node, grad: Array) -> tuple[Array, Array]:
        return grad, -grad


class Mul(Op):
    """``y = a * b``; da = b dy, db = a dy."""

    name = "mul"

    @staticmethod
    def forward(node: Node, a: Array, b: Array) -> Array:
        node.save(a, b)
        return a * b

    @staticmethod
    def backward(node: Node, grad: Array) -> tuple[Array, Array]:
        a, b = node.saved
        return grad * b, grad * a


class Div(Op):
    """``y = a / b``; da = dy / b, db = -a dy / b^2."""

    name = "div"

    @staticmethod
    def forward(node: Node, a: Array, b: Array) -> Array:
        node.save(a, b)
        return a / b

    @staticmethod
    def backward(node: Node, grad: Array) -> tuple[Array, Array]:
        a, b = node.saved
        da = grad / b
        return da, -da * a / b


class Neg(Op):
    """``y = -a``; da = -dy."""

    name = "neg"

    @staticmethod
    def forward(node: Node, a: Array) -> Array:
        return -a

    @staticmethod
    def backward(node: Node, grad: Array) -> tuple[Array]:
        return (-grad,)


class Pow(Op):
    """``y = a^p`` for a constant exponent p; da = p a^(p-1) dy."""

    name = "pow"

    @staticmethod
    def forward(node: Node, a: Array, exponent: float) -> Array:
        node.save(a, exponent)
        return a**exponent

    @staticmethod
    def backward(node: Node, grad: Array) -> tuple[Array]:
        a, exponent = node.saved
        if exponent == 0:
            return (0 * grad,)
        return (grad * exponent * a ** (exponent - 1),)


def add(a: object, b: object) -> Tensor:
    """Add element by element, with broadcasting.

    Examples
    --------
    >>> add(Tensor([1.0, 2.0]), 1).data
    array([2., 3.], dtype=float32)
    """
    return Add.apply(a, b)


def sub(a: object, b: object) -> Tensor:
    """Subtract element by element, with broadcasting.

    Examples
    --------
    >>> sub(1, Tensor([1.0, 2.0])).data
    array([ 0., -1.], dtype=float32)
    """
    return Sub.apply(a, b)


def mul(a: object, b: object) -> Tensor:
    """Multiply element by element, with broadcasting.

    Examples
    --------
    >>> mul(Tensor([1.0, 2.0]), 3).data
    array([3., 6.], dtype=float32)
    """
    return Mul.apply(a, b)


def div(a: object, b: object) -> Tensor:
    """Divide element by element, with broadcasting.

    Examples
    --------
    >>> div(Tensor([1.0, 2.0]), 2).data
    array([0.5, 1. ], dtype=float32)
    """
    return Div.apply(a, b)


def neg(a: object) -> Tensor:
    """Negate element by element.

    Examples
    --------
    >>> neg(Tensor([1.0, -2.0])).data
    array([-1.,  2.], dtype=float32)
    """
    return Neg.apply(a)


def pow(a: object, exponent: float) -> Tensor:
    """Raise to a constant power, element by element.

    Raises
    ------
    TypeError
        The exponent is not a number.

    Examples
    --------
    >>> pow(Tensor([1.0, 2.0]), 3).data
    array([1., 8.], dtype=float32)
    """
    if isinstance(exponent, Tensor):
        raise TypeError("pow: the exponent is a Tensor, expected a number: no gradient reaches it; use .item()")
    return Pow.apply(a, exponent=float(exponent))  # a NumPy scalar would turn float32 into float64
