"""Augmentation: each mini-batch is changed by a generator of its own, which seed, round and client decide."""

import numpy as np
import pytest

from minizerofl import nn
from minizerofl.choices import UPLINKS
from minizerofl.fl import Client, Settings
from minizerofl.fl.seeds import Purpose, generator


class Recorder:
    """Moves every sample by a random number and remembers which."""

    def __init__(self) -> None:
        self.moves: list[float] = []
        self.sizes: list[int] = []

    def augment(self, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        self.moves.append(rng.random())
        self.sizes.append(len(x))
        return x + np.float32(self.moves[-1])


def train(augmenting: Recorder | None, round: int = 1, name: str = "me", seed: int = 0) -> bytes:
    x, y = np.ones((5, 4), np.float32), np.arange(5) % 3
    model = nn.Linear(4, 3, rng=np.random.default_rng(0))
    client = Client(name, (x, y), UPLINKS["full"]({}, 0.2), Settings(batch_size=2, seed=seed), augmenting=augmenting)
    message = client.train(model, model.state_dict(), round, lr=0.5).message
    assert (x == 1).all()
    return message


def test_every_mini_batch_is_changed_by_the_generator_of_its_purpose():
    recorder = Recorder()
    train(recorder, round=3, name="writer", seed=7)
    rng = generator(7, 3, "writer", Purpose.AUGMENT)
    assert recorder.moves == [rng.random() for _ in range(3)]
    assert recorder.sizes == [2, 2, 1]


def test_what_is_trained_on_is_what_was_changed():
    assert train(Recorder()) == train(Recorder())
    assert train(Recorder()) != train(None)


@pytest.mark.parametrize("other", [{"round": 2}, {"name": "you"}, {"seed": 1}])
def test_round_client_and_seed_decide(other):
    first, second = Recorder(), Recorder()
    train(first)
    train(second, **other)
    assert first.moves != second.moves


def test_the_simulation_asks_the_data_set(simulate, tiny_data):
    class Augmented(Recorder, tiny_data):
        def __init__(self) -> None:
            Recorder.__init__(self)
            tiny_data.__init__(self)

    def losses(data: object) -> list[float]:
        return [round.train_loss for round in simulate(data, rounds=2).run()]

    data = Augmented()
    changed = losses(data)
    assert data.moves
    assert changed == losses(Augmented())
    assert changed != losses(tiny_data())
