"""What an accuracy is compared with: the majority class, the mean over classes, the mean and the worst clients."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from minizerofl.fl.errors import ConfigError

Labels = NDArray[np.int64]
FEWEST = 20  # test samples below which one client's accuracy says little


@dataclass(frozen=True)
class Majority:
    """The most frequent class of some samples, and its share: the accuracy of a model that always answers with it."""

    label: int
    share: float


def majority_class(labels: Labels) -> Majority:
    """Find the most frequent class; of several, the lowest label.

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
        raise ConfigError("the clients have no test samples, so that no accuracy can be measured; take more clients")
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
    rates = _rates(labels, correct, fewest=1)
    return float(rates.mean()), rates.size


@dataclass(frozen=True)
class ClientAccuracy:
    """How evenly a model serves the clients.

    Attributes
    ----------
    mean : float
        The mean of the clients' accuracies.
    worst_tenth : float
        The mean of the worst tenth of them, at least one client.
    counted : int
        The number of these clients: those with at least 20 test samples, or all if none has that many.
    """

    mean: float
    worst_tenth: float
    counted: int


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
    >>> client_accuracy(np.repeat([0, 1, 2], [20, 20, 5]), np.repeat([True, False], [20, 25]))
    ClientAccuracy(mean=0.5, worst_tenth=0.0, counted=2)
    """
    enough = np.bincount(clients).max() >= FEWEST
    rates = np.sort(_rates(clients, correct, fewest=FEWEST if enough else 1))
    worst = rates[: max(1, rates.size // 10)]
    return ClientAccuracy(float(rates.mean()), float(worst.mean()), rates.size)


def _rates(groups: Labels, correct: NDArray[np.bool_], fewest: int) -> NDArray[np.float64]:
    sizes = np.bincount(groups)
    taken = sizes >= fewest
    return np.bincount(groups, weights=correct)[taken] / sizes[taken]
