"""The loss of a classifier: log_softmax and cross_entropy, classes on the first axis and the batch on the last."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from minizerofl.autograd.op import Node, Op
from minizerofl.autograd.sums import accurate_sum
from minizerofl.autograd.tensor import Array, Tensor

Labels = NDArray[np.integer[Any]]


class LogSoftmax(Op):
    """``y_c = x_c - log sum_k e^(x_k)`` over axis 0; dx = dy - softmax(x) sum(dy)."""

    name = "log_softmax"

    @staticmethod
    def forward(node: Node, x: Array) -> Array:
        """Subtract the maximum first: the largest exponential is then 1, and nothing overflows."""
        y = _log_softmax(x)
        node.save(y)
        return y

    @staticmethod
    def backward(node: Node, grad: Array) -> tuple[Array]:
        (y,) = node.saved
        return (grad - np.exp(y) * accurate_sum(grad, (0,)),)


class CrossEntropy(Op):
    """``y = mean over the batch of -log softmax(x)[label]``; dx = dy (softmax(x) - one_hot(label)) / N."""

    name = "cross_entropy"

    @staticmethod
    def forward(node: Node, logits: Array, labels: Labels) -> Array:
        check_labels(logits, labels)
        log_probabilities = _log_softmax(logits)
        samples = np.arange(labels.size)
        node.save(log_probabilities, labels.copy(), samples)
        picked: Array = log_probabilities[labels, samples]  # (classes, N) -> (N,)
        return np.asarray(-picked.mean())  # (N,) -> ()

    @staticmethod
    def backward(node: Node, grad: Array) -> tuple[Array]:
        log_probabilities, labels, samples = node.saved
        dx = np.exp(log_probabilities)
        dx[labels, samples] -= 1
        dx *= grad / labels.size
        return (dx,)


def _log_softmax(x: Array) -> Array:
    if x.ndim == 0:
        raise ValueError("x is a single number, expected the classes on axis 0")
    shifted: Array = x - x.max(axis=0)
    shifted -= np.log(accurate_sum(np.exp(shifted), (0,)))
    return shifted


def check_labels(logits: Array, labels: Labels) -> None:
    """Raise an error unless there is one label for each column of the logits, from 0 to classes - 1."""
    if logits.ndim != 2 or logits.shape[1] == 0:
        raise ValueError(
            f"logits have shape {logits.shape}, expected (classes, N) with N >= 1: one column for each sample"
        )
    classes, N = logits.shape
    if not isinstance(labels, np.ndarray) or labels.dtype.kind not in "iu":
        kind = labels.dtype if isinstance(labels, np.ndarray) else type(labels).__name__
        raise TypeError(f"labels are {kind}, expected a NumPy array of integers (class numbers)")
    if labels.shape != (N,):
        raise ValueError(f"labels have shape {labels.shape}, expected ({N},): one for each column of the logits")
    bad = np.flatnonzero((labels < 0) | (labels >= classes))
    if bad.size:
        raise ValueError(f"label {labels[bad[0]]} at position {bad[0]} is out of range, expected 0 to {classes - 1}")


def log_softmax(x: object) -> Tensor:
    """Take the logarithm of the softmax over axis 0, without overflow.

    Parameters
    ----------
    x : (classes, ...) Tensor
        Logits.

    Returns
    -------
    Tensor
        Log-probabilities, of the same shape.

    Examples
    --------
    >>> log_softmax(Tensor([[1000.0], [0.0]])).data
    array([[    0.],
           [-1000.]], dtype=float32)
    """
    return LogSoftmax.apply(x)


def cross_entropy(logits: object, labels: Labels) -> Tensor:
    """Average the negative log-probability of the true classes over the batch.

    Parameters
    ----------
    logits : (classes, N) Tensor
        One column for each sample.
    labels : (N,) numpy.ndarray of integers
        The true classes, 0 to classes - 1.

    Returns
    -------
    () Tensor
        The loss, in nats.

    Raises
    ------
    TypeError
        `labels` is not an integer array.
    ValueError
        The shapes do not fit together, the batch is empty, or a label is out of range.

    Examples
    --------
    >>> round(cross_entropy(Tensor([[0.0], [0.0]]), np.array([1])).item(), 4)
    0.6931
    """
    return CrossEntropy.apply(logits, labels=labels)
