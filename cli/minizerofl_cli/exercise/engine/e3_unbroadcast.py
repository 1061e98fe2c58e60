"""The checks of exercise e3, and the mistakes that they know: the adjoint of broadcasting."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.random import Generator

from minizerofl import ops
from minizerofl.autograd.op import unbroadcast
from minizerofl.autograd.tensor import Tensor
from minizerofl.kernels.types import Array
from minizerofl_cli.exercise.properties import Given, Property

Shape = tuple[int, ...]


def example(rng: Generator) -> Iterator[Given]:
    """Yield the example of the text."""
    for shape in ((3,), (2, 1), (1, 3), ()):
        yield {"grad": np.arange(1.0, 7.0).reshape(2, 3), "shape": shape}


def _draw(rng: Generator, pairs: Iterable[tuple[Shape, Shape]]) -> Iterator[Given]:
    for grad, shape in pairs:
        yield {"grad": rng.integers(1, 9, grad).astype(float), "shape": shape}


def equal(rng: Generator) -> Iterator[Given]:
    """Yield gradients that have the right shape already."""
    return _draw(rng, (((3,), (3,)), ((1, 2), (1, 2)), ((), ())))


def added(rng: Generator) -> Iterator[Given]:
    """Yield gradients with more axes than the array."""
    return _draw(rng, (((2, 2), (2,)), ((3, 2), (2,)), ((2, 3, 2), (3, 2)), ((2, 3, 2), (2,))))


def stretched(rng: Generator) -> Iterator[Given]:
    """Yield gradients with longer axes than the array."""
    return _draw(rng, (((2, 2), (2, 1)), ((2, 2), (1, 2)), ((2, 3), (1, 1)), ((2, 3, 2), (2, 1, 2))))


def both(rng: Generator) -> Iterator[Given]:
    """Yield gradients with more and longer axes."""
    return _draw(rng, (((2, 3), (1,)), ((2, 2, 3), (2, 1)), ((2, 1, 3), (1, 1)), ((2, 3, 1, 2), (1, 2))))


def ask(grad: Array, shape: Shape) -> Array:
    """Ask the function itself."""
    return unbroadcast(grad, shape)


def expected(grad: Array, shape: Shape) -> Array:
    """Add each number of the gradient to the number that it was made from."""
    result = np.zeros(shape)
    where = np.broadcast_to(np.arange(result.size).reshape(shape), grad.shape)
    np.add.at(result.reshape(-1), where.reshape(-1), grad.reshape(-1))
    return result


def sums(rng: Generator) -> Iterator[Given]:
    """Yield two arrays that broadcast against each other."""
    for one, other in (((2, 2), (2,)), ((2, 1), (3,)), ((2, 2, 1), (1, 3))):
        yield {"a": rng.integers(1, 9, one).astype(float), "b": rng.integers(1, 9, other).astype(float)}


def ask_product(a: Array, b: Array) -> dict[str, Any]:
    """Multiply, add up and sweep back."""
    one, other = Tensor(a, requires_grad=True), Tensor(b, requires_grad=True)
    ops.mul(one, other).sum().backward()
    return {"da": one.grad, "db": other.grad}


def expected_product(a: Array, b: Array) -> dict[str, Array]:
    """Multiply the other one by 1, and add up."""
    one = np.ones(np.broadcast_shapes(a.shape, b.shape))
    return {"da": expected(one * b, a.shape), "db": expected(one * a, b.shape)}


FORMULA = "sum of grad over the axes that were added or stretched"
PROPERTIES = (
    Property("the example of the text comes out.", FORMULA, example, ask, expected),
    Property("a gradient of the right shape stays as it is.", "grad", equal, ask, expected),
    Property("axes that were added are summed, and vanish.", FORMULA, added, ask, expected),
    Property("axes that were stretched are summed, and keep length 1.", FORMULA, stretched, ask, expected),
    Property("an array may have been extended and stretched at once.", FORMULA, both, ask, expected),
    Property(
        "a product of arrays of different shapes has the right gradients.", FORMULA, sums, ask_product, expected_product
    ),
)


def _stretched(grad: Array, shape: Shape) -> tuple[int, ...]:
    extra = grad.ndim - len(shape)
    return tuple(extra + i for i, n in enumerate(shape) if n == 1 and grad.shape[extra + i] > 1)


def leading_only(grad: Array, shape: Shape) -> Any:
    """Sum over the added axes only, not over the stretched ones."""
    return grad.sum(axis=tuple(range(grad.ndim - len(shape))))


def stretched_only(grad: Array, shape: Shape) -> Any:
    """Sum over the stretched axes only, not over the added ones."""
    return grad.sum(axis=_stretched(grad, shape), keepdims=True)


def dropped(grad: Array, shape: Shape) -> Any:
    """Drop the stretched axes too: they should stay with length 1."""
    return grad.sum(axis=(*range(grad.ndim - len(shape)), *_stretched(grad, shape)))


def mean(grad: Array, shape: Shape) -> Any:
    """Take the mean over the axes; each use counts fully, so it is a sum."""
    axes = (*range(grad.ndim - len(shape)), *_stretched(grad, shape))
    return grad.mean(axis=axes, keepdims=True).reshape(shape)


def first(grad: Array, shape: Shape) -> Any:
    """Take the first of the gradients and not their sum."""
    index = tuple(slice(1) if n == 1 else slice(None) for n in shape)
    return grad[(0,) * (grad.ndim - len(shape))][index].reshape(shape)


def from_the_front(grad: Array, shape: Shape) -> Any:
    """Compare the shapes from the front; NumPy compares them from the end."""
    padded = (*shape, *[1] * (grad.ndim - len(shape)))
    axes = tuple(i for i, n in enumerate(padded) if n == 1 and grad.shape[i] > 1)
    return grad.sum(axis=axes, keepdims=True).reshape(
        [n for n, _ in zip(padded, grad.shape, strict=True)][: len(shape)]
    )


MUTANTS = (leading_only, stretched_only, dropped, mean, first, from_the_front)
