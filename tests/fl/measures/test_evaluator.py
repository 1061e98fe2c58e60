"""Evaluations of a run: which samples, and the numbers beside the accuracy."""

from collections.abc import Callable

import numpy as np
import pytest

from minizerofl import Tensor
from minizerofl.fl import Evaluation, Settings, Simulation
from minizerofl.fl.measures.evaluator import Evaluator
from minizerofl.fl.measures.scores import ClientAccuracy
from minizerofl.models import build


def _literal(run: Simulation, data: object, sparsity: float) -> Evaluation:
    """Score the run's state sample by sample."""
    model = build("tiny", sparsity=sparsity, seed=0)
    model.load_state_dict(run.state)
    model.eval()
    x, y = data.test()
    logits = np.stack([model(Tensor(each[:, None])).data[:, 0] for each in x])  # (N, 10) -> (N, classes)
    correct = logits.argmax(axis=1) == y
    losses = np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(y.size), y]
    per_class = [correct[y == label].mean() for label in np.unique(y)]
    per_client = sorted(part.mean() for part in np.split(correct, len(data.clients)))
    p10 = 0.6 * per_client[0] + 0.4 * per_client[1]  # 0.1 * (5 - 1) = 0.4: between the worst two of five clients
    by_client = ClientAccuracy(len(per_client), np.mean(per_client), p10, per_client[0])
    return Evaluation(y.size, correct.mean(), losses.mean(), np.mean(per_class), by_client)


@pytest.mark.parametrize(("name", "sparsity"), [("score", 0.5), ("dense_score", 0.0)])
def test_numbers_against_one_sample_at_a_time(
    simulate: Callable[..., Simulation], tiny_data: type, name: str, sparsity: float
) -> None:
    data = tiny_data()
    run = simulate(data, rounds=1, eval_dense=True, workers=2)
    (round,) = run.run()
    found, expected = getattr(round, name), _literal(run, data, sparsity)
    numbers = [{**vars(each), **vars(each.by_client), "by_client": 0} for each in (found, expected)]
    assert numbers[0] == pytest.approx(numbers[1], rel=1e-5)


def test_test_samples_are_read_once(tiny_data: type) -> None:
    class Counting(tiny_data):
        reads = 0

        def test(self, client: str | None = None) -> tuple[np.ndarray, np.ndarray]:
            self.reads += 1
            return super().test(client)

    data = Counting()
    evaluator = Evaluator(data, Settings(eval_samples=50))
    subset = evaluator.test(whole=False)
    assert evaluator.test(whole=False) is subset
    assert (subset.y.size, data.reads) == (50, 1)
    assert evaluator.test(whole=True).y.size == 600
    assert evaluator.test(whole=True) is evaluator.test(whole=True)
    assert data.reads == 2

    data.reads = 0
    evaluator = Evaluator(data, Settings(eval_samples=600))  # all there are
    assert evaluator.test(whole=False) is evaluator.test(whole=True)
    assert data.reads == 1


def test_a_subset_keeps_its_clients(tiny_data: type) -> None:
    data = tiny_data(count=3)
    panel = Evaluator(data, Settings(eval_samples=40)).test(whole=False)
    x, _ = data.test()
    for sample, client in zip(panel.x, panel.clients, strict=True):
        (place,) = np.flatnonzero((x == sample).all(axis=1))
        assert place // 200 == client


def test_validation_samples_are_the_same_in_every_round_and_as_many_as_asked_for(tiny_data: type) -> None:
    one, two = (Evaluator(tiny_data(), Settings(validation_samples=5, seed=1)).validation() for _ in range(2))
    assert one is not None
    assert two is not None
    assert one.y.size == 5
    np.testing.assert_array_equal(one.x, two.x)
    everything = Evaluator(tiny_data(), Settings(validation_samples=500)).validation()
    assert everything is not None
    assert everything.y.size == 2 * 5
