"""The checks of exercise c8, and the mistakes that they know: the divisor of the average."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.random import Generator

from minizerofl.fl.aggregator import Aggregator
from minizerofl.fl.codecs import Codec
from minizerofl.fl.payload import Array, Kept, Update
from minizerofl_cli.exercise.properties import Given, Property

NOT_SENT = np.nan  # how an entry that a client does not send is shown


def example(rng: Generator) -> Iterator[Given]:
    """Yield the example of the text."""
    sent = np.array([[8, NOT_SENT, NOT_SENT], [4, 2, NOT_SENT]])
    for average in ("all", "senders"):
        yield {"average": average, "changes": False, "w_t": np.array([5.0, 6.0, 7.0]), "n_k": [1, 3], "sent": sent}


def rounds(average: str, changes: bool, rng: Generator, unsent: bool = False, shape: tuple[int, ...] = (3,)) -> Given:
    """Draw a round of three clients; with `unsent` nobody sends the last entry."""
    sent = rng.integers(1, 9, (3, *shape)).astype(float)
    flat = sent.reshape(3, -1)
    flat[np.arange(3), rng.integers(0, flat.shape[1] - 1, 3)] = NOT_SENT
    if unsent:
        flat[:, -1] = NOT_SENT
    w_t = rng.integers(10, 20, shape).astype(float)
    return {"average": average, "changes": changes, "w_t": w_t, "n_k": [1, 2, 5], "sent": sent}


def by_all(rng: Generator) -> Iterator[Given]:
    """Yield rounds of the paper's rule."""
    for changes in (False, True):
        yield rounds("all", changes, rng)
        yield rounds("all", changes, rng, unsent=True)


def by_senders(rng: Generator) -> Iterator[Given]:
    """Yield rounds of the other rule, every entry sent by somebody."""
    for n_k in ([1, 1], [1, 3]):
        sent = np.array([[rng.integers(1, 9), NOT_SENT], rng.integers(1, 9, 2)], float)
        yield {"average": "senders", "changes": False, "w_t": np.array([10.0, 20.0]), "n_k": n_k, "sent": sent}


def unsent_weights(rng: Generator) -> Iterator[Given]:
    """Yield rounds in which nobody sends a certain weight."""
    for shape in ((2,), (3,), (2, 2)):
        yield rounds("senders", False, rng, unsent=True, shape=shape)


def unsent_changes(rng: Generator) -> Iterator[Given]:
    """Yield rounds in which nobody sends a certain change."""
    for shape in ((2,), (3,), (2, 2)):
        yield rounds("senders", True, rng, unsent=True, shape=shape)


def ask(average: str, changes: bool, w_t: Array, n_k: list[int], sent: Array) -> Array:
    """Encode what the clients send, and let the server average it."""
    aggregator = Aggregator({"w": w_t.astype(np.float32)}, changes, average)
    for client, (n, values) in enumerate(zip(n_k, sent, strict=True)):
        positions = np.flatnonzero(~np.isnan(values)).astype(np.int32)
        kept = Kept(w_t.shape, positions, values.reshape(-1)[positions].astype(np.float32))
        aggregator.fold(Update(str(client), n, Codec().encode({"w": kept}, aggregator.schema), 0.0))
    return aggregator.average()["w"]


def expected(average: str, changes: bool, w_t: Array, n_k: list[int], sent: Array) -> Array:
    """Average entry by entry."""
    result = np.zeros(w_t.shape)
    for i in np.ndindex(w_t.shape):
        values = [(n, each[i]) for n, each in zip(n_k, sent, strict=True) if not np.isnan(each[i])]
        n = sum(n_k) if average == "all" else sum(n for n, _ in values)
        result[i] = sum(n * value for n, value in values) / n if n else 0 if changes else w_t[i]
    return result


ALL, SENDERS = "average[i] = sum[i] / n", "average[i] = sum[i] / (samples of those who sent i)"
PROPERTIES = (
    Property(
        "the example of the text comes out; nan stands for what is not sent.",
        f"all: {ALL}; senders: {SENDERS}",
        example,
        ask,
        expected,
    ),
    Property("by the paper's rule the divisor is n, also where few have sent.", ALL, by_all, ask, expected),
    Property("by the other rule only those count who have sent the entry.", SENDERS, by_senders, ask, expected),
    Property("a weight that nobody has sent stays as it was.", "w_t[i] where s[i] = 0", unsent_weights, ask, expected),
    Property("a change that nobody has sent is 0.", "0 where s[i] = 0", unsent_changes, ask, expected),
)


def _by_senders(self: Aggregator, name: str, unsent: Any) -> Any:
    s = self._senders[name]
    return np.where(s > 0, self._sums[name] / np.where(s > 0, s, 1), unsent)


def always_n(self: Aggregator, name: str) -> Any:
    """Divide by the samples of all clients under both rules."""
    return self._sums[name] / self.num_samples


def by_clients(self: Aggregator, name: str) -> Any:
    """Divide by the number of clients, although the sum has been weighted by their samples."""
    if not self._senders:
        return self._sums[name] / self.accepted
    return _by_senders(self, name, np.zeros(()) if self._differences else self._state[name].reshape(-1))


def not_divided(self: Aggregator, name: str) -> Any:
    """Forget to divide under the paper's rule."""
    if not self._senders:
        return self._sums[name]
    return _by_senders(self, name, np.zeros(()) if self._differences else self._state[name].reshape(-1))


def divided_by_zero(self: Aggregator, name: str) -> Any:
    """Divide by the senders also where there are none: 0 / 0 is NaN."""
    return self._sums[name] / (self._senders[name] if self._senders else self.num_samples)


def zero_where_unsent(self: Aggregator, name: str) -> Any:
    """Take 0 for a weight that nobody has sent, although it is only a change of 0 that would mean nothing."""
    if not self._senders:
        return self._sums[name] / self.num_samples
    return _by_senders(self, name, 0)


def old_where_unsent(self: Aggregator, name: str) -> Any:
    """Take the old weight for a change that nobody has sent; the server would then add it twice."""
    if not self._senders:
        return self._sums[name] / self.num_samples
    return _by_senders(self, name, self._state[name].reshape(-1))


MUTANTS = (always_n, by_clients, not_divided, divided_by_zero, zero_where_unsent, old_where_unsent)
