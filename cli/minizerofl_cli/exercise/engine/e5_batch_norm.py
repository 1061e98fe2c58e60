"""The checks of exercise e5, and the mistakes that they know: BatchNorm's backward pass."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
from numpy.random import Generator

from minizerofl import ops
from minizerofl.autograd.op import Node
from minizerofl.autograd.tensor import Tensor
from minizerofl.kernels.types import Array
from minizerofl_cli.exercise.properties import Given, Property

Gradients = tuple[Array, Array, Array, None]


def plain(node: Node, grad: Array) -> Gradients:
    """Differentiate through the moments of the batch; running moments are constants."""
    flat, w, (mean, var), eps, training, *_ = node.saved
    g = grad.reshape(flat.shape)
    rstd = 1 / np.sqrt(var + eps)
    xhat = (flat - mean[:, None]) * rstd[:, None]
    dx = g
    if training:
        dx = g - g.mean(axis=1, keepdims=True) - xhat * (g * xhat).mean(axis=1, keepdims=True)
    dx = dx * (w * rstd)[:, None]
    return dx.reshape(grad.shape), (g * xhat).sum(axis=1), g.sum(axis=1), None


def example(rng: Generator) -> Iterator[Given]:
    """Yield the example of the text."""
    x, dy = (np.array(values).reshape(1, 1, 1, 2) for values in ([1.0, 3.0], [1.0, 0.0]))
    yield {"x": x, "w": np.array([2.0]), "b": np.array([0.0]), "eps": 0.0, "training": True, "dY": dy}


def batches(rng: Generator, training: bool, eps: float = 1e-5, equal: bool = False) -> Iterator[Given]:
    """Yield batches of growing size."""
    for shape in ((1, 1, 1, 3), (2, 1, 1, 3), (2, 2, 2, 2)):
        x, dy = (rng.integers(-3, 4, shape) + rng.random(shape).round(2) for _ in range(2))
        w, b = rng.integers(1, 5, (2, shape[0])).astype(float)
        yield {"x": x, "w": w, "b": b, "eps": eps, "training": training, "dY": dy * 0 + 2 if equal else dy}


def stretches(rng: Generator) -> Iterator[Given]:
    """Yield gradients that are x itself, which would only shift and stretch the channel."""
    for given in batches(rng, True, eps=0.0):
        yield {**given, "dY": given["x"]}


def ask(x: Array, w: Array, b: Array, eps: float, training: bool, dY: Array) -> dict[str, Any]:
    """Run the layer forward and backward."""
    tensors = [Tensor(each, requires_grad=True) for each in (x, w, b)]
    running = np.full(len(w), 0.5), np.full(len(w), 2.0)
    y = ops.batch_norm(tensors[0], tensors[1], tensors[2], running[0], running[1], training, eps=eps)
    y.backward(dY)
    return dict(zip(("dx", "dw", "db"), (each.grad for each in tensors), strict=True))


def expected(x: Array, w: Array, b: Array, eps: float, training: bool, dY: Array) -> dict[str, Array]:
    """Apply the Jacobian of the whole layer, entry by entry."""
    flat, g = x.reshape(len(w), -1), dY.reshape(len(w), -1)
    M = flat.shape[1]
    mean, var = (flat.mean(axis=1), flat.var(axis=1)) if training else (np.full(len(w), 0.5), np.full(len(w), 2.0))
    dx, xhat = np.zeros_like(flat), (flat - mean[:, None]) / np.sqrt(var + eps)[:, None]
    for c in range(len(w)):
        s = np.sqrt(var[c] + eps)
        d_flat = np.eye(M) - 1 / M if training else np.eye(M)  # of x - mean
        d_var = 2 * (flat[c] - mean[c]) / M if training else np.zeros(M)
        jacobian = d_flat / s - np.outer(flat[c] - mean[c], d_var) / (2 * s**3)
        dx[c] = w[c] * (g[c] @ jacobian)
    return {"dx": dx.reshape(x.shape), "dw": (g * xhat).sum(axis=1), "db": g.sum(axis=1)}


def pick(name: str, function: Any, **given: Any) -> dict[str, Any]:
    """Take one gradient of an answer."""
    return {name: function(**given)[name]}


def _property(sentence: str, formula: str, cases: Any, name: str) -> Property:
    return Property(sentence, formula, cases, partial(pick, name, ask), partial(pick, name, expected))


DX = "dx = w rstd (g - mean(g) - xhat mean(g xhat))"
PROPERTIES = (
    Property("the example of the text comes out.", DX, example, ask, expected),
    _property("db is the sum of dY.", "db = sum g", partial(batches, training=True), "db"),
    _property("dw weighs dY by the normalised input.", "dw = sum g xhat", partial(batches, training=True), "dw"),
    _property("a gradient that only shifts a channel is 0.", DX, partial(batches, training=True, equal=True), "dx"),
    _property("a gradient that only stretches a channel is 0.", DX, stretches, "dx"),
    _property("in training dx goes through the mean and the variance.", DX, partial(batches, training=True), "dx"),
    _property(
        "eps stands inside of the root.", "rstd = 1 / sqrt(var + eps)", partial(batches, training=True, eps=0.5), "dx"
    ),
    _property("in evaluation the statistics are constants.", "dx = w rstd g", partial(batches, training=False), "dx"),
)


def _dx(node: Node, grad: Array, through_mean: float, through_var: float) -> Gradients:
    flat, w, (mean, var), eps, training, *_ = node.saved
    g, rstd = grad.reshape(flat.shape), 1 / np.sqrt(var + eps)
    xhat = (flat - mean[:, None]) * rstd[:, None]
    means = through_mean * g.mean(axis=1, keepdims=True) + through_var * xhat * (g * xhat).mean(axis=1, keepdims=True)
    dx = (g - (means if training else 0)) * (w * rstd)[:, None]
    return dx.reshape(grad.shape), (g * xhat).sum(axis=1), g.sum(axis=1), None


def constants(node: Node, grad: Array) -> Gradients:
    """Treat mean and variance as constants in training, as they are in evaluation."""
    return _dx(node, grad, 0, 0)


def constant_variance(node: Node, grad: Array) -> Gradients:
    """Treat the variance as a constant: the way through it is missing."""
    return _dx(node, grad, 1, 0)


def constant_mean(node: Node, grad: Array) -> Gradients:
    """Treat the mean as a constant: the way through it is missing."""
    return _dx(node, grad, 0, 1)


def unbiased(node: Node, grad: Array) -> Gradients:
    """Divide by M - 1 for the way through the variance; the layer divides by M."""
    M = node.saved[0].shape[1]
    return _dx(node, grad, 1, M / (M - 1))


def always_training(node: Node, grad: Array) -> Gradients:
    """Go through the statistics in evaluation too, where they are constants."""
    flat, w, moments, eps, _, *rest = node.saved
    node._saved = tuple((value, None, 0) for value in (flat, w, moments, eps, True, *rest))
    return plain(node, grad)


def raw_input(node: Node, grad: Array) -> Gradients:
    """Weigh dY by the input itself for dw; it should be the normalised one."""
    flat = node.saved[0]
    dx, _, db, _ = plain(node, grad)
    return dx, (grad.reshape(flat.shape) * flat).sum(axis=1), db, None


def weight_forgotten(node: Node, grad: Array) -> Gradients:
    """Leave out the factor w in dx."""
    dx, dw, db, _ = plain(node, grad)
    return dx / node.saved[1][:, None, None, None], dw, db, None


def eps_outside(node: Node, grad: Array) -> Gradients:
    """Add eps to the root and not to the variance."""
    flat, w, (mean, var), eps, training, *rest = node.saved
    moved = (np.sqrt(var) + eps) ** 2 - eps
    node._saved = tuple((value, None, 0) for value in (flat, w, (mean, moved), eps, training, *rest))
    return plain(node, grad)


MUTANTS = (
    *(constants, constant_variance, constant_mean, unbiased),
    *(always_training, raw_input, weight_forgotten, eps_outside),
)
