"""Normalisation: bring each channel to mean 0 and variance 1, then let it learn its own scale and shift."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from minizerofl import ops
from minizerofl.autograd.tensor import Tensor
from minizerofl.nn.module import Module, expect_axes


class BatchNorm2d(Module):
    """Normalise each channel over the mini-batch and the image (Ioffe & Szegedy, 2015), (C, H, W, N) -> (C, H, W, N).

    In training the statistics are the mini-batch's, and running averages of them are kept; in evaluation the averages
    are used. A training batch with a single value per channel has no variance: it is normalised with the averages and
    leaves them alone.

    Parameters
    ----------
    num_features : int
        C.
    eps : float
        Added to the variance, against division by zero.
    momentum : float
        The weight of the new statistics in the running averages.
    relu : bool
        Whether to apply a ReLU to the result, in the same pass.

    Attributes
    ----------
    weight, bias : (C,) Tensor
        The learned scale, 1 at first, and shift, 0 at first.
    running_mean, running_var : (C,) numpy.ndarray
        The buffers. They are part of the state that federated averaging averages.

    Raises
    ------
    ValueError
        At call time: the input is not (C, H, W, N).

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(3, 2, (1, 8, 8, 100)).astype(np.float32)
    >>> y = BatchNorm2d(1)(Tensor(x)).data
    >>> bool(abs(y.mean()) < 1e-5), round(float(y.std()), 3)
    (True, 1.0)
    """

    running_mean: NDArray[np.float32]
    running_var: NDArray[np.float32]

    def __init__(self, num_features: int, eps: float = 1e-5, momentum: float = 0.1, relu: bool = False) -> None:
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self.relu = relu
        self.weight = Tensor(np.ones(num_features, np.float32), requires_grad=True)
        self.bias = Tensor(np.zeros(num_features, np.float32), requires_grad=True)
        self.register_buffer("running_mean", np.zeros(num_features, np.float32))
        self.register_buffer("running_var", np.ones(num_features, np.float32))

    def __call__(self, x: Tensor, residual: Tensor | None = None) -> Tensor:
        """Compute the output, see `forward`."""
        return self.forward(x, residual)

    def forward(self, x: Tensor, residual: Tensor | None = None) -> Tensor:
        """Normalise; add the residual, if there is one; rectify, if `relu`."""
        expect_axes(self, x, (self.num_features, "H", "W", "N"))
        has_variance = x.size > self.num_features
        return ops.batch_norm(
            x,
            self.weight,
            self.bias,
            self.running_mean,
            self.running_var,
            training=self.training and has_variance,
            momentum=self.momentum,
            eps=self.eps,
            residual=residual,
            relu=self.relu,
        )


class GroupNorm(Module):
    """Normalise each sample over groups of its channels (Wu & He, 2018), (C, H, W, N) -> (C, H, W, N).

    It keeps no statistics and is the same in training and evaluation, which suits clients with small data sets that
    differ from each other.

    Parameters
    ----------
    groups : int
        The number of groups; divides `channels`.
    channels : int
        C.
    eps : float
        Added to the variance, against division by zero.

    Attributes
    ----------
    weight, bias : (C,) Tensor
        The learned scale, 1 at first, and shift, 0 at first.

    Raises
    ------
    ValueError
        `groups` does not divide `channels`; at call time: the input is not (C, H, W, N).

    Examples
    --------
    >>> GroupNorm(2, 4)(Tensor(np.ones((4, 3, 3, 1), np.float32))).shape
    (4, 3, 3, 1)
    """

    def __init__(self, groups: int, channels: int, eps: float = 1e-5) -> None:
        if groups < 1 or channels % groups:
            raise ValueError(f"GroupNorm: groups is {groups}, expected a divisor of the {channels} channels")
        self.groups = groups
        self.channels = channels
        self.eps = eps
        self.weight = Tensor(np.ones(channels, np.float32), requires_grad=True)
        self.bias = Tensor(np.zeros(channels, np.float32), requires_grad=True)

    def forward(self, x: Tensor) -> Tensor:
        """Normalise each sample."""
        expect_axes(self, x, (self.channels, "H", "W", "N"))
        return ops.group_norm(x, self.groups, self.weight, self.bias, self.eps)
