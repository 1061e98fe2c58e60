"""Two small networks for images of any shape: a multilayer perceptron and a convolutional one."""

from __future__ import annotations

import math

import numpy as np

from minizerofl import ops
from minizerofl.autograd.tensor import Tensor
from minizerofl.models.layers import conv, linear
from minizerofl.nn import Flatten, Module

Shape = tuple[int, int, int]


class MLP(Module):
    """Two hidden layers and a classifier; see `mlp`.

    Examples
    --------
    >>> MLP((3, 8, 8), 10, 0.0, np.random.default_rng(0)).linear1
    Linear(in_features=192, out_features=256)
    """

    def __init__(self, input_shape: Shape, num_classes: int, sparsity: float, rng: np.random.Generator) -> None:
        self.flatten = Flatten()
        self.linear1 = linear(math.prod(input_shape), 256, sparsity, rng)
        self.linear2 = linear(256, 128, sparsity, rng)
        self.classifier = linear(128, num_classes, 0.0, rng)

    def forward(self, x: Tensor) -> Tensor:
        """Compute the logits."""
        x = self.flatten(x)  # (C, H, W, N) -> (C*H*W, N)
        x = ops.relu(self.linear1(x))  # -> (256, N)
        x = ops.relu(self.linear2(x))  # -> (128, N)
        return self.classifier(x)  # -> (classes, N)


class SmallCNN(Module):
    """Three 3x3 convolutions, a linear layer and a classifier; see `small_cnn`.

    Examples
    --------
    >>> SmallCNN((3, 10, 6), 10, 0.9, np.random.default_rng(0)).linear
    SparseLinear(in_features=192, out_features=64, sparsity=0.9, activation_sparsity=None)
    """

    def __init__(self, input_shape: Shape, num_classes: int, sparsity: float, rng: np.random.Generator) -> None:
        channels, height, width = input_shape
        self.conv1 = conv(channels, 16, 3, 0.0, rng)
        self.conv2 = conv(16, 32, 3, sparsity, rng, stride=2)
        self.conv3 = conv(32, 32, 3, sparsity, rng, stride=2)
        self.flatten = Flatten()
        self.linear = linear(32 * -(-height // 4) * -(-width // 4), 64, sparsity, rng)
        self.classifier = linear(64, num_classes, 0.0, rng)

    def forward(self, x: Tensor) -> Tensor:
        """Compute the logits. H/2 and H/4 are rounded up."""
        x = ops.relu(self.conv1(x))  # (C, H, W, N) -> (16, H, W, N)
        x = ops.relu(self.conv2(x))  # -> (32, H/2, W/2, N)
        x = ops.relu(self.conv3(x))  # -> (32, H/4, W/4, N)
        x = self.flatten(x)  # -> (32 * H/4 * W/4, N)
        x = ops.relu(self.linear(x))  # -> (64, N)
        return self.classifier(x)  # -> (classes, N)


def mlp(num_classes: int = 10, input_shape: Shape = (1, 28, 28), sparsity: float = 0.0, seed: int = 0) -> MLP:
    """Build a multilayer perceptron: (C, H, W, N) images -> (num_classes, N) logits.

    Its hidden layers have 256 and 128 features. It is the smallest network to try an idea with, and knows nothing of
    images: neighbouring pixels mean no more to it than distant ones.

    Parameters
    ----------
    num_classes : int
        The number of classes.
    input_shape : tuple of int
        (C, H, W) of an image; any will do.
    sparsity : float
        The sparsity of both hidden layers, 0 <= sparsity < 1; the classifier is dense. 0 builds a plain dense network.
    seed : int
        Draws the weights: the same seed gives the same weights, whatever the sparsity.

    Returns
    -------
    MLP
        The model, in training mode.

    Raises
    ------
    ValueError
        `sparsity` is not in [0, 1).

    Examples
    --------
    >>> model = mlp(num_classes=10, input_shape=(1, 28, 28))
    >>> sum(p.size for p in model.parameters())
    235146
    """
    return MLP(input_shape, num_classes, sparsity, np.random.default_rng(seed))


def small_cnn(
    num_classes: int = 10, input_shape: Shape = (1, 28, 28), sparsity: float = 0.0, seed: int = 0
) -> SmallCNN:
    """Build a small convolutional network: (C, H, W, N) images -> (num_classes, N) logits.

    It trains many times faster than the networks of the paper. Instead of pooling, two of its convolutions step over
    every other pixel, so that an image may be as small as one pixel.

    Parameters
    ----------
    num_classes : int
        The number of classes.
    input_shape : tuple of int
        (C, H, W) of an image; any will do.
    sparsity : float
        The sparsity of the last two convolutions and the first linear layer, 0 <= sparsity < 1; the first convolution
        and the classifier are dense. 0 builds a plain dense network.
    seed : int
        Draws the weights: the same seed gives the same weights, whatever the sparsity.

    Returns
    -------
    SmallCNN
        The model, in training mode.

    Raises
    ------
    ValueError
        `sparsity` is not in [0, 1).

    Examples
    --------
    >>> model = small_cnn(num_classes=10, input_shape=(1, 28, 28))
    >>> sum(p.size for p in model.parameters())
    115114
    """
    return SmallCNN(input_shape, num_classes, sparsity, np.random.default_rng(seed))
