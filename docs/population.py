"""A federation of any number of virtual clients: each is made when it is asked for, and none is kept.

    python docs/population.py 1000000

prints: clients, seconds to set up, seconds a round, peak memory in MB.
"""

import sys
import time
from collections.abc import Sequence

import numpy as np

from minizerofl.fl import Settings, Simulation
from minizerofl.fl.measures.costs import peak_bytes

PIXELS, CLASSES, SAMPLES = (1, 28, 28), 10, 20


class Names(Sequence):
    """The ids of the clients, made when asked for."""

    def __init__(self, count: int) -> None:
        self.count = count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, i: int) -> str:
        if not 0 <= i < self.count:
            raise IndexError(i)
        return f"virtual-{i}"


class Population:
    """Clients with twenty pictures each: a bright spot, whose place is the class, in noise."""

    test_clients = ("tester",)

    def __init__(self, count: int) -> None:
        self.clients = Names(count)

    def num_train(self, client: str) -> int:
        """Return how many training samples a client has."""
        return SAMPLES

    def num_test(self, client: str) -> int:
        """Return how many test samples a client has."""
        return 200

    def train(self, client: str) -> tuple[np.ndarray, np.ndarray]:
        """Make a client's training samples."""
        return self._draw(int(client.removeprefix("virtual-")), SAMPLES)

    def validation(self, client: str) -> tuple[np.ndarray, np.ndarray]:
        """Make a client's validation samples."""
        return self._draw(int(client.removeprefix("virtual-")) + 2**32, 2)

    def test(self, client: str | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Make the test samples."""
        return self._draw(2**40, 200)

    def _draw(self, seed: int, n: int) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng(seed)
        y = rng.integers(CLASSES, size=n)
        x = 0.1 * rng.random((n, *PIXELS), dtype=np.float32)
        x[np.arange(n), 0, 10, 2 * y + 4] = 1.0
        return x, y


def main() -> None:
    """Run four rounds of ten clients."""
    count = int(sys.argv[1])
    started = time.perf_counter()
    settings = Settings(rounds=4, clients_per_round=10, validation_samples=50, eval_every=4)
    simulation = Simulation(Population(count), "femnist_cnn", settings, num_classes=CLASSES)
    ready = time.perf_counter() - started
    rounds = list(simulation.run())
    seconds = sorted(round.train_seconds + round.aggregate_seconds for round in rounds)[1]
    print(f"{count:9} {ready:.2f} {seconds:.2f} {peak_bytes() / 1e6:.0f}")


if __name__ == "__main__":
    main()
