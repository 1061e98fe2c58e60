"""The public speed test of BlazeFL, a simulator of federated learning: its network, its set-up, its published times.

All of 100 clients train in each of 5 rounds, for 5 local epochs, on CIFAR-10 that was sorted by label and dealt in 200
shards. The set-up and the machine are those of BlazeFL's repository (benchmarks/ and README.md); the times were read
off its charts. They are those of the whole loop, with an evaluation on all test pictures after each round.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from minizerofl import ops
from minizerofl.autograd.tensor import Tensor
from minizerofl.fl import Settings
from minizerofl.fl.data import Samples
from minizerofl.models.layers import linear
from minizerofl.nn import Conv2d, Flatten, MaxPool2d, Module, SparseConv2d
from minizerofl_cli.runs.dataset import Option, load
from minizerofl_datasets import FederatedDataset

CLIENTS, ROUNDS = 100, 5
PASSES = 1_250_000  # samples that the clients go through, all epochs and rounds
MODEL = f"{__name__}:blazefl_cnn"
MACHINE = "AMD EPYC 7542 (32 cores), 256 GB, 4 Quadro RTX 6000"


@dataclass(frozen=True)
class Published:
    """A published time, in seconds with evaluation."""

    name: str
    workers: int
    seconds: float


TIMES = (
    Published("BlazeFL", 1, 168),
    Published("Flower", 1, 378),
    Published("BlazeFL", 16, 24),
    Published("Flower", 16, 65),
)


class BlazeflCNN(Module):
    """Two 5x5 convolutions without padding, each with pooling, and three linear layers; see `blazefl_cnn`."""

    def __init__(self, num_classes: int, sparsity: float, rng: np.random.Generator) -> None:
        self.conv1 = Conv2d(3, 6, 5, rng=rng)
        self.conv2 = SparseConv2d(6, 16, 5, rng=rng, sparsity=sparsity) if sparsity else Conv2d(6, 16, 5, rng=rng)
        self.pool = MaxPool2d(2)
        self.flatten = Flatten()
        self.linear1 = linear(400, 120, sparsity, rng)
        self.linear2 = linear(120, 84, sparsity, rng)
        self.classifier = linear(84, num_classes, 0.0, rng)

    def forward(self, x: Tensor) -> Tensor:
        """Compute the logits."""
        x = self.pool(ops.relu(self.conv1(x)))  # (3, 32, 32, N) -> (6, 14, 14, N)
        x = self.pool(ops.relu(self.conv2(x)))  # -> (16, 5, 5, N)
        x = ops.relu(self.linear1(self.flatten(x)))  # -> (120, N)
        x = ops.relu(self.linear2(x))  # -> (84, N)
        return self.classifier(x)  # -> (classes, N)


def blazefl_cnn(num_classes: int = 10, sparsity: float = 0.0, seed: int = 0) -> BlazeflCNN:
    """Build the network of the speed test, for (3, 32, 32, N) images.

    Parameters
    ----------
    num_classes : int
        The number of classes.
    sparsity : float
        The sparsity of the second convolution and of the first two linear layers; 0 builds the test's own network.
    seed : int
        Draws the weights.

    Examples
    --------
    >>> sum(p.size for p in blazefl_cnn().parameters())
    62006
    """
    return BlazeflCNN(num_classes, sparsity, np.random.default_rng(seed))


class WholeData:
    """A data set whose clients train on all of their training samples, none held out for validation.

    Examples
    --------
    >>> data = load("cifar10", "synthetic", None, "ink", 0, 1)
    >>> WholeData(data).num_train(data.clients[0]) - data.num_train(data.clients[0])
    20
    """

    def __init__(self, data: FederatedDataset) -> None:
        self._data = data
        self.clients: Sequence[str] = data.clients
        self.test_clients: Sequence[str] = data.test_clients
        self.class_names, self.input_shape = data.class_names, data.input_shape
        self.num_test, self.test = data.num_test, data.test
        self._sizes = {client: self.train(client)[1].size for client in data.clients}

    def num_train(self, client: str) -> int:
        """Return how many training samples a client has."""
        return self._sizes[client]

    def train(self, client: str) -> Samples:
        """Return a client's training samples."""
        (x, y), (held_x, held_y) = self._data.train(client), self._data.validation(client)
        return np.concatenate([x, held_x]), np.concatenate([y, held_y])

    def validation(self, client: str) -> Samples:
        """Return no samples."""
        return np.empty((0, *self.input_shape), np.float32), np.empty(0, np.int64)


def read_data(data_dir: Path | None, clients: int | None, seed: int) -> FederatedDataset:
    """Load CIFAR-10 in 200 shards, two for each client, without augmentation."""
    options: dict[str, Option] = {
        "partition": "shards",
        "num_clients": CLIENTS,
        "shards_per_client": 2,
        "augment": False,
    }
    return load("cifar10", "real" if data_dir else "synthetic", data_dir, "ink", seed, clients, options=options)


def make_settings(rounds: int | None, clients: int | None, seed: int) -> Settings:
    """Return the settings of the test, for dense training."""
    return Settings(
        rounds=rounds or ROUNDS,
        clients_per_round=clients or CLIENTS,
        local_epochs=5,
        batch_size=50,
        lr_start=0.1,
        lr_end=0.1,
        sparsity=0.0,
        uplink="full",
        validation_samples=0,
        masks_every=0,
        seed=seed,
        init_seed=seed,
    )
