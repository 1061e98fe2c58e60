"""A tiny federation: a few clients with random samples of ten pixels, and a small sparse model."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from minizerofl import nn
from minizerofl.fl import UPLINKS, Settings, Simulation
from minizerofl.models import MODELS

CLASSES, PIXELS = 3, 10


class TinyData:
    """Clients with 3 to 8 samples each; the class is the largest of the first three pixels."""

    def __init__(self, count: int = 5, scale: float = 1.0) -> None:
        self.clients = self.test_clients = tuple(f"client{i}" for i in range(count))
        self.scale = scale

    def num_train(self, client: str) -> int:
        return 3 + self.clients.index(client) % 6

    def train(self, client: str) -> tuple[np.ndarray, np.ndarray]:
        return self._draw(self.clients.index(client), self.num_train(client))

    def validation(self, client: str) -> tuple[np.ndarray, np.ndarray]:
        return self._draw(2000 + self.clients.index(client), 2)

    def num_test(self, client: str) -> int:
        return 600 // len(self.clients)

    def test(self, client: str | None = None) -> tuple[np.ndarray, np.ndarray]:
        return self._draw(1000, 600 // len(self.clients) * len(self.clients))

    def _draw(self, seed: int, n: int) -> tuple[np.ndarray, np.ndarray]:
        x = np.random.default_rng(seed).standard_normal((n, PIXELS)).astype(np.float32)
        return self.scale * x, x[:, :CLASSES].argmax(axis=1)


def tiny_model(sparsity: float, seed: int) -> nn.Module:
    rng = np.random.default_rng(seed)
    return nn.Sequential(
        nn.SparseLinear(PIXELS, 20, sparsity=sparsity, rng=rng), nn.ReLU(), nn.Linear(20, CLASSES, rng=rng)
    )


@pytest.fixture
def tiny_data() -> type[TinyData]:
    return TinyData


@pytest.fixture
def simulate() -> Iterator[Callable[..., Simulation]]:
    """Make a simulation of the tiny federation; settings as keywords, beside those that the uplink needs."""

    def make(data: TinyData | None = None, workers: int = 1, engine: str = "threads", **settings: object) -> Simulation:
        uplink = UPLINKS[str(settings.get("uplink", "topk-weights"))]
        defaults = {"rounds": 3, "clients_per_round": 3, "batch_size": 2, "sparsity": 0.5}
        needed = {name: values[0] for name, values in uplink.needed.items()}
        chosen = Settings(**{**defaults, **needed, **settings})
        return Simulation(data or TinyData(), "tiny", chosen, workers, engine)

    MODELS["tiny"] = tiny_model
    yield make
    del MODELS["tiny"]
