"""The checks of exercise c6, and the mistakes that they know: the weights of the average."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.random import Generator

from minizerofl.fl.aggregator import Aggregator
from minizerofl.fl.codecs import Codec
from minizerofl.fl.payload import Array, Kept, Update
from minizerofl_cli.exercise.properties import Given, Property

NAMES = ("weight", "bias", "bn.running_mean")
Client = dict[str, Any]  # n_k, and what it sends by name


def plain(self: Aggregator, name: str, tensor: Array | Kept, num_samples: int) -> None:
    """Add n_k times the tensor, at its positions if it was sent in part."""
    if isinstance(tensor, Kept):
        self._sums[name][tensor.positions] += num_samples * tensor.values
    else:
        self._sums[name] += num_samples * tensor.reshape(-1)


def example(rng: Generator) -> Iterator[Given]:
    """Yield the example of the text."""
    sent = {"n_k": 1, "weight": _kept([0, 3], [8, 4])}, {"n_k": 3, "weight": _kept([0, 2], [4, 2])}
    yield {"client 1": sent[0], "client 2": sent[1]}


def equal(rng: Generator) -> Iterator[Given]:
    """Yield clients with one sample each, who send whole tensors."""
    for clients in (1, 2, 3):
        yield {f"client {i + 1}": {"n_k": 1, "bias": _whole(rng)} for i in range(clients)}


def unequal(rng: Generator) -> Iterator[Given]:
    """Yield clients with different numbers of samples, who send whole tensors."""
    for sizes in ((3,), (1, 3), (2, 5, 1)):
        yield {f"client {i + 1}": {"n_k": n, "bias": _whole(rng)} for i, n in enumerate(sizes)}


def in_part(rng: Generator) -> Iterator[Given]:
    """Yield clients who send a part."""
    for sizes in ((1,), (1, 3), (4, 2, 2)):
        yield {f"client {i + 1}": {"n_k": n, "weight": _part(rng)} for i, n in enumerate(sizes)}


def everything(rng: Generator) -> Iterator[Given]:
    """Yield clients who send a part of one tensor and the whole of others."""
    for sizes in ((1, 3), (2, 2, 5)):
        sent = [dict(zip(NAMES, (_part(rng), _whole(rng), _whole(rng)), strict=True)) for _ in sizes]
        yield {f"client {i + 1}": {"n_k": n, **sent[i]} for i, n in enumerate(sizes)}


def _kept(positions: list[int], values: list[float]) -> Kept:
    return Kept((2, 2), np.array(positions, np.int32), np.array(values, np.float32))


def _part(rng: Generator) -> Kept:
    positions = np.sort(rng.choice(4, 2, replace=False))
    return _kept(positions.tolist(), rng.integers(1, 9, 2).tolist())


def _whole(rng: Generator) -> Array:
    return rng.integers(-8, 9, 2).astype(np.float32)


def ask(**clients: Client) -> dict[str, Array]:
    """Encode what the clients send, and let the server average it."""
    names = [name for name in next(iter(clients.values())) if name != "n_k"]
    aggregator = Aggregator({name: np.zeros((2, 2) if name == "weight" else 2, np.float32) for name in names})
    for client, sent in clients.items():
        message = Codec().encode({name: sent[name] for name in names}, aggregator.schema)
        aggregator.fold(Update(client, sent["n_k"], message, 0.0))
    return aggregator.average()


def expected(**clients: Client) -> dict[str, Array]:
    """Average whole arrays at once."""
    everyone = list(clients.values())
    n = [sent["n_k"] for sent in everyone]
    return {
        name: np.average([_filled(sent[name]) for sent in everyone], axis=0, weights=n)
        for name in everyone[0]
        if name != "n_k"
    }


def _filled(tensor: Array | Kept) -> Array:
    if not isinstance(tensor, Kept):
        return tensor
    full = np.zeros(4)
    full[tensor.positions] = tensor.values
    return full.reshape(tensor.shape)


FORMULA = "sum <- sum + n_k w^k; what is not sent adds 0"
PROPERTIES = (
    Property("the example of the text comes out.", FORMULA, example, ask, expected),
    Property("clients of one sample each are averaged.", FORMULA, equal, ask, expected),
    Property("a client counts by its number of samples.", FORMULA, unequal, ask, expected),
    Property("what is sent in part is added at its positions.", FORMULA, in_part, ask, expected),
    Property("every tensor is averaged, running statistics too.", FORMULA, everything, ask, expected),
)


def same_weight(self: Aggregator, name: str, tensor: Array | Kept, num_samples: int) -> None:
    """Add every client once, without its number of samples; the best-known FedAvg programs do this."""
    plain(self, name, tensor, 1)


def last_client(self: Aggregator, name: str, tensor: Array | Kept, num_samples: int) -> None:
    """Assign in the place of adding, so that only the last client counts."""
    self._sums[name][:] = 0
    plain(self, name, tensor, num_samples)


def overwritten(self: Aggregator, name: str, tensor: Array | Kept, num_samples: int) -> None:
    """Assign at the positions that are sent, so that there only the last sender counts."""
    if isinstance(tensor, Kept):
        self._sums[name][tensor.positions] = num_samples * tensor.values
    else:
        self._sums[name][:] = num_samples * tensor.reshape(-1)


def at_the_beginning(self: Aggregator, name: str, tensor: Array | Kept, num_samples: int) -> None:
    """Add the values at the first places and not at their positions."""
    if isinstance(tensor, Kept):
        self._sums[name][: tensor.values.size] += num_samples * tensor.values
    else:
        plain(self, name, tensor, num_samples)


def squared(self: Aggregator, name: str, tensor: Array | Kept, num_samples: int) -> None:
    """Multiply by the number of samples twice."""
    plain(self, name, tensor, num_samples**2)


def no_statistics(self: Aggregator, name: str, tensor: Array | Kept, num_samples: int) -> None:
    """Leave out BatchNorm's running statistics, which are not parameters but part of the model."""
    if "running" not in name:
        plain(self, name, tensor, num_samples)


def parts_only(self: Aggregator, name: str, tensor: Array | Kept, num_samples: int) -> None:
    """Weight by samples only what is sent in part; whole tensors are added once."""
    plain(self, name, tensor, num_samples if isinstance(tensor, Kept) else 1)


MUTANTS = (same_weight, last_client, overwritten, at_the_beginning, squared, no_statistics, parts_only)
