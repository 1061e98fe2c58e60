"""Dropout (Srivastava et al., JMLR 2014): while training, each value is set to zero with probability p."""

from __future__ import annotations

import numpy as np

from minizerofl.autograd.op import Node, Op
from minizerofl.autograd.tensor import Array, Tensor


class Dropout(Op):
    """``y = x keep / (1 - p)``, dx = dy keep / (1 - p): the mean of y is x, so evaluation needs no factor."""

    name = "dropout"

    @staticmethod
    def forward(node: Node, x: Array, p: float, rng: np.random.Generator) -> Array:
        keep = rng.random(x.shape, dtype=np.float32) >= p
        node.save(keep, p)
        return x * keep / (1 - p)

    @staticmethod
    def backward(node: Node, grad: Array) -> tuple[Array]:
        keep, p = node.saved
        return (grad * keep / (1 - p),)


def dropout(x: object, p: float, rng: np.random.Generator, training: bool = True) -> Tensor:
    """Set each value to zero with probability `p` and divide the others by ``1 - p``.

    Parameters
    ----------
    x : Tensor
        Any shape.
    p : float
        The probability of being dropped, 0 <= p < 1.
    rng : numpy.random.Generator
        The source of random numbers: the same state drops the same values.
    training : bool
        False returns `x` as it is.

    Returns
    -------
    Tensor
        As `x`.

    Raises
    ------
    ValueError
        `p` is not in [0, 1).

    Examples
    --------
    >>> dropout(Tensor([1.0, 1.0, 1.0, 1.0]), 0.5, np.random.default_rng(0)).data
    array([2., 2., 2., 0.], dtype=float32)
    """
    if not 0 <= p < 1:
        raise ValueError(f"dropout: p is {p}, expected 0 <= p < 1")
    if not training or p == 0:
        return x if isinstance(x, Tensor) else Tensor(x)
    return Dropout.apply(x, p=float(p), rng=rng)
