"""Whole training side by side: PyTorch trains what we train, turns change nothing, validation chooses rates."""

from dataclasses import replace

import numpy as np
import pytest

from minizerofl.fl import ConfigError, DivergedError, Round, Settings
from minizerofl.fl.round import Outcome
from minizerofl_cli.bench import blazefl
from minizerofl_cli.bench.federation import Contestant, Federation, Spent, race, search
from minizerofl_cli.bench.federation_report import speed_lines

DENSE = Settings(
    rounds=2,
    clients_per_round=2,
    batch_size=6,
    lr_start=0.05,
    lr_end=0.02,
    sparsity=0.0,
    uplink="full",
    validation_samples=0,
    masks_every=0,
    seed=3,
)


class Pictures:
    """Three clients with noisy pictures of as many classes; each client has its own number of them."""

    class_names = ("a", "b", "c")
    clients = test_clients = ("one", "two", "three")

    def __init__(self, shape: tuple[int, int, int], validation: int = 12) -> None:
        self.input_shape = shape
        self.held_out = validation

    def num_train(self, client: str) -> int:
        return 9 + 6 * self.clients.index(client)

    def num_test(self, client: str) -> int:
        return 10

    def train(self, client: str):
        return self._draw(client, self.num_train(client), 0)

    def validation(self, client: str):
        return self._draw(client, self.held_out, 1)

    def test(self, client: str | None = None):
        parts = [self._draw(each, 10, 2) for each in ([client] if client else self.clients)]
        return tuple(np.concatenate(columns) for columns in zip(*parts, strict=True))

    def augment(self, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return x + rng.normal(0, 0.1, x.shape).astype(np.float32)

    def _draw(self, client: str, n: int, part: int):
        rng = np.random.default_rng([self.clients.index(client), part])
        y = rng.integers(0, 3, n)
        marks = np.random.default_rng(0).normal(0, 1, (3, *self.input_shape))
        return (marks[y] + rng.normal(0, 1, (n, *self.input_shape))).astype(np.float32), y


def federation(model: str = "mlp", shape: tuple[int, int, int] = (1, 8, 8), workers: int = 1) -> Federation:
    return Federation(Pictures(shape), model, workers)


@pytest.mark.parametrize(
    ("model", "shape", "workers", "lr"),
    [
        ("femnist_cnn", (1, 8, 8), 1, 0.01),
        ("femnist_cnn", (1, 8, 8), 2, 0.01),
        ("resnet18", (3, 16, 16), 2, 0.001),  # BatchNorm of so few pixels makes much of rounding.
        (blazefl.MODEL, (3, 32, 32), 2, 0.01),
    ],
)
def test_a_round_of_pytorch_is_a_round_of_ours(model: str, shape: tuple, workers: int, lr: float) -> None:
    pytest.importorskip("torch", reason="PyTorch is not installed; it is compared with where it is")
    side_by_side = federation(model, shape, workers)
    settings = replace(DENSE, local_epochs=2, lr_start=lr, lr_end=lr / 2)
    ours, theirs = (list(side_by_side.run(name, settings)) for name in ("dense", "torch"))
    assert side_by_side.layouts < {"NCHW", "channels_last"}
    for a, b in zip(ours, theirs, strict=True):
        assert (a.round, a.lr, a.clients, a.num_samples) == (b.round, b.lr, b.clients, b.num_samples)
        assert b.train_loss == pytest.approx(a.train_loss, abs=1e-3)
        assert b.score.loss == pytest.approx(a.score.loss, abs=3e-3)
        assert b.downlink_bytes == b.uplink_bytes
        assert 0 <= a.downlink_bytes - b.downlink_bytes < 4_000  # our message has headers
        assert b.uplink_bytes <= a.uplink_bytes < 1.01 * b.uplink_bytes  # Our messages have headers.
        assert b.train_seconds > 0 < b.eval_seconds
    assert ours[1].train_loss != pytest.approx(ours[0].train_loss, abs=1e-2)  # Something was learned.


def test_a_diverging_pytorch_is_told() -> None:
    pytest.importorskip("torch", reason="PyTorch is not installed; it is compared with where it is")
    with pytest.raises(DivergedError, match="round 1: the loss of the global model is"):
        list(federation("femnist_cnn").run("torch", replace(DENSE, lr_start=1e9, lr_end=1e9)))


def test_taking_turns_changes_no_result() -> None:
    contestants = [Contestant("dense", DENSE), Contestant("sparse 0.5", replace(DENSE, sparsity=0.5))]
    lines = []
    race(federation(workers=2), contestants, lines.append)
    for each in contestants:
        alone = list(federation().run(each.name, each.settings))
        assert [r.train_loss for r in each.rounds] == [r.train_loss for r in alone]
        assert [r.score.accuracy for r in each.rounds] == [r.score.accuracy for r in alone]
    assert len(lines) == 2
    assert lines[1].startswith("  round 2/2: dense ")


def test_what_a_round_spends_is_what_its_record_says() -> None:
    contestant = Contestant("dense", replace(DENSE, eval_every=2))
    race(federation(), [contestant], lambda line: None)
    spent = Spent.of(contestant.rounds)
    assert spent.rounds == 2
    assert spent.seconds_with_evaluation == pytest.approx(sum(r.seconds for r in contestant.rounds))
    evaluating = sum(r.eval_seconds for r in contestant.rounds)
    assert spent.seconds == pytest.approx(spent.seconds_with_evaluation - evaluating)
    assert spent.both_bytes - spent.uplink_bytes == sum(r.downlink_bytes for r in contestant.rounds)


def test_speeds_are_medians_of_the_later_rounds_and_ratios_of_turns() -> None:
    def contestant(name: str, seconds: list[float]) -> Contestant:
        clients = (Outcome("a", "accepted", num_samples=13), Outcome("b", "accepted", num_samples=6))
        rounds = [Round(i, 0.1, clients, 0.0, 0, 1.0, train_seconds=s, eval_seconds=1) for i, s in enumerate(seconds)]
        return Contestant(name, DENSE, rounds=rounds)

    race = [contestant("torch", [99.0, 4.0, 4.0, 4.0]), contestant("sparse 0.95", [99.0, 2.0, 1.0, 2.0])]
    lines = [line.split() for line in speed_lines(race, 200)]
    assert lines[2] == ["torch", "15.0", "12.0", "1.0"]  # 4 mini-batches of at most 6 samples in each round
    assert lines[3] == ["sparse", "0.95", "30.0", "20.0", "2.0", "2.00x", "(2.00", "to", "3.00)"]


def test_validation_chooses_the_learning_rate() -> None:
    contestant = Contestant("dense", DENSE)
    lines = []
    search(federation(), contestant, [1e-9, 0.05, 1e9], lines.append)
    assert contestant.settings == DENSE  # 0.05 is its own
    assert list(contestant.searched) == [1e-9, 0.05, 1e9]
    assert contestant.searched[0.05] > contestant.searched[1e-9]
    assert np.isnan(contestant.searched[1e9])
    assert lines[2] == "  dense, LR 1e+09: diverged"


def test_a_search_that_finds_nothing_is_refused() -> None:
    with pytest.raises(ConfigError, match="dense diverged with every learning rate"):
        search(federation(), Contestant("dense", DENSE), [1e9], lambda line: None)
    with pytest.raises(ConfigError, match="no validation samples"):
        search(Federation(Pictures((1, 8, 8), 0), "mlp", 1), Contestant("dense", DENSE), [0.1], lambda line: None)


def test_who_diverges_is_named() -> None:
    wild = Contestant("sparse 0.5", replace(DENSE, sparsity=0.5, lr_start=1e9, lr_end=1e9))
    with pytest.raises(DivergedError, match=r"sparse 0\.5: round 1"):
        race(federation(), [Contestant("dense", DENSE), wild], lambda line: None)
