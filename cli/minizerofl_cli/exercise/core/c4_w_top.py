"""The checks of exercise c4, and the mistakes that they know: forward and evaluation with W_top."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.random import Generator

from minizerofl.autograd.op import Node, no_grad
from minizerofl.autograd.tensor import Tensor
from minizerofl.fl.measures.evaluation import evaluate
from minizerofl.kernels.types import Array
from minizerofl.nn import SparseLinear
from minizerofl.sparse.ops import sparse_linear
from minizerofl.sparse.selection import keep_largest
from minizerofl_cli.exercise.core.c2_swat_backward import keep
from minizerofl_cli.exercise.properties import Given, Property


def example(rng: Generator) -> Iterator[Given]:
    """Yield the example of the text."""
    w, x, b = [[3.0, 1.0], [0.5, -2.0]], [[1.0], [2.0]], [0.5, 0.0]
    yield {"x": np.array(x), "W": np.array(w), "b": np.array(b), "sp": 0.5}


def layers(rng: Generator) -> Iterator[Given]:
    """Yield layers of growing size with whole numbers; the first without a bias."""
    for inputs, outputs, samples in ((2, 1, 1), (2, 2, 2), (4, 3, 2), (4, 5, 3)):
        w = rng.permutation(np.arange(1.0, 1 + inputs * outputs)).reshape(inputs, outputs)
        x = rng.permutation(np.arange(1.0, 1 + inputs * samples)).reshape(inputs, samples)
        b = rng.integers(1, 9, outputs).astype(float) if outputs > 1 else None
        yield {"x": x, "W": w * rng.choice([-1, 1], w.shape), "b": b, "sp": 0.5}


def ask(x: Array, W: Array, b: Array | None, sp: float) -> Array:
    """Run the layer forward, as in training."""
    w = Tensor(W, requires_grad=True)
    return sparse_linear(x, w, b, sparsity=sp, path="dense").data


def expected(x: Array, W: Array, b: Array | None, sp: float) -> Array:
    """Multiply."""
    y: Array = keep(W, sp).T @ x
    return y if b is None else y + b[:, None]


def ask_evaluation(x: Array, W: Array, b: Array | None, sp: float) -> Array:
    """Run the layer forward without recording a graph, as in evaluation."""
    with no_grad():
        return ask(x, W, b, sp)


def ask_master(x: Array, W: Array, b: Array | None, sp: float) -> dict[str, Array]:
    """Look at the arguments after the forward pass."""
    w = Tensor(W, requires_grad=True)
    sparse_linear(Tensor(x), w, b, sparsity=sp, path="dense")
    return {"W afterwards": w.data}


def ask_saved(x: Array, W: Array, b: Array | None, sp: float) -> dict[str, Any]:
    """Run the library's backward pass, with dY = 1, on what the forward pass has saved."""
    tensors = [Tensor(each, requires_grad=True) for each in (x, W)]
    sparse_linear(tensors[0], tensors[1], b, sparsity=sp, path="dense").sum().backward()
    return dict(zip(("dX", "dW"), (each.grad for each in tensors), strict=True))


def expected_saved(x: Array, W: Array, b: Array | None, sp: float) -> dict[str, Array]:
    """Multiply by dY = 1."""
    dy = np.ones((W.shape[1], x.shape[1]))
    return {"dX": keep(W, sp) @ dy, "dW": keep(x, sp) @ dy.T}


def classifiers(rng: Generator) -> Iterator[Given]:
    """Yield classifiers whose large weights are right, and whose small weights together are wrong."""
    for classes in (2, 4):
        right, wrong = np.eye(classes), 0.5 * np.roll(np.eye(classes), 1, axis=1)
        w, x = np.concatenate([right, *[wrong] * 4]), np.concatenate([np.eye(classes)] * 5)
        yield {"x": x, "y": np.arange(classes), "W": w, "sp": 1 - 1 / (5 * classes)}


def ask_accuracy(x: Array, y: Array, W: Array, sp: float) -> dict[str, float]:
    """Evaluate a model of one layer."""
    model = SparseLinear(W.shape[0], W.shape[1], bias=False, sparsity=sp)
    model.set_path("dense")
    model.load_state_dict({"weight": W.astype(np.float32)})
    return {"accuracy": evaluate(model, (x.T.astype(np.float32), y)).accuracy}


def expected_accuracy(x: Array, y: Array, W: Array, sp: float) -> dict[str, float]:
    """All samples are right with W_top."""
    return {"accuracy": float(np.mean((keep(W, sp).T @ x).argmax(axis=0) == y))}


FORMULA = "y = W_top^T x + b"
PROPERTIES = (
    Property("the example of the text comes out.", FORMULA, example, ask, expected),
    Property("y is computed from W_top and the whole x.", FORMULA, layers, ask, expected),
    Property("in evaluation, without a gradient, y is the same.", FORMULA, layers, ask_evaluation, expected),
    Property(
        "the master weights stay as they are.",
        *("W afterwards = W", layers, ask_master, lambda **given: {"W afterwards": given["W"]}),
    ),
    Property(
        "x_top and W_top are saved for the backward pass.",
        *("dX = W_top dY, dW = x_top dY^T", layers, ask_saved, expected_saved),
    ),
    Property("a model is evaluated with W_top.", FORMULA, classifiers, ask_accuracy, expected_accuracy),
)


def _finish(w_top: Array, x: Array, b: Array | None) -> Array:
    y: Array = w_top.T @ x
    return y if b is None else y + b[:, None]


def all_weights(node: Node, x: Array, w: Array, b: Array | None, w_mask: Array, k: int, support: Any = None) -> Array:
    """Compute y from all weights, in training too."""
    node.save(keep_largest(x, k), np.where(w_mask, w, 0), support)
    return _finish(w, x, b)


def all_in_evaluation(
    node: Node, x: Array, w: Array, b: Array | None, w_mask: Array, k: int, support: Any = None
) -> Array:
    """Use all weights where no gradient is wanted: the model that is evaluated is not the one that was trained."""
    w_top = np.where(w_mask, w, 0)
    node.save(keep_largest(x, k), w_top, support)
    return _finish(w_top if any(node.needs_grad) else w, x, b)


def sparse_input(node: Node, x: Array, w: Array, b: Array | None, w_mask: Array, k: int, support: Any = None) -> Array:
    """Use x_top in the forward pass; it is for the backward pass only."""
    x_top, w_top = keep_largest(x, k), np.where(w_mask, w, 0)
    node.save(x_top, w_top, support)
    return _finish(w_top, x_top, b)


def written_over(node: Node, x: Array, w: Array, b: Array | None, w_mask: Array, k: int, support: Any = None) -> Array:
    """Set the small master weights to zero, in place; what they have learned is lost."""
    w *= w_mask
    node.save(keep_largest(x, k), w.copy(), support)
    return _finish(w, x, b)


def dense_input_saved(
    node: Node, x: Array, w: Array, b: Array | None, w_mask: Array, k: int, support: Any = None
) -> Array:
    """Save the whole x, so that dW is computed from all activations."""
    w_top = np.where(w_mask, w, 0)
    node.save(x, w_top, support)
    return _finish(w_top, x, b)


def dense_weights_saved(
    node: Node, x: Array, w: Array, b: Array | None, w_mask: Array, k: int, support: Any = None
) -> Array:
    """Save the whole W, so that dX is computed from weights that took no part."""
    node.save(keep_largest(x, k), w, support)
    return _finish(np.where(w_mask, w, 0), x, b)


def no_bias(node: Node, x: Array, w: Array, b: Array | None, w_mask: Array, k: int, support: Any = None) -> Array:
    """Leave the bias out."""
    w_top = np.where(w_mask, w, 0)
    node.save(keep_largest(x, k), w_top, support)
    return _finish(w_top, x, None)


MUTANTS = (
    *(all_weights, all_in_evaluation, sparse_input, written_over),
    *(dense_input_saved, dense_weights_saved, no_bias),
)
