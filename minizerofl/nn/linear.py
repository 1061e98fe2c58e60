"""Fully connected layers: y = W^T x + b for every sample, dense or with the largest weights only."""

from __future__ import annotations

import numpy as np

from minizerofl import ops
from minizerofl.autograd.tensor import Tensor
from minizerofl.nn.init import he_normal
from minizerofl.nn.module import Module
from minizerofl.nn.shapes import expect_axes
from minizerofl.nn.swat import SwatModule


class Linear(Module):
    """A dense linear layer, (in_features, N) -> (out_features, N).

    Parameters
    ----------
    in_features, out_features : int
        The length of one sample before and after.
    bias : bool
        Whether a learned vector, 0 at first, is added.
    rng : numpy.random.Generator, optional
        Draws the weights, see `he_normal`; None takes fresh entropy, so that no two layers are alike.

    Attributes
    ----------
    weight : Tensor
        (in_features, out_features): the weights of one input lie together.
    bias : Tensor or None
        (out_features,).

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
        """Compute W^T x + b."""
        expect_axes(self, x, (self.in_features, "N"))
        return ops.linear(x, self.weight, self.bias)  # (in_features, N) -> (out_features, N)


class SparseLinear(SwatModule, Linear):
    """A linear layer trained by SWAT: only the largest weights are used, and all are learned.

    Parameters
    ----------
    in_features, out_features, bias, rng
        As for `Linear`; the same `rng` gives the same weights.
    sparsity : float
        The fraction of the weights that is left out, 0 <= sparsity < 1.
    activation_sparsity : float, optional
        The fraction of the input that is left out of dW; None: as the weights; 0: sparse weights only.

    Raises
    ------
    ValueError
        A sparsity is not in [0, 1); at call time: the input is not (in_features, N).

    Examples
    --------
    >>> SparseLinear(4, 2, sparsity=0.5)
    SparseLinear(in_features=4, out_features=2, sparsity=0.5, activation_sparsity=None)
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        rng: np.random.Generator | None = None,
        *,
        sparsity: float = 0.95,
        activation_sparsity: float | None = None,
    ) -> None:
        super().__init__(in_features, out_features, bias, rng)
        self.set_sparsity(sparsity, activation_sparsity)

    def forward(self, x: Tensor) -> Tensor:
        """Compute W_top^T x + b."""
        expect_axes(self, x, (self.in_features, "N"))
        return ops.sparse_linear(  # (in_features, N) -> (out_features, N)
            x,
            self.weight,
            self.bias,
            sparsity=self.sparsity,
            activation_sparsity=self.activation_sparsity,
            path=self.path_for(x.shape[-1]),
            top=self._top,
        )
