"""What the federation needs from a data set, and how samples become a mini-batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Samples = tuple[NDArray[np.float32], NDArray[np.int64]]


class FederatedData(Protocol):
    """A data set that is divided into clients; samples come first, x (n, ...) float32 and y (n,) int64."""

    @property
    def clients(self) -> Sequence[str]:
        """The clients' ids; for a population of millions, take a sequence that makes them when asked."""
        ...

    @property
    def test_clients(self) -> Sequence[str]:
        """The clients whose samples are the test set, in its order."""
        ...

    def num_train(self, client: str) -> int:
        """Return how many training samples a client has, those held out for validation excluded."""
        ...

    def train(self, client: str) -> Samples:
        """Return a client's training samples."""
        ...

    def validation(self, client: str) -> Samples:
        """Return the samples of a client that are held out for validation; may be none."""
        ...

    def num_test(self, client: str) -> int:
        """Return how many test samples a client has."""
        ...

    def test(self, client: str | None = None) -> Samples:
        """Return the test samples of one client, or of all."""
        ...


@runtime_checkable
class Augmenting(Protocol):
    """A data set that changes training samples at random each time they are used."""

    def augment(self, x: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
        """Return a changed copy of a mini-batch, or the mini-batch itself."""
        ...


def batch_last(x: Array) -> Array:
    """Move the samples of a mini-batch to the last axis, (N, ...) -> (..., N), as the layers expect them.

    Examples
    --------
    >>> batch_last(np.zeros((10, 1, 28, 28), np.float32)).shape
    (1, 28, 28, 10)
    """
    return np.ascontiguousarray(np.moveaxis(x, 0, -1))
