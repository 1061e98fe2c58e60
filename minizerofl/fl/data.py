"""What the federation asks of a data set, and how samples become a mini-batch."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Samples = tuple[NDArray[np.float32], NDArray[np.int64]]


class FederatedData(Protocol):
    """A data set that is divided into clients; samples come first, x (n, ...) float32 and y (n,) int64."""

    @property
    def clients(self) -> tuple[str, ...]:
        """The clients' ids."""
        ...

    def num_train(self, client: str) -> int:
        """Return how many training samples a client has, those held out for validation excluded."""
        ...

    def train(self, client: str) -> Samples:
        """Return a client's training samples."""
        ...

    def test(self, client: str | None = None) -> Samples:
        """Return the test samples of one client, or of all."""
        ...


def batch_last(x: Array) -> Array:
    """Turn a mini-batch round, (N, ...) -> (..., N), as the layers want it.

    Examples
    --------
    >>> batch_last(np.zeros((10, 1, 28, 28), np.float32)).shape
    (1, 28, 28, 10)
    """
    return np.ascontiguousarray(np.moveaxis(x, 0, -1))
