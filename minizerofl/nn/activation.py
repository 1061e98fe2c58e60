"""Element-wise layers without parameters: ReLU and Dropout."""

from __future__ import annotations

import numpy as np

from minizerofl import ops
from minizerofl.autograd.tensor import Tensor
from minizerofl.nn.module import Module


class ReLU(Module):
    """max(x, 0), element by element.

    Examples
    --------
    >>> ReLU()(Tensor([-1.0, 2.0])).data
    array([0., 2.], dtype=float32)
    """

    def forward(self, x: Tensor) -> Tensor:
        """Set negative elements to zero."""
        return ops.relu(x)


class Dropout(Module):
    """In training, set each element to zero with probability `p` and divide the others by ``1 - p``.

    In evaluation the input passes unchanged; the division gives both modes the same expected value (Srivastava et al.,
    2014).

    Parameters
    ----------
    p : float
        The probability of dropping, 0 <= p < 1.
    rng : numpy.random.Generator, optional
        Decides which elements are dropped; None takes fresh entropy, so that no two runs are the same.

    Raises
    ------
    ValueError
        `p` is not in [0, 1).

    Examples
    --------
    >>> layer = Dropout(0.5, rng=np.random.default_rng(0))
    >>> sorted({float(v) for v in layer(Tensor(np.ones(100, np.float32))).data})
    [0.0, 2.0]
    >>> layer.eval()(Tensor([1.0, 2.0])).data
    array([1., 2.], dtype=float32)
    """

    def __init__(self, p: float = 0.5, rng: np.random.Generator | None = None) -> None:
        if not 0 <= p < 1:
            raise ValueError(f"Dropout: p is {p}, expected a probability from 0 up to, but not including, 1")
        self.p = p
        self.rng = np.random.default_rng(rng)

    def forward(self, x: Tensor) -> Tensor:
        """In training, drop at random; in evaluation, return `x`."""
        return ops.dropout(x, self.p, self.rng, self.training)
