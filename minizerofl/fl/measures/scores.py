"""What an accuracy is compared with: the majority class, the mean over classes, the mean and the worst clients."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from minizerofl.fl.errors import ConfigError

Labels = NDArray[np.int64]


@dataclass(frozen=True)
class Majority:
    """The majority class, the most frequent one, and its share: the accuracy of always answering with it."""

    label: int
    share: float


def majority_class(labels: Labels) -> Majority:
    """Find the majority class; of several, the lowest label.

    Parameters
    ----------
    labels : (n,) int64
        The labels of the test set.

    Raises
    ------
    ConfigError
        There are no test samples.

    Examples
    --------
    >>> majority_class(np.array([3, 5, 5, 1]))
    Majority(label=5, share=0.5)
    """
    if labels.size == 0:
        raise ConfigError("the clients have no test samples, so no accuracy can be measured; use more clients")
    counts = np.bincount(labels)
    return Majority(int(counts.argmax()), float(counts.max() / labels.size))


def balanced_accuracy(labels: Labels, correct: NDArray[np.bool_]) -> tuple[float, int]:
    """Return the mean of the classes' accuracies, and the number of classes that occur.

    Parameters
    ----------
    labels : (n,) int64
        The labels.
    correct : (n,) bool
        Which samples were classified right.

    Examples
    --------
    >>> balanced_accuracy(np.array([0, 0, 0, 4]), np.array([True, True, True, False]))
    (0.5, 2)
    """
    rates = _rates(labels, correct)
    return float(rates.mean()), rates.size


def confusion_matrix(labels: Labels, predicted: Labels, classes: int) -> Labels:
    """Count how often each class (a row) is taken for each class (a column).

    Parameters
    ----------
    labels, predicted : (n,) int64
        The labels, and what a model answers.
    classes : int
        The number of classes.

    Returns
    -------
    (classes, classes) int64
        The counts; those on the diagonal are right.

    Examples
    --------
    >>> confusion_matrix(np.array([0, 0, 1]), np.array([0, 1, 1]), classes=2)
    array([[1, 1],
           [0, 1]])
    """
    return np.bincount(labels * classes + predicted, minlength=classes**2).reshape(classes, classes).astype(np.int64)


@dataclass(frozen=True)
class ClientAccuracy:
    """How evenly a model serves the clients: a summary of the accuracies of all that have test samples.

    The accuracy of a client with few samples is mostly chance, so that the low end of the clients looks worse than it
    is: see docs/federation.md.

    Attributes
    ----------
    clients : int
        The number of clients.
    mean : float
        The mean of their accuracies.
    p10 : float
        Their 10th percentile.
    worst_5_percent : float
        The mean of the worst 5 % of them, rounded up to whole clients.
    """

    clients: int
    mean: float
    p10: float
    worst_5_percent: float


def client_accuracy(clients: Labels, correct: NDArray[np.bool_]) -> ClientAccuracy:
    """Summarise the clients' accuracies.

    Parameters
    ----------
    clients : (n,) int64
        The number of each sample's client.
    correct : (n,) bool
        Which samples were classified right.

    Examples
    --------
    >>> client_accuracy(np.repeat([0, 1, 4], [20, 20, 5]), np.repeat([True, False, True], [20, 20, 5]))
    ClientAccuracy(clients=3, mean=0.6666666666666666, p10=0.2, worst_5_percent=0.0)
    """
    rates = np.sort(_rates(clients, correct))
    worst = rates[: math.ceil(rates.size / 20)]
    return ClientAccuracy(rates.size, float(rates.mean()), float(np.percentile(rates, 10)), float(worst.mean()))


def _rates(groups: Labels, correct: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the accuracy of each group that has samples."""
    sizes = np.bincount(groups)
    return np.bincount(groups, weights=correct)[sizes > 0] / sizes[sizes > 0]
