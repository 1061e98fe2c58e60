"""The convolutional network that LEAF uses for FEMNIST (Caldas et al., 2018; ZeroFL, appendix A.6)."""

from __future__ import annotations

import numpy as np

from minizerofl import ops
from minizerofl.autograd.tensor import Tensor
from minizerofl.nn import Conv2d, Flatten, Linear, MaxPool2d, Module, SparseConv2d, SparseLinear


class FemnistCNN(Module):
    """Two 5x5 convolutions with pooling, a wide linear layer and a classifier; see `femnist_cnn`.

    Examples
    --------
    >>> model = FemnistCNN(10, 0.95, np.random.default_rng(0))
    >>> model.linear1
    SparseLinear(in_features=3136, out_features=2048, sparsity=0.95, activation_sparsity=None)
    """

    def __init__(self, num_classes: int, sparsity: float, rng: np.random.Generator) -> None:
        self.conv1 = _conv5x5(1, 32, sparsity, rng)
        self.conv2 = _conv5x5(32, 64, sparsity, rng)
        self.pool = MaxPool2d(2)
        self.flatten = Flatten()
        self.linear1 = _linear(64 * 7 * 7, 2048, sparsity, rng)
        self.linear2 = Linear(2048, num_classes, rng=rng)

    def forward(self, x: Tensor) -> Tensor:
        """Compute the logits. Pooling before the ReLU gives the same as after it, for a quarter of the ReLU's work."""
        x = ops.relu(self.pool(self.conv1(x)))  # (1, 28, 28, N) -> (32, 14, 14, N)
        x = ops.relu(self.pool(self.conv2(x)))  # (32, 14, 14, N) -> (64, 7, 7, N)
        x = self.flatten(x)  # (64, 7, 7, N) -> (3136, N)
        x = ops.relu(self.linear1(x))  # (3136, N) -> (2048, N)
        return self.linear2(x)  # (2048, N) -> (classes, N)


def femnist_cnn(num_classes: int = 62, sparsity: float = 0.0, seed: int = 0) -> FemnistCNN:
    """Build the FEMNIST network: (1, 28, 28, N) images -> (num_classes, N) logits.

    With 62 classes it has 6,603,710 parameters, 97 % of them in the first linear layer.

    Parameters
    ----------
    num_classes : int
        The number of classes.
    sparsity : float
        The sparsity of both convolutions and the first linear layer (ZeroFL, appendix A.6), 0 <= sparsity < 1; the
        classifier is dense. 0 builds a plain dense network.
    seed : int
        Draws the weights: the same seed gives the same weights, whatever the sparsity.

    Returns
    -------
    FemnistCNN
        The model, in training mode.

    Raises
    ------
    ValueError
        `sparsity` is not in [0, 1).

    Examples
    --------
    >>> model = femnist_cnn(sparsity=0.95)
    >>> sum(p.size for p in model.parameters())
    6603710
    """
    return FemnistCNN(num_classes, sparsity, np.random.default_rng(seed))


def _conv5x5(in_channels: int, out_channels: int, sparsity: float, rng: np.random.Generator) -> Conv2d:
    if sparsity == 0:
        return Conv2d(in_channels, out_channels, kernel_size=5, padding=2, rng=rng)
    return SparseConv2d(in_channels, out_channels, kernel_size=5, padding=2, rng=rng, sparsity=sparsity)


def _linear(in_features: int, out_features: int, sparsity: float, rng: np.random.Generator) -> Linear:
    if sparsity == 0:
        return Linear(in_features, out_features, rng=rng)
    return SparseLinear(in_features, out_features, rng=rng, sparsity=sparsity)
