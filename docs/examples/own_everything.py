"""A data set, two models and an uplink of your own, trained by ZeroFL in a minute."""

import numpy as np

from minizerofl import nn
from minizerofl.fl import UPLINKS, Context, Settings, Simulation, TopKWeights
from minizerofl.fl.data import Array, Samples


class Bars:  # a client has grey pictures of 16 x 16 pixels: a bright bar in noise, whose row is the class
    clients = test_clients = tuple(f"client-{i}" for i in range(8))
    class_names = ("top", "upper", "lower", "bottom")

    def num_train(self, client: str) -> int:
        return 60

    def num_test(self, client: str) -> int:
        return 20

    def train(self, client: str) -> Samples:
        return self.draw(client, 60, 0)

    def validation(self, client: str) -> Samples:
        return self.draw(client, 10, 1)

    def test(self, client: str | None = None) -> Samples:
        parts = [self.draw(each, 20, 2) for each in (self.test_clients if client is None else [client])]
        return np.concatenate([x for x, _ in parts]), np.concatenate([y for _, y in parts])

    def draw(self, client: str, n: int, part: int) -> Samples:
        rng = np.random.default_rng([self.clients.index(client), part])
        y = rng.integers(4, size=n)
        x = rng.random((n, 1, 16, 16), dtype=np.float32) - 0.5
        x[np.arange(n), 0, 4 * y + 1] += 0.5
        return x, y


def mlp(num_classes: int, sparsity: float, seed: int) -> nn.Module:
    rng = np.random.default_rng(seed)
    hidden = nn.SparseLinear(16 * 16, 64, rng=rng, sparsity=sparsity)
    return nn.Sequential(nn.Flatten(), hidden, nn.ReLU(), nn.Linear(64, num_classes, rng=rng))


def cnn(num_classes: int, sparsity: float, seed: int) -> nn.Module:
    rng = np.random.default_rng(seed)
    conv = nn.SparseConv2d(1, 16, kernel_size=3, stride=4, rng=rng, sparsity=sparsity)  # -> (16, 4, 4, N)
    return nn.Sequential(conv, nn.ReLU(), nn.Flatten(), nn.Linear(16 * 4 * 4, num_classes, rng=rng))


class Grown(TopKWeights):  # sends the largest of the weights that have grown
    def rank(self, name: str, start: Array, end: Array, ctx: Context) -> Array:
        return np.where(np.abs(end) > np.abs(start), end, np.float32(0))


if __name__ == "__main__":
    UPLINKS["grown"] = Grown
    settings = Settings(rounds=5, clients_per_round=4, sparsity=0.8, uplink="grown")
    for build in (mlp, cnn):
        for round in Simulation(Bars(), build, settings).run():
            print(build.__name__, round.round, round.score and round.score.accuracy)
