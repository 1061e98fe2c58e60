"""What a model's accuracy stands beside: the majority class, the mean over classes, the mean over clients."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from minizerofl_datasets import DataError

Labels = NDArray[np.int64]
FEWEST = 20  # test samples below which one client's accuracy says little


@dataclass(frozen=True)
class Majority:
    """The commonest class of a test set, and its share: what a model scores that always gives the same answer."""

    label: int
    share: float


def majority_class(labels: Labels) -> Majority:
    """Find the commonest class; of several, the lowest label.

    Parameters
    ----------
    labels : (n,) int64
        The labels of the test set.

    Raises
    ------
    DataError
        There are no test samples.

    Examples
    --------
    >>> majority_class(np.array([3, 5, 5, 1]))
    Majority(label=5, share=0.5)
    """
    if labels.size == 0:
        raise DataError("the clients have no test images, so that no accuracy can be measured; take more clients")
    counts = np.bincount(labels)
    return Majority(int(counts.argmax()), float(counts.max() / labels.size))


def balanced_accuracy(labels: Labels, correct: NDArray[np.bool_]) -> tuple[float, int]:
    """Return the mean of the classes' accuracies, and over how many classes: those that occur.

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
    return _mean_of_groups(labels, correct, fewest=1)


def client_accuracy(clients: Labels, correct: NDArray[np.bool_]) -> tuple[float, int]:
    """Return the mean of the clients' accuracies, and over how many: those with 20 samples, or all if none has.

    Parameters
    ----------
    clients : (n,) int64
        The number of each sample's client.
    correct : (n,) bool
        Which samples were classified right.

    Examples
    --------
    >>> client_accuracy(np.repeat([0, 1], [20, 5]), np.repeat([True, False], [20, 5]))
    (1.0, 1)
    """
    enough = np.bincount(clients).max() >= FEWEST
    return _mean_of_groups(clients, correct, fewest=FEWEST if enough else 1)


def _mean_of_groups(groups: Labels, correct: NDArray[np.bool_], fewest: int) -> tuple[float, int]:
    sizes = np.bincount(groups)
    taken = sizes >= fewest
    rates = np.bincount(groups, weights=correct)[taken] / sizes[taken]
    return float(rates.mean()), int(taken.sum())
