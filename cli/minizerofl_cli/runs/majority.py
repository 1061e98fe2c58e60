"""The majority class of a test set, which every accuracy stands beside."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from minizerofl.fl.measures.scores import Labels
from minizerofl_datasets import DataError


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
