"""Predictions of a model for samples as data sets hand them out: samples first, (N, C, H, W)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from minizerofl.autograd.op import no_grad
from minizerofl.autograd.tensor import Tensor
from minizerofl.fl.data import batch_last
from minizerofl.fl.measures.evaluation import BATCH
from minizerofl.nn import Module


def predict_logits(model: Module, x: ArrayLike, shape: Sequence[int] | None = None) -> NDArray[np.float32]:
    """Compute the logits of samples, in evaluation mode and without recording a graph.

    Parameters
    ----------
    model : Module
        The model. Its sparse layers use their largest weights, as in `minizerofl.fl.evaluate`.
    x : (N, C, H, W) array of floats
        The samples, after the input transform of the model's data set.
    shape : sequence of int, optional
        The (C, H, W) that is expected.

    Returns
    -------
    (N, classes) float32
        The logits.

    Raises
    ------
    TypeError
        `x` does not hold floats.
    ValueError
        `x` has another shape.

    Examples
    --------
    >>> from minizerofl import nn
    >>> model = nn.Sequential(nn.Flatten(), nn.Linear(4, 3))
    >>> predict_logits(model, np.ones((5, 1, 2, 2))).shape
    (5, 3)
    """
    samples = np.asarray(x)
    if not np.issubdtype(samples.dtype, np.floating):
        raise TypeError(
            f"x is an array of {samples.dtype}, expected float32: samples after the input transform of the data set"
        )
    wanted = f"({', '.join(map(str, ('N', *(shape or ('C', 'H', 'W')))))}), samples first"
    if samples.ndim != 4 or (shape is not None and samples.shape[1:] != tuple(shape)):
        more = "; x[None] makes a batch of one sample" if samples.ndim == 3 else ""
        raise ValueError(f"x has shape {samples.shape}, expected {wanted}{more}")
    samples = samples.astype(np.float32, copy=False)
    if not samples.size:  # One sample of zeros tells the number of classes.
        return predict_logits(model, np.zeros((1, *samples.shape[1:]), np.float32))[:0]
    model.eval()
    with no_grad():
        batches = (samples[first : first + BATCH] for first in range(0, len(samples), BATCH))
        parts = [model(Tensor(batch_last(batch))).data.T for batch in batches]  # (classes, N) -> (N, classes)
    return np.concatenate(parts)


def softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Turn logits into probabilities, (N, classes) -> (N, classes).

    Examples
    --------
    >>> softmax(np.array([[1000.0, 1000.0]], np.float32))
    array([[0.5, 0.5]], dtype=float32)
    """
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities: NDArray[np.float32] = powers / powers.sum(axis=1, keepdims=True)
    return probabilities
