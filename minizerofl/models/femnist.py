"""The convolutional network that LEAF uses for FEMNIST (Caldas et al., 2018; ZeroFL, appendix A.6)."""

from __future__ import annotations

import numpy as np

from minizerofl import ops
from minizerofl.autograd.tensor import Tensor
from minizerofl.models.layers import conv, linear
from minizerofl.nn import Flatten, MaxPool2d, Module

INPUT = (1, 28, 28)  # a picture of FEMNIST: one channel, 28 x 28 pixels
SMALLEST = 4  # pixels: two poolings leave one of them


class FemnistCNN(Module):
    """Two 5x5 convolutions with pooling, a wide linear layer and a classifier; see `femnist_cnn`.

    Examples
    --------
    >>> model = FemnistCNN(10, 0.95, np.random.default_rng(0))
    >>> model.linear1
    SparseLinear(in_features=3136, out_features=2048, sparsity=0.95, activation_sparsity=None)
    """

    def __init__(
        self,
        num_classes: int,
        sparsity: float,
        rng: np.random.Generator,
        input_shape: tuple[int, int, int] = INPUT,
    ) -> None:
        channels, height, width = input_shape
        if min(height, width) < SMALLEST:
            raise ValueError(
                f"femnist_cnn: input_shape is {input_shape}, expected (C, H, W) with H and W of at least {SMALLEST} "
                "pixels; take another model, such as mlp"
            )
        self.conv1 = conv(channels, 32, 5, sparsity, rng)
        self.conv2 = conv(32, 64, 5, sparsity, rng)
        self.pool = MaxPool2d(2)
        self.flatten = Flatten()
        self.linear1 = linear(64 * (height // 4) * (width // 4), 2048, sparsity, rng)
        self.linear2 = linear(2048, num_classes, 0.0, rng)

    def forward(self, x: Tensor) -> Tensor:
        """Compute the logits. Pooling before the ReLU gives the same as after it, for a quarter of the ReLU's work."""
        x = ops.relu(self.pool(self.conv1(x)))  # (C, H, W, N) -> (32, H/2, W/2, N), for FEMNIST (32, 14, 14, N)
        x = ops.relu(self.pool(self.conv2(x)))  # -> (64, H/4, W/4, N), for FEMNIST (64, 7, 7, N)
        x = self.flatten(x)  # -> (64 * H/4 * W/4, N), for FEMNIST (3136, N)
        x = ops.relu(self.linear1(x))  # -> (2048, N)
        return self.linear2(x)  # (2048, N) -> (classes, N)


def femnist_cnn(
    num_classes: int = 62,
    sparsity: float = 0.0,
    seed: int = 0,
    input_shape: tuple[int, int, int] = INPUT,
) -> FemnistCNN:
    """Build the FEMNIST network: (C, H, W, N) images -> (num_classes, N) logits.

    With FEMNIST's 1 x 28 x 28 pixels and 62 classes it has 6,603,710 parameters, 97 % of them in the first linear
    layer, which grows with H and W.

    Parameters
    ----------
    num_classes : int
        The number of classes.
    sparsity : float
        The sparsity of both convolutions and the first linear layer (ZeroFL, appendix A.6), 0 <= sparsity < 1; the
        classifier is dense. 0 builds a plain dense network.
    seed : int
        Draws the weights: the same seed gives the same weights, whatever the sparsity.
    input_shape : tuple of int
        (C, H, W) of an image; H and W are at least 4 pixels.

    Returns
    -------
    FemnistCNN
        The model, in training mode.

    Raises
    ------
    ValueError
        `sparsity` is not in [0, 1), or an image is too small.

    Examples
    --------
    >>> model = femnist_cnn(sparsity=0.95)
    >>> sum(p.size for p in model.parameters())
    6603710
    """
    return FemnistCNN(num_classes, sparsity, np.random.default_rng(seed), input_shape)
