"""Arithmetic: add, sub, mul, div, neg, pow. All of them broadcast as NumPy does."""

from __future__ import annotations

from minizerofl.autograd.op import Context, Op
from minizerofl.autograd.tensor import Array, Tensor


class Add(Op):
    """``a + b``; the derivative passes unchanged to both."""

    name = "add"

    @staticmethod
    def forward(ctx: Context, a: Array, b: Array) -> Array:
        """Add two arrays."""
        return a + b

    @staticmethod
    def backward(ctx: Context, grad: Array) -> tuple[Array, Array]:
        """d(a + b) = da + db."""
        return grad, grad


class Sub(Op):
    """``a - b``."""

    name = "sub"

    @staticmethod
    def forward(ctx: Context, a: Array, b: Array) -> Array:
        """Subtract `b` from `a`."""
        return a - b

    @staticmethod
    def backward(ctx: Context, grad: Array) -> tuple[Array, Array]:
        """d(a - b) = da - db."""
        return grad, -grad


class Mul(Op):
    """``a * b``, element by element."""

    name = "mul"

    @staticmethod
    def forward(ctx: Context, a: Array, b: Array) -> Array:
        """Multiply two arrays."""
        ctx.save(a, b)
        return a * b

    @staticmethod
    def backward(ctx: Context, grad: Array) -> tuple[Array, Array]:
        """d(a b) = b da + a db."""
        a, b = ctx.saved
        return grad * b, grad * a


class Div(Op):
    """``a / b``, element by element."""

    name = "div"

    @staticmethod
    def forward(ctx: Context, a: Array, b: Array) -> Array:
        """Divide `a` by `b`."""
        ctx.save(a, b)
        return a / b

    @staticmethod
    def backward(ctx: Context, grad: Array) -> tuple[Array, Array]:
        """d(a / b) = da / b - a / b^2 db."""
        a, b = ctx.saved
        da = grad / b
        return da, -da * a / b


class Neg(Op):
    """``-a``."""

    name = "neg"

    @staticmethod
    def forward(ctx: Context, a: Array) -> Array:
        """Negate."""
        return -a

    @staticmethod
    def backward(ctx: Context, grad: Array) -> tuple[Array]:
        """d(-a) = -da."""
        return (-grad,)


class Pow(Op):
    """``a ** exponent`` for a constant exponent."""

    name = "pow"

    @staticmethod
    def forward(ctx: Context, a: Array, exponent: float) -> Array:
        """Raise to a power."""
        ctx.save(a, exponent)
        return a**exponent

    @staticmethod
    def backward(ctx: Context, grad: Array) -> tuple[Array]:
        """d(a^p) = p a^(p-1) da."""
        a, exponent = ctx.saved
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

    Examples
    --------
    >>> pow(Tensor([1.0, 2.0]), 3).data
    array([1., 8.], dtype=float32)
    """
    return Pow.apply(a, exponent=float(exponent))  # a NumPy scalar would turn float32 into float64
