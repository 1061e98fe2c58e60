"""A model of your own: a function that builds it."""

import numpy as np

from minizerofl import nn


def small_cnn(num_classes: int, in_channels: int = 1, sparsity: float = 0.0, seed: int = 0) -> nn.Module:
    """Build a network for images (in_channels, 28, 28, N); `sparsity` and `seed` must be arguments."""
    rng = np.random.default_rng(seed)
    return nn.Sequential(
        nn.Conv2d(in_channels, 8, kernel_size=5, padding=2, rng=rng),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.SparseConv2d(8, 16, kernel_size=5, padding=2, rng=rng, sparsity=sparsity),
        nn.ReLU(),
        nn.Sequential(nn.MaxPool2d(2), nn.Flatten()),
        nn.SparseLinear(16 * 7 * 7, 64, rng=rng, sparsity=sparsity),
        nn.ReLU(),
        nn.Linear(64, num_classes, rng=rng),
    )
