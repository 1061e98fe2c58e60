"""Two models of your own, an MLP and a CNN, trained by ZeroFL. It takes less than a minute."""

import math

import numpy as np

import minizerofl_datasets
from minizerofl import Tensor, nn, ops
from minizerofl.fl import Settings, Simulation


def mlp(num_classes: int, input_shape: tuple[int, ...], sparsity: float = 0.0, seed: int = 0) -> nn.Module:
    """Build a multilayer perceptron for images (C, H, W, N); the batch N is the last axis."""
    rng = np.random.default_rng(seed)
    return nn.Sequential(
        nn.Flatten(),  # (C, H, W, N) -> (C*H*W, N)
        nn.SparseLinear(math.prod(input_shape), 128, rng=rng, sparsity=sparsity),
        nn.ReLU(),
        nn.Linear(128, num_classes, rng=rng),
    )


class CNN(nn.Module):
    """A convolutional network; a class is a builder too."""

    def __init__(self, num_classes: int, in_channels: int, sparsity: float = 0.0, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        self.conv1 = nn.Conv2d(in_channels, 16, kernel_size=5, padding=2, rng=rng)
        self.conv2 = nn.SparseConv2d(16, 32, kernel_size=5, padding=2, rng=rng, sparsity=sparsity)
        self.pool, self.flatten = nn.MaxPool2d(2), nn.Flatten()
        self.classifier = nn.Linear(32 * 7 * 7, num_classes, rng=rng)

    def forward(self, x: Tensor) -> Tensor:
        """Compute the logits, (classes, N)."""
        x = ops.relu(self.pool(self.conv1(x)))  # (C, 28, 28, N) -> (16, 14, 14, N)
        x = ops.relu(self.pool(self.conv2(x)))  # -> (32, 7, 7, N)
        return self.classifier(self.flatten(x))  # -> (1568, N) -> (classes, N)


def main() -> None:
    """Check both models, and train them for two rounds."""
    data = minizerofl_datasets.load("femnist", source="synthetic", clients=20)
    settings = Settings(rounds=2, clients_per_round=10, sparsity=0.9)
    for build in (mlp, CNN):
        simulation = Simulation(data, build, settings)
        nn.check_module(simulation.build_model(), (*data.input_shape, 2))  # two images; raises if a layer is wrong
        print(f"{build.__name__}: {sum(array.size for array in simulation.state.values()):,} parameters")
        for round in simulation.run():
            if round.score:
                print(f"  round {round.round}: accuracy {100 * round.score.accuracy:.1f} %")


if __name__ == "__main__":
    main()
