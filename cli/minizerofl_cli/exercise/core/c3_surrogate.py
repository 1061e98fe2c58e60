"""The checks of exercise c3, and the mistakes that they know: the gradient check, and why dW is a surrogate."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.random import Generator

from minizerofl import ops
from minizerofl.autograd.gradcheck import GradcheckError, _central_difference, gradcheck
from minizerofl.autograd.op import Node
from minizerofl.autograd.ops.linear import Linear
from minizerofl.autograd.tensor import Tensor
from minizerofl.kernels.types import Array
from minizerofl.sparse.ops import sparse_linear
from minizerofl_cli.exercise.core.c2_swat_backward import keep_half
from minizerofl_cli.exercise.properties import Given, Property

Function = Callable[..., Tensor]

FUNCTIONS: dict[str, tuple[Function, Callable[..., Any]]] = {  # a function, and its derivative along v, times u
    "x * x": (lambda x: x * x, lambda x, v, u: 2 * x * v * u),
    "3 * x * x - x": (lambda x: 3 * x * x - x, lambda x, v, u: (6 * x - 1) * v * u),
    "x * y": (lambda x, y: x * y, lambda x, y, v, w, u: (v * y + x * w) * u),
    "x * y - y * y": (lambda x, y: x * y - y * y, lambda x, y, v, w, u: (v * y + x * w - 2 * y * w) * u),
}


def example(rng: Generator) -> Iterator[Given]:
    """Yield the example of the text."""
    yield {"f": "x * x", "x": [np.array(3.0)], "v": [np.array(1.0)], "u": np.array(1.0), "eps": 0.1}


def one_input(rng: Generator) -> Iterator[Given]:
    """Yield quadratic functions of one number, for which a central difference is exact whatever eps is."""
    for f, eps in (("x * x", 0.5), ("3 * x * x - x", 0.25), ("3 * x * x - x", 1.0)):
        x, v = (rng.integers(1, 9, ()).astype(float) for _ in range(2))
        yield {"f": f, "x": [x], "v": [v], "u": np.array(1.0), "eps": eps}


def two_inputs(rng: Generator) -> Iterator[Given]:
    """Yield functions of two numbers, which both move."""
    for f in ("x * y", "x * y - y * y"):
        x, y, v, w = (rng.integers(1, 9, ()).astype(float) for _ in range(4))
        yield {"f": f, "x": [x, y], "v": [v, w], "u": np.array(1.0), "eps": 0.5}


def arrays(rng: Generator) -> Iterator[Given]:
    """Yield functions of arrays, with weights u for their outputs."""
    for shape in ((2,), (3,), (2, 3)):
        x, y, v, w, u = (rng.integers(-5, 6, shape).astype(float) for _ in range(5))
        yield {"f": "x * x", "x": [x], "v": [v], "u": u + 0.5, "eps": 0.5}
        yield {"f": "x * y - y * y", "x": [x, y], "v": [v, w], "u": u + 0.5, "eps": 0.5}


def ask(f: str, x: list[Array], v: list[Array], u: Array, eps: float) -> float:
    """Ask the function itself."""
    return _central_difference(FUNCTIONS[f][0], [Tensor(each) for each in x], v, u, eps)


def derivative(f: str, x: list[Array], v: list[Array], u: Array, eps: float) -> float:
    """Differentiate by the rules of calculus."""
    return float(np.sum(FUNCTIONS[f][1](*x, *v, u)))


class Doubled(Linear):
    """A linear layer with a planted error: its dW is twice as large as it should be."""

    @staticmethod
    def backward(node: Node, grad: Array) -> tuple[Array | None, Array | None, Array | None]:
        """Compute dX and db, and a wrong dW."""
        x, w = node.saved
        return w @ grad, 2 * x @ grad.T, grad.sum(axis=1)


def points(rng: Generator) -> Iterator[Given]:
    """Yield a layer's input and weights, far from ties."""
    for shape in ((2, 2), (4, 2)):
        told_apart = False
        while not told_apart:
            x, w = (rng.permutation(np.arange(1.0, 1 + np.prod(shape))).reshape(shape) / 4 for _ in range(2))
            told_apart = bool(np.any((keep_half(x) @ np.ones((2, 2))) != (x @ np.ones((2, 2))) * (keep_half(w) != 0)))
        yield {"x": x, "W": w}


def ask_dense(x: Array, W: Array) -> dict[str, str]:
    """Check ordinary layers with `gradcheck`."""
    return {
        "a linear layer": verdict(ops.linear, [x, W]),
        "a linear layer with 2 dW": verdict(Doubled.apply, [x, W, np.zeros(W.shape[1])]),
    }


def ask_swat(x: Array, W: Array) -> dict[str, str]:
    """Compare SWAT's gradients with the derivatives of two functions."""
    x_top, w_top = keep_half(x), keep_half(W)

    def swat(x: Any, w: Any) -> Tensor:
        return sparse_linear(x, w, sparsity=0.5, path="dense")

    return {
        "dX with f(x, W_top)": verdict(lambda x: swat(x, W), [x], lambda x: ops.linear(x, w_top)),
        "dW with f(x, W_top)": verdict(lambda w: swat(x, w), [W]),
        "dW with f(x_top, W)": verdict(lambda w: swat(x, w), [W], lambda w: ops.linear(x_top, w)),
    }


def verdict(function: Function, inputs: list[Array], other: Function | None = None) -> str:
    """Say whether gradients agree with measured derivatives."""
    try:
        gradcheck(function, inputs, eps=1e-3, numeric_fn=other)
    except GradcheckError:
        return "differs"
    return "agrees"


DENSE = {"a linear layer": "agrees", "a linear layer with 2 dW": "differs"}
SWAT = {"dX with f(x, W_top)": "agrees", "dW with f(x, W_top)": "differs", "dW with f(x_top, W)": "agrees"}
FORMULA = "<u, f(x + eps v) - f(x - eps v)> / (2 eps)"
PROPERTIES = (
    Property("the example of the text comes out.", FORMULA, example, ask, derivative),
    Property(
        "for a quadratic function the result is exact, also with a large eps.", FORMULA, one_input, ask, derivative
    ),
    Property("all inputs move at once, each along its own step.", FORMULA, two_inputs, ask, derivative),
    Property("an output of many numbers is weighted by u.", FORMULA, arrays, ask, derivative),
    Property(
        "gradcheck accepts the right gradient of a layer and refuses a doubled one.",
        *("sum of <v_i, dx_i> = " + FORMULA, points, ask_dense, lambda x, W: DENSE),
    ),
    Property(
        "SWAT's dX is the derivative of its forward pass; its dW is that of f(x_top, W).",
        *("dX: f(x, W_top); dW: f(x_top, W)", points, ask_swat, lambda x, W: SWAT),
    ),
)


def _moved(tensors: list[Tensor], steps: list[Array], eps: float) -> list[Tensor]:
    return [Tensor(t.data + eps * v) for t, v in zip(tensors, steps, strict=True)]


def one_sided(function: Function, tensors: list[Tensor], steps: list[Array], u: Array, eps: float) -> float:
    """Step to one side only, which leaves an error of the size of eps."""
    moved = function(*_moved(tensors, steps, eps)).data - function(*tensors).data
    return float(np.vdot(u, moved)) / eps


def not_halved(function: Function, tensors: list[Tensor], steps: list[Array], u: Array, eps: float) -> float:
    """Divide by eps; the two points are 2 eps apart."""
    moved = function(*_moved(tensors, steps, eps)).data - function(*_moved(tensors, steps, -eps)).data
    return float(np.vdot(u, moved)) / eps


def backwards(function: Function, tensors: list[Tensor], steps: list[Array], u: Array, eps: float) -> float:
    """Subtract the value after the step from the value before it."""
    moved = function(*_moved(tensors, steps, -eps)).data - function(*_moved(tensors, steps, eps)).data
    return float(np.vdot(u, moved)) / (2 * eps)


def first_only(function: Function, tensors: list[Tensor], steps: list[Array], u: Array, eps: float) -> float:
    """Move the first input only."""
    first, rest = [steps[0]], tensors[1:]
    after = function(*_moved(tensors[:1], first, eps), *rest).data
    before = function(*_moved(tensors[:1], first, -eps), *rest).data
    return float(np.vdot(u, after - before)) / (2 * eps)


def unweighted(function: Function, tensors: list[Tensor], steps: list[Array], u: Array, eps: float) -> float:
    """Add up the outputs without their weights u."""
    moved = function(*_moved(tensors, steps, eps)).data - function(*_moved(tensors, steps, -eps)).data
    return float(np.sum(moved)) / (2 * eps)


def all_ones(function: Function, tensors: list[Tensor], steps: list[Array], u: Array, eps: float) -> float:
    """Move each input by eps; it should move along its step v."""
    ones = [np.ones_like(v) for v in steps]
    moved = function(*_moved(tensors, ones, eps)).data - function(*_moved(tensors, ones, -eps)).data
    return float(np.vdot(u, moved)) / (2 * eps)


MUTANTS = (one_sided, not_halved, backwards, first_only, unweighted, all_ones)
