"""Fully connected layers: y = W^T x + b for every sample."""

from __future__ import annotations

import numpy as np

from minizerofl import ops
from minizerofl.autograd.tensor import Tensor
from minizerofl.nn.init import he_normal
from minizerofl.nn.module import Module, expect_axes


class Linear(Module):
    """A dense linear layer, (in_features, N) -> (out_features, N).

    Parameters
    ----------
    in_features, out_features : int
        The length of one sample before and after.
    bias : bool
        Whether to add a learned vector, 0 at first.
    rng : numpy.random.Generator, optional
        Draws the weights, see `he_normal`; None takes fresh entropy, so that no two layers are the same.

    Attributes
    ----------
    weight : (in_features, out_features) Tensor
        The weights of one input lie together in memory.
    bias : (out_features,) Tensor or None
        One number for each output.

    Raises
    ------
    ValueError
        At call time: the input is not (in_features, N).

    Examples
    --------
    >>> layer = Linear(4, 2, rng=np.random.default_rng(0))
    >>> layer(Tensor(np.ones((4, 3), np.float32))).shape
    (2, 3)
    """

    def __init__(
        self, in_features: int, out_features: int, bias: bool = True, rng: np.random.Generator | None = None
    ) -> None:
        self.in_features = in_features
        self.out_features = out_features
        weight = he_normal((in_features, out_features), in_features, np.random.default_rng(rng))
        self.weight = Tensor(weight, requires_grad=True)
        self.bias = Tensor(np.zeros(out_features, np.float32), requires_grad=True) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        """Compute W^T x + b, (in_features, N) -> (out_features, N)."""
        expect_axes(self, x, (self.in_features, "N"))
        return ops.linear(x, self.weight, self.bias)
