"""The server's first step: a weighted average of what the clients sent, one message at a time."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from minizerofl.fl.codecs import Parts, Schema, decode, parts_of, value_codec
from minizerofl.fl.errors import RefusedError
from minizerofl.fl.measures.clock import timed
from minizerofl.fl.payload import Array, Kept, Payload, State, Update
from minizerofl.kernels import codec as kernels

VARIANCE = "running_var"  # how the names of BatchNorm's running variances end
ROUNDING = 1e-3  # largest relative error of a value that was sent as float16, with room to spare


class Aggregator:
    """The weighted average of a round's updates, folded in one at a time.

    Sums of n_k * value are kept in float64 and divided once, at the end, by the number of all samples. The last bits
    of a sum depend on its order, so that updates are folded in the order in which the clients were sampled. One
    decoded update is in memory at a time.

    Parameters
    ----------
    state : dict of str to array
        The global model at the beginning of the round.
    differences : bool
        Whether the clients send changes, see `Uplink.differences`.
    average : str
        "all" divides by the samples of all clients, so that an entry that a client does not send counts as zero
        (paper, section 5). "senders" divides, entry by entry, by the samples of the clients that sent it, and leaves
        the global model as it is where nobody did: a control, not ZeroFL.
    values : str
        The run's codec of values for the uplink.
    known : dict of str to array, optional
        The positions that clients do not send since the server knows them, see `Uplink.known`.

    Attributes
    ----------
    schema : Schema
        What messages are checked against.
    accepted : int
        The updates that were folded in.
    num_samples : int
        Their samples.
    kept : Counter of str
        For each tensor that is sent in part, how many entries they contained.
    decode_seconds : float
        How long decoding took so far.

    Examples
    --------
    >>> from minizerofl.fl.codecs import Codec
    >>> aggregator = Aggregator({"w": np.zeros(2, np.float32)})
    >>> for n, value in ((1, 4.0), (3, 8.0)):
    ...     payload = {"w": Kept((2,), np.array([1], np.int32), np.array([value], np.float32))}
    ...     _ = aggregator.fold(Update("client", n, Codec().encode(payload, aggregator.schema), train_loss=0.0))
    >>> aggregator.average()
    {'w': array([0., 7.], dtype=float32)}
    """

    def __init__(
        self,
        state: State,
        differences: bool = False,
        average: str = "all",
        values: str = "float32",
        known: dict[str, NDArray[np.int32]] | None = None,
    ) -> None:
        self.schema = Schema.of(state, known)
        self.accepted = 0
        self.num_samples = 0
        self.kept: Counter[str] = Counter()
        self.decode_seconds = 0.0
        self._codec = value_codec(values)
        self._state = state
        self._differences = differences
        self._sums = {name: np.zeros(value.size) for name, value in state.items()}
        # For each entry, the samples of the clients that sent it, if these are needed.
        self._senders = {name: np.zeros(value.size) for name, value in state.items()} if average == "senders" else {}

    @timed("fold")
    def fold(self, update: Update) -> Payload:
        """Add an update; return what it holds.

        Raises
        ------
        RefusedError
            The update cannot be used; nothing of it was added.
        """
        if update.num_samples <= 0:
            raise RefusedError("no samples", f"the client claims to have trained on {update.num_samples} samples")
        began = time.perf_counter()
        payload = self.decode(update)
        self.decode_seconds += time.perf_counter() - began
        self._check(payload)
        for name, tensor in payload.items():
            self._add(name, tensor, update.num_samples)
            sent = tensor.positions if isinstance(tensor, Kept) else slice(None)
            if isinstance(tensor, Kept):
                self.kept[name] += tensor.positions.size
            if self._senders:
                self._senders[name][sent] += update.num_samples
        self.accepted += 1
        self.num_samples += update.num_samples
        return payload

    @timed("decode")
    def decode(self, update: Update) -> Payload:
        """Decode an update, see `minizerofl.fl.codecs.decode`."""
        return decode(update.message, self.schema, self._codec)

    def parts(self, update: Update) -> Parts:
        """Return what the bytes of an update that was added are for."""
        return parts_of(update.message, self.schema, self._codec)

    @timed("server step")
    def average(self) -> State:
        """Return the average, with the shapes and dtypes of the state."""
        averages = {
            name: self._average(name).astype(value.dtype, copy=False).reshape(value.shape)
            for name, value in self._state.items()
        }
        for name, value in averages.items():
            if name.endswith(VARIANCE):  # Rounding may have left the new variance just below zero.
                averages[name] = np.maximum(value, self._lowest(name))
        return averages

    def share_sent(self, names: Iterable[str]) -> float:
        """Return the share of the entries of some tensors that was sent, over all updates; 1 if they are sent whole."""
        in_part = [name for name in names if name in self.kept]
        entries = sum(self._state[name].size for name in in_part)
        return sum(self.kept[name] for name in in_part) / (entries * self.accepted) if entries else 1.0

    def _add(self, name: str, tensor: Array | Kept, num_samples: int) -> None:
        """Add what a client sent of a tensor to its sum, times the client's samples; what it did not send adds nothing.

        The sum is ``self._sums[name]``, flat, float64.
        """
        sums, weight = self._sums[name], float(num_samples)
        if isinstance(tensor, Kept):
            kernels.add_at(sums, tensor.positions, tensor.values, weight)
        else:
            kernels.add_all(sums, tensor.reshape(-1), weight)

    def _average(self, name: str) -> Array:
        """Divide a sum by the samples of all clients, or each entry by those of its senders; return it flat.

        The latter is wanted if ``self._senders``, the samples of the senders of each entry by name, is not empty.
        """
        sums, before = self._sums[name], self._state[name].reshape(-1)
        if not self._senders:  # rounded while it is written, so that no other array of float64 is made
            return np.divide(sums, self.num_samples, out=np.empty_like(before), casting="same_kind")
        sent = self._senders[name] > 0
        unsent = np.zeros(()) if self._differences else before
        return np.where(sent, sums / np.where(sent, self._senders[name], 1), unsent)

    def _check(self, payload: Payload) -> None:
        """Refuse an update whose form is right and whose content cannot be."""
        for name in payload:
            if name.endswith(VARIANCE):
                values = payload[name]
                if isinstance(values, Kept):
                    raise RefusedError("schema", f"{name} is sent in part")
                if np.any(values - self._lowest(name) < -ROUNDING * np.abs(values)):
                    raise RefusedError("negative variance", f"{name} would be negative")

    def _lowest(self, name: str) -> Array:
        """Return what a client may send of a variance, or an average be, at least: the new variance is then 0."""
        return -self._state[name] if self._differences else np.zeros_like(self._state[name])
