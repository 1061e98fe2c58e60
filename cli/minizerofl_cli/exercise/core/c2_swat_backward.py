"""The checks of exercise c2, and the mistakes that they know: SWAT's backward pass."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
from numpy.random import Generator

from minizerofl.autograd.op import Node
from minizerofl.autograd.tensor import Tensor
from minizerofl.kernels.types import Array
from minizerofl.sparse.ops import sparse_linear
from minizerofl.sparse.selection import keep_largest
from minizerofl_cli.exercise.core.c1_top_k import plain as top_k
from minizerofl_cli.exercise.properties import Given, Property

Gradients = tuple[Array, Array, Array]


def keep(x: Array, sp: float) -> Array:
    """Set all but the largest share 1 - sp to zero."""
    kept = np.zeros(x.size)
    positions = top_k(x, round((1 - sp) * x.size))
    kept[positions] = x.reshape(-1)[positions]
    return kept.reshape(x.shape)


def example(rng: Generator) -> Iterator[Given]:
    """Yield the example of the text."""
    x, w, dy = [[1.0, 4.0], [-2.0, 1.0]], [[3.0, 1.0], [0.5, -2.0]], [[1.0, 0.0], [2.0, 1.0]]
    yield {"x": np.array(x), "W": np.array(w), "dY": np.array(dy), "sp_x": 0.5, "sp_W": 0.5}


def layers(rng: Generator, sp_x: float, sp_w: float) -> Iterator[Given]:
    """Yield layers of growing size with whole numbers, so that nothing is rounded."""
    for inputs, outputs, samples in ((2, 2, 1), (2, 1, 2), (4, 2, 3), (4, 6, 5)):
        shapes = (inputs, samples), (inputs, outputs), (outputs, samples)
        x, w, dy = (rng.permutation(np.arange(1.0, 1 + np.prod(s))).reshape(s) for s in shapes)
        yield {"x": x, "W": w * rng.choice([-1, 1], w.shape), "dY": dy - 2, "sp_x": sp_x, "sp_W": sp_w}


def ask(x: Array, W: Array, dY: Array, sp_x: float, sp_W: float) -> dict[str, Any]:
    """Run a layer forward and backward."""
    tensors = [Tensor(each, requires_grad=True) for each in (x, W, np.zeros(W.shape[1]))]
    sparse_linear(*tensors, sparsity=sp_W, activation_sparsity=sp_x, path="dense").backward(dY)
    return dict(zip(("dX", "dW", "db"), (each.grad for each in tensors), strict=True))


def expected(x: Array, W: Array, dY: Array, sp_x: float, sp_W: float) -> dict[str, Array]:
    """Multiply."""
    return {"dX": keep(W, sp_W) @ dY, "dW": keep(x, sp_x) @ dY.T, "db": dY.sum(axis=1)}


def pick(name: str, function: Any, **given: Any) -> dict[str, Any]:
    """Take one gradient of an answer."""
    return {name: function(**given)[name]}


def networks(rng: Generator) -> Iterator[Given]:
    """Yield two layers, one after the other."""
    for width in (2, 3):
        x, w1, w2 = (rng.integers(1, 9, s).astype(float) for s in ((2, 2), (2, width), (width, 2)))
        yield {"x": x + np.arange(4.0).reshape(2, 2) / 8, "W1": w1, "W2": w2, "steps": 2}


def ask_network(x: Array, W1: Array, W2: Array, steps: int) -> dict[str, Array]:
    """Take steps of SGD that minimise the sum of the outputs, at learning rate 1/32."""
    for _ in range(steps):
        first, second = Tensor(W1, requires_grad=True), Tensor(W2, requires_grad=True)
        y = sparse_linear(sparse_linear(x, first, sparsity=0.5, path="dense"), second, sparsity=0.5, path="dense")
        y.sum().backward()
        W1, W2 = (w.data - w.grad / 32 for w in (first, second) if w.grad is not None)
    return {"W1": W1, "W2": W2}


def expected_network(x: Array, W1: Array, W2: Array, steps: int) -> dict[str, Array]:
    """Do the same by hand."""
    for _ in range(steps):
        h = keep_half(W1).T @ x
        dy = np.ones((W2.shape[1], x.shape[1]))
        dh, dw2 = keep_half(W2) @ dy, keep_half(h) @ dy.T
        W1, W2 = W1 - keep_half(x) @ dh.T / 32, W2 - dw2 / 32
    return {"W1": W1, "W2": W2}


def keep_half(x: Array) -> Array:
    """Keep half of an array, rounded up as `count_kept` does."""
    return keep(x, 1 - -(-x.size // 2) / x.size)


def _property(sentence: str, formula: str, name: str, sp_x: float, sp_w: float) -> Property:
    cases = partial(layers, sp_x=sp_x, sp_w=sp_w)
    return Property(sentence, formula, cases, partial(pick, name, ask), partial(pick, name, expected))


PROPERTIES = (
    Property("the example of the text comes out.", "dX = W_top dY, dW = x_top dY^T", example, ask, expected),
    _property("db is the sum of dY over the samples.", "db[o] = sum over n of dY[o, n]", "db", 0, 0),
    _property("dX is computed from the weights that took part, W_top.", "dX = W_top dY", "dX", 0, 0.5),
    _property("dW is computed from the largest activations, x_top.", "dW = x_top dY^T", "dW", 0.5, 0),
    _property("every weight gets its gradient, also one outside of W_top.", "dW = x_top dY^T", "dW", 0, 0.5),
    Property(
        "two steps of SGD through two layers give the right weights.",
        "W <- W - lr dW; dX of one layer is dY of the layer before",
        *(networks, ask_network, expected_network),
    ),
)


def masked_weights(node: Node, grad: Array) -> Gradients:
    """Give a gradient only to the weights of W_top; the others can then never grow."""
    x_top, w_top, _ = node.saved
    return w_top @ grad, (x_top @ grad.T) * (w_top != 0), grad.sum(axis=1)


def dense_weights(node: Node, grad: Array) -> Gradients:
    """Compute dX from all weights, also from those that took no part in the forward pass."""
    x_top, _, _ = node.saved
    return node.inputs[1].array @ grad, x_top @ grad.T, grad.sum(axis=1)  # type: ignore[union-attr]


def dense_activations(node: Node, grad: Array) -> Gradients:
    """Compute dW from the whole input, not from x_top."""
    _, w_top, _ = node.saved
    return w_top @ grad, node.inputs[0].array @ grad.T, grad.sum(axis=1)  # type: ignore[union-attr]


def sparse_gradient(node: Node, grad: Array) -> Gradients:
    """Make dY sparse as well; SWAT never does."""
    x_top, w_top, _ = node.saved
    top = keep_largest(grad, -(-grad.size // 2))
    return w_top @ top, x_top @ top.T, top.sum(axis=1)


def mean_bias(node: Node, grad: Array) -> Gradients:
    """Take the mean of dY over the samples for db; the loss has divided by N already."""
    x_top, w_top, _ = node.saved
    return w_top @ grad, x_top @ grad.T, grad.mean(axis=1)


def mean_everywhere(node: Node, grad: Array) -> Gradients:
    """Divide dW and db by the number of samples; the loss has divided by N already."""
    x_top, w_top, _ = node.saved
    return w_top @ grad, x_top @ grad.T / grad.shape[1], grad.mean(axis=1)


def exchanged(node: Node, grad: Array) -> Gradients:
    """Return dW in the place of dX and dX in the place of dW."""
    x_top, w_top, _ = node.saved
    return x_top @ grad.T, w_top @ grad, grad.sum(axis=1)


MUTANTS = (masked_weights, dense_weights, dense_activations, sparse_gradient, mean_bias, mean_everywhere, exchanged)
