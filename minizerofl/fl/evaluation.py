"""How good a model is: accuracy and mean cross-entropy on test samples, with the sparse weights it trains with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from minizerofl import ops
from minizerofl.autograd.tensor import Tensor, no_grad
from minizerofl.fl.data import Samples, batch_last
from minizerofl.nn import Module

BATCH = 256  # test samples at a time


@dataclass(frozen=True)
class Score:
    """Sums over test samples, so that the scores of parts add up.

    Attributes
    ----------
    samples, correct : int
        How many samples, and how many of them were classified right.
    total_loss : float
        The sum of their cross-entropies, in nats.
    """

    samples: int = 0
    correct: int = 0
    total_loss: float = 0.0

    @property
    def accuracy(self) -> float:
        """The share that was classified right, 0 to 1."""
        return self.correct / self.samples

    @property
    def loss(self) -> float:
        """The mean cross-entropy, in nats."""
        return self.total_loss / self.samples

    def __add__(self, other: Score) -> Score:
        return Score(self.samples + other.samples, self.correct + other.correct, self.total_loss + other.total_loss)


def evaluate(model: Module, samples: Samples) -> Score:
    """Score a model on samples, in evaluation mode and without recording a graph.

    Parameters
    ----------
    model : Module
        The model. Its sparse layers use their largest weights, as in training (paper, section 3.1).
    samples : tuple of array
        x (n, ...) float32 and y (n,) int64.

    Returns
    -------
    Score
        Counts and loss.

    Examples
    --------
    >>> from minizerofl import nn
    >>> model = nn.Linear(2, 2, rng=np.random.default_rng(0))
    >>> evaluate(model, (np.eye(2, dtype=np.float32), np.array([0, 1]))).samples
    2
    """
    x, y = samples
    score = Score()
    model.eval()
    with no_grad(), np.errstate(all="ignore"):  # a loss that is not finite is the answer
        for first in range(0, y.size, BATCH):
            labels = y[first : first + BATCH]
            logits = model(Tensor(batch_last(x[first : first + BATCH])))
            loss = ops.cross_entropy(logits, labels).item()
            correct = int(np.count_nonzero(logits.data.argmax(axis=0) == labels))
            score += Score(labels.size, correct, loss * labels.size)
    return score
