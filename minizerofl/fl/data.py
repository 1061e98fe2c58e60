"""What the federation needs from a data set, and how samples become a mini-batch."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Samples = tuple[NDArray[np.float32], NDArray[np.int64]]


class FederatedData(Protocol):
    """A data set that is divided into clients; samples come first, x (n, ...) float32 and y (n,) int64.

    It may also have `class_names`, a sequence of str: a model's builder then gets ``num_classes``.
    """

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


def describe(data: FederatedData, asked: Collection[str]) -> dict[str, int | tuple[int, ...]]:
    """Say what the builder of a model may want to know about the data.

    Parameters
    ----------
    data : FederatedData
        The data set.
    asked : collection of str
        What the builder wants to know, of "num_classes", "in_channels" (C) and "input_shape" (C, H, W).

    Returns
    -------
    dict
        What was asked and is known: the number of classes only from `class_names`.

    Examples
    --------
    >>> import minizerofl_datasets
    >>> data = minizerofl_datasets.load("femnist", source="synthetic", clients=1)
    >>> describe(data, ["input_shape", "num_classes", "seed"])
    {'num_classes': 62, 'input_shape': (1, 28, 28)}
    """
    known: dict[str, int | tuple[int, ...]] = {}
    if "num_classes" in asked and hasattr(data, "class_names"):
        known["num_classes"] = len(data.class_names)
    if "in_channels" in asked or "input_shape" in asked:
        shape = getattr(data, "input_shape", None) or _first_shape(data)
        known |= {"in_channels": shape[0], "input_shape": tuple(shape)} if shape else {}
    return {name: value for name, value in known.items() if name in asked}


def _first_shape(data: FederatedData) -> tuple[int, ...]:
    """Return the shape of a sample of the first client that has any; () if nobody has."""
    client = next((each for each in data.clients if data.num_train(each) > 0), None)
    return () if client is None else data.train(client)[0].shape[1:]


def batch_last(x: Array) -> Array:
    """Move the samples of a mini-batch to the last axis, (N, ...) -> (..., N), as the layers expect them.

    Examples
    --------
    >>> batch_last(np.zeros((10, 1, 28, 28), np.float32)).shape
    (1, 28, 28, 10)
    """
    return np.ascontiguousarray(np.moveaxis(x, 0, -1))
