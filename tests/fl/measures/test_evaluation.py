"""Scores: sums over batches, the sparse weights, and no trace left behind."""

import numpy as np
import pytest

from minizerofl import Tensor, nn, ops
from minizerofl.fl import Score, evaluate
from minizerofl.fl.measures import evaluation


@pytest.mark.parametrize("n", [1, evaluation.BATCH, evaluation.BATCH + 3])
def test_the_score_is_that_of_all_samples_at_once(n: int) -> None:
    rng = np.random.default_rng(n)
    model = nn.Sequential(nn.SparseLinear(8, 6, sparsity=0.8, rng=rng), nn.ReLU(), nn.Linear(6, 3, rng=rng))
    x, y = rng.standard_normal((n, 8)).astype(np.float32), rng.integers(0, 3, n)
    score = evaluate(model, (x, y))
    logits = model(Tensor(x.T.copy()))
    assert score.samples == n
    assert score.correct == np.count_nonzero(logits.data.argmax(axis=0) == y)
    np.testing.assert_allclose(score.loss, ops.cross_entropy(logits, y).item(), rtol=1e-5)
    assert score.accuracy == score.correct / n


def test_dropout_is_off() -> None:
    model = nn.Dropout(0.9, rng=np.random.default_rng(0))
    x = np.eye(5, dtype=np.float32)
    assert evaluate(model, (x, np.arange(5))).accuracy == 1


def test_scores_add_up() -> None:
    assert Score(2, 1, 3.0) + Score(1, 1, 1.0) == Score(3, 2, 4.0)
