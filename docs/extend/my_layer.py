"""A layer of your own, and a network of it."""

import numpy as np

from minizerofl import Tensor, nn, ops


class Residual(nn.Module):
    """y = x + g relu(W_top^T x + b): a sparse layer beside a shortcut, with a learned gain g for each feature."""

    def __init__(self, features: int, sparsity: float, rng: np.random.Generator) -> None:
        self.linear = nn.SparseLinear(features, features, rng=rng, sparsity=sparsity)
        self.gain = Tensor(np.full((features, 1), 0.5, np.float32), requires_grad=True)

    def forward(self, x: Tensor) -> Tensor:
        """Compute y, (features, N); the backward pass follows from the operations."""
        return x + self.gain * ops.relu(self.linear(x))


def network(num_classes: int, sparsity: float = 0.0, seed: int = 0) -> nn.Module:
    """Build a network for FEMNIST: 784 pixels, 128 features, two layers of ours."""
    rng = np.random.default_rng(seed)
    blocks = Residual(128, sparsity, rng), Residual(128, sparsity, rng)
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 128, rng=rng), *blocks, nn.Linear(128, num_classes, rng=rng))
