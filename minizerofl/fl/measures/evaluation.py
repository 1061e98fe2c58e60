"""How good a model is: accuracy and mean cross-entropy on test samples, with the sparse weights it trains with."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from minizerofl import ops
from minizerofl.autograd.op import no_grad
from minizerofl.autograd.tensor import Tensor
from minizerofl.fl.data import Samples, batch_last
from minizerofl.fl.measures.scores import ClientAccuracy, balanced_accuracy, client_accuracy
from minizerofl.nn import Module

BATCH = 64  # test samples at a time, so that their activations fit into the cache


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
        The model. Its sparse layers use their largest weights, as in training (paper, section 4.3).
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
    correct, total_loss = classify(model, samples)
    return Score(correct.size, int(np.count_nonzero(correct)), total_loss)


def classify(model: Module, samples: Samples) -> tuple[NDArray[np.bool_], float]:
    """Return which samples are classified right, and the sum of their cross-entropies in nats; see `evaluate`."""
    x, y = samples
    parts, total_loss = [np.empty(0, np.bool_)], 0.0
    model.eval()
    with no_grad(), np.errstate(all="ignore"):  # A loss that is not finite is reported.
        for first in range(0, y.size, BATCH):
            labels = y[first : first + BATCH]
            logits = model(Tensor(batch_last(x[first : first + BATCH])))
            total_loss += ops.cross_entropy(logits, labels).item() * labels.size
            parts.append(logits.data.argmax(axis=0) == labels)
    return np.concatenate(parts), total_loss


@dataclass(frozen=True)
class Evaluation:
    """How good a model is, over classes and clients as well; false where nothing was evaluated.

    Attributes
    ----------
    samples : int
        On how many samples; 0 if nothing was evaluated. The numbers below are then NaN, which plots leave out.
    accuracy : float
        The share that was classified right, 0 to 1.
    loss : float
        The mean cross-entropy, in nats.
    balanced_accuracy : float
        The mean of the classes' accuracies.
    by_client : ClientAccuracy or None
        The accuracies of the clients that have samples; None where samples belong to no client.

    Examples
    --------
    >>> Evaluation().accuracy, bool(Evaluation()), bool(Evaluation(10, accuracy=0.0, loss=2.3))
    (nan, False, True)
    """

    samples: int = 0
    accuracy: float = math.nan
    loss: float = math.nan
    balanced_accuracy: float = math.nan
    by_client: ClientAccuracy | None = None

    def __bool__(self) -> bool:
        return self.samples > 0


def summarise(
    labels: NDArray[np.int64],
    clients: NDArray[np.int64] | None,
    parts: Iterable[tuple[NDArray[np.bool_], float]],
) -> Evaluation:
    """Summarise the results of `classify`.

    Parameters
    ----------
    labels : (n,) int64
        The labels of all samples.
    clients : (n,) int64 or None
        The number of each sample's client.
    parts : iterable of (bool array, float)
        The results, in the order of the samples.

    Examples
    --------
    >>> answers = [(np.array([True, False]), 1.0), (np.array([True]), 0.5)]
    >>> evaluation = summarise(np.array([0, 0, 1]), None, answers)
    >>> evaluation.samples, evaluation.loss, evaluation.balanced_accuracy
    (3, 0.5, 0.75)
    """
    answers = list(parts)
    correct = np.concatenate([each for each, _ in answers])
    return Evaluation(
        samples=labels.size,
        accuracy=int(np.count_nonzero(correct)) / labels.size,
        loss=sum(loss for _, loss in answers) / labels.size,
        balanced_accuracy=balanced_accuracy(labels, correct)[0],
        by_client=None if clients is None else client_accuracy(clients, correct),
    )
