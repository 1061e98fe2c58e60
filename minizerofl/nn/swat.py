"""The SWAT layers, which compute with a part of their weights and learn all of them.

The forward pass uses only the largest weights, W_top; the backward pass computes dX from W_top and dW from x_top, the
largest activations (Raihan and Aamodt, 2020; ZeroFL, section 3.1). The parameter itself stays dense. The backward pass
is a surrogate gradient on purpose, see `minizerofl.sparse.swat`.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from minizerofl.autograd.tensor import Tensor
from minizerofl.nn.conv import Conv2d
from minizerofl.nn.linear import Linear
from minizerofl.nn.module import Module, expect_axes
from minizerofl.sparse.breakeven import PATHS, choose, layer_kind
from minizerofl.sparse.csr import TopWeights
from minizerofl.sparse.ops import Select, Support, sparse_conv2d, sparse_linear
from minizerofl.sparse.periodic import FixedWeights, PeriodicWeights


class SwatModule(Module):
    """A layer that uses the ``1 - sparsity`` fraction of its weights that is largest in magnitude.

    Attributes
    ----------
    sparsity : float
        The fraction of the weights that is left out, 0 <= sparsity < 1.
    activation_sparsity : float or None
        The fraction of the input that is left out when dW is computed; None: as the weights; 0: none.
    matched : bool
        Whether as large a share of the input is kept as of the weights, whatever `activation_sparsity` says.
    path : str
        How the layer computes, see `set_path`.
    """

    weight: Tensor
    sparsity: float
    activation_sparsity: float | None
    matched: bool = False
    path: str = "auto"

    def set_select(self, select: Select, training: PeriodicWeights | FixedWeights | None = None) -> None:
        """Set the function ``select(weight, k)`` that finds W_top, and optionally another way for training.

        See `minizerofl.nn.rule.set_selection`, which does it for a whole model.
        """
        self._select = select
        self._in_training = training

    def selecting(self) -> Select:
        """Return the function that finds W_top in the current mode, training or evaluation."""
        return self._in_training.select if self._in_training is not None and self.training else self._select

    def support(self) -> Support | None:
        """Return what tells the positions of the only weights that are trained; None if all are trained."""
        return self._in_training.positions if isinstance(self._in_training, FixedWeights) and self.training else None

    def restart_selection(self) -> None:
        """Select at the next step of training, also where a selection is reused."""
        if self._in_training is not None:
            self._in_training.restart()

    def set_path(self, path: str) -> None:
        """Set how the layer computes, for the next forward pass on.

        Parameters
        ----------
        path : {"auto", "sparse", "dense"}
            Sparse kernels, or dense products with zeros; auto takes the one that is expected to be faster. The results
            are equal up to rounding.

        Raises
        ------
        ValueError
            There is no path of that name.

        Examples
        --------
        >>> from minizerofl import nn
        >>> layer = nn.SparseLinear(9, 5)
        >>> layer.set_path("dense")
        >>> layer.path_for(batch_size=10)
        'dense'
        """
        if path not in PATHS:
            raise ValueError(f"{type(self).__name__}: path is {path!r}, expected one of {', '.join(PATHS)}")
        self.path = path

    def path_for(self, batch_size: int, measured: Mapping[str, float] | None = None) -> str:
        """Return the path, "sparse" or "dense", that the layer takes with mini-batches of this size.

        The density that counts is the mean of those of its three products: two compute with W_top, one with x_top.
        """
        if self.path != "auto":
            return self.path
        kind = layer_kind(self.weight.shape, getattr(self, "stride", 1), batch_size)
        activations = self.sparsity if self.activation_sparsity is None else self.activation_sparsity
        return choose(kind, 1 - (2 * self.sparsity + activations) / 3, measured)

    def set_sparsity(self, sparsity: float, activation_sparsity: float | None = None) -> None:
        """Set both sparsities, for the next forward pass on.

        Raises
        ------
        ValueError
            A sparsity is not in [0, 1).

        Examples
        --------
        >>> from minizerofl import nn
        >>> layer = nn.SparseLinear(9, 5)
        >>> layer.set_sparsity(0.8)
        >>> layer
        SparseLinear(in_features=9, out_features=5, sparsity=0.8, activation_sparsity=None)
        """
        for name, value in (("sparsity", sparsity), ("activation_sparsity", activation_sparsity)):
            if value is not None and not 0 <= value < 1:
                raise ValueError(
                    f"{type(self).__name__}: {name} is {value}, expected a fraction from 0 up to, but not including, 1"
                )
        self.sparsity = sparsity
        self.activation_sparsity = activation_sparsity

    @property
    def surrogate_gradient(self) -> bool:  # type: ignore[override]
        """True unless both sparsities are 0, which makes the layer a dense one."""
        return bool(self.sparsity or self.activation_sparsity or self.matched)

    def sparse_parameters(self) -> dict[str, float]:
        """Return the sparsity of the weight; the bias is dense."""
        return {"weight": self.sparsity}


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
        self.set_select(TopWeights().select)

    def forward(self, x: Tensor) -> Tensor:
        """Compute W_top^T x + b, (in_features, N) -> (out_features, N)."""
        expect_axes(self, x, (self.in_features, "N"))
        return sparse_linear(
            x,
            self.weight,
            self.bias,
            sparsity=self.sparsity,
            activation_sparsity=self.activation_sparsity,
            path=self.path_for(x.shape[-1]),
            select=self.selecting(),
            support=self.support(),
            matched=self.matched,
        )


class SparseConv2d(SwatModule, Conv2d):
    """A convolution trained by SWAT: only the largest weights are used, and all are learned.

    Parameters
    ----------
    in_channels, out_channels, kernel_size, stride, padding, bias, rng
        As for `Conv2d`; the same `rng` gives the same weights.
    sparsity : float
        The fraction of the weights that is left out, 0 <= sparsity < 1.
    activation_sparsity : float, optional
        The fraction of the input that is left out of dW; None: as the weights; 0: sparse weights only.

    Raises
    ------
    ValueError
        A sparsity is not in [0, 1); at call time: the input is not (IC, H, W, N), or too small for the kernel.

    Examples
    --------
    >>> SparseConv2d(3, 8, 3, sparsity=1.5)
    Traceback (most recent call last):
    ...
    ValueError: SparseConv2d: sparsity is 1.5, expected a fraction from 0 up to, but not including, 1
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        padding: int = 0,
        bias: bool = True,
        rng: np.random.Generator | None = None,
        *,
        sparsity: float = 0.95,
        activation_sparsity: float | None = None,
    ) -> None:
        super().__init__(in_channels, out_channels, kernel_size, stride, padding, bias, rng)
        self.set_sparsity(sparsity, activation_sparsity)
        self.set_select(TopWeights().select)

    def forward(self, x: Tensor) -> Tensor:
        """Convolve with W_top, (IC, H, W, N) -> (OC, OH, OW, N)."""
        expect_axes(self, x, (self.in_channels, "H", "W", "N"))
        return sparse_conv2d(
            x,
            self.weight,
            self.bias,
            sparsity=self.sparsity,
            activation_sparsity=self.activation_sparsity,
            stride=self.stride,
            padding=self.padding,
            path=self.path_for(x.shape[-1]),
            select=self.selecting(),
            support=self.support(),
            matched=self.matched,
        )
