"""The gradient of one mini-batch, for methods that look at it without taking a step."""

from __future__ import annotations

import numpy as np

from minizerofl import ops
from minizerofl.autograd.tensor import Array, Tensor
from minizerofl.fl.data import batch_last
from minizerofl.nn import Module


def gradients(model: Module, x: Array, y: Array) -> dict[str, Array]:
    """Compute the gradient of the mean cross-entropy of a mini-batch for every parameter of a model.

    In evaluation mode the gradient of a sparse layer is that of all its weights, also of those that are zero.

    Parameters
    ----------
    model : Module
        The model; it computes in the mode in which it is.
    x, y : (N, ...) float32, (N,) int64
        The samples.

    Examples
    --------
    >>> from minizerofl import nn
    >>> model = nn.Linear(2, 2)
    >>> model.weight.assign_([[0.0, 0.0], [0.0, 0.0]])
    >>> gradients(model, np.array([[2.0, 0.0]], np.float32), np.array([1]))["weight"]
    array([[ 1., -1.],
           [ 0.,  0.]], dtype=float32)
    """
    parameters = dict(model.named_parameters())
    for parameter in parameters.values():
        parameter.zero_grad()
    ops.cross_entropy(model(Tensor(batch_last(x))), y).backward()
    return {name: np.asarray(parameter.grad) for name, parameter in parameters.items()}
