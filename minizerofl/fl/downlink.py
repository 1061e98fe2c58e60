"""The downlink: the global model as one message, which every client of a round is sent and decodes.

With `topk-weights` and plain averaging, a weight that nobody sent is zero, so that the global model is sparse and its
message short; nothing is lost. The differences of the other strategies leave the model dense. Where the mask is
static (the same for the whole run), both ends know it, and from the second round on no positions are sent.
"""

from __future__ import annotations

import operator
import time
from collections.abc import Collection, Mapping
from pickle import PickleBuffer
from threading import Lock
from typing import Any, SupportsIndex

import numpy as np

from minizerofl.fl.codecs import Codec, Parts, Schema, ValueCodec, decode, parts_of, value_codec
from minizerofl.fl.errors import RefusedError
from minizerofl.fl.measures.clock import timed
from minizerofl.fl.payload import Array, Kept, Payload, State
from minizerofl.fl.seeds import Purpose, generator
from minizerofl.fl.settings import Settings
from minizerofl.kernels.codec import find_nonzeros
from minizerofl.sparse.csr import entries
from minizerofl.sparse.selection import Positions


class Downlink:
    """What the server sends to each client of a round, decoded once where it arrives: in each process, not each turn.

    Parameters
    ----------
    message : bytes
        The encoded model, the same for all clients.
    schema : Schema
        The schema of the model, which both ends know, and the positions of a mask that both know.
    values : str
        The run's codec of values for the downlink.
    encode_seconds : float
        How long encoding took.

    Examples
    --------
    >>> state = {"weight": np.array([[0, 2], [0, 0]], np.float32), "bias": np.ones(2, np.float32)}
    >>> downlink = encode_state(state, ["weight"], Settings(), round=1)
    >>> downlink.state()["weight"]
    array([[0., 2.],
           [0., 0.]], dtype=float32)
    """

    def __init__(
        self, message: bytes | memoryview, schema: Schema, values: str = "float32", encode_seconds: float = 0.0
    ) -> None:
        self.message = message
        self.schema = schema
        self.values = values
        self.encode_seconds = encode_seconds
        self._state: State | None = None
        self._lock = Lock()

    def state(self) -> State:
        """Return the model as a client decodes it; its arrays may be read-only views of the message.

        Raises
        ------
        RefusedError
            The message was damaged.
        """
        with self._lock:
            if self._state is None:
                self._state = decode_state(self.message, self.schema, value_codec(self.values))
            return self._state

    def damaged(self) -> Downlink:
        """Return the same with one byte in the middle changed."""
        return Downlink(damage(bytes(self.message)), self.schema, self.values)

    def parts(self) -> Parts:
        """Return what the bytes of the message are for."""
        return parts_of(self.message, self.schema, value_codec(self.values))

    def __reduce_ex__(self, protocol: SupportsIndex) -> tuple[type[Downlink], tuple[Any, ...]]:
        # As for `Update`: from protocol 5 on the message is not copied.
        message = PickleBuffer(self.message) if operator.index(protocol) >= 5 else bytes(self.message)
        return Downlink, (message, self.schema, self.values, self.encode_seconds)


@timed("encode model")
def encode_state(
    state: State,
    sparse: Collection[str],
    settings: Settings,
    round: int,
    known: Mapping[str, Positions] | None = None,
) -> Downlink:
    """Encode the global model.

    Parameters
    ----------
    state : dict of str to array
        The model.
    sparse : collection of str
        The names of the sparse layers' weights; their zeros need not be sent.
    settings : Settings
        `downlink_codec`, `downlink_values` and `seed`.
    round : int
        The round whose clients get it.
    known : mapping of str to (k,) int32, optional
        Positions that the clients know, see `Uplink.known_before`: if all other entries are zero, these are not named.
    """
    began, known = time.perf_counter(), dict(known or {})
    codec, schema = Codec(settings.downlink_codec, settings.downlink_values), Schema.of(state, known)
    payload = {
        name: _as_sent(value, codec, known.get(name)) if name in sparse else value for name, value in state.items()
    }
    message = codec.encode(payload, schema, generator(settings.seed, round, "", Purpose.ROUND_VALUES))
    return Downlink(message, schema, settings.downlink_values, time.perf_counter() - began)


@timed("decode model")
def decode_state(message: bytes | memoryview, schema: Schema, own: ValueCodec) -> State:
    """Decode a model; what was not sent is zero.

    Raises
    ------
    RefusedError
        The message cannot be read; the reason is "downlink".
    """
    try:
        payload: Payload = decode(message, schema, own)
    except RefusedError as error:
        raise RefusedError("downlink", str(error)) from error
    return {name: each.dense() if isinstance(each, Kept) else each for name, each in payload.items()}


def damage(message: bytes) -> bytes:
    """Change one byte in the middle of a message.

    Examples
    --------
    >>> damage(b"abc")
    b'acc'
    """
    middle = len(message) // 2
    return message[:middle] + bytes([message[middle] ^ 1]) + message[middle + 1 :]


def non_zeros(value: Array) -> Kept:
    """Return the entries of a tensor that are not zero.

    Examples
    --------
    >>> non_zeros(np.array([[0, 3], [0, 4]], np.float32)).positions
    array([1, 3], dtype=int32)
    """
    bits: Array = value.reshape(-1).view(np.int32)  # A comparison of bits keeps -0.0 too.
    count = np.count_nonzero(bits)
    positions, found = np.empty(count + 1, np.int32), np.empty_like(bits, shape=count + 1)  # one more: see the kernel
    find_nonzeros(bits, positions, found)
    return Kept(value.shape, positions[:count], found[:count].view(np.float32))


def _as_sent(value: Array, codec: Codec, known: Positions | None) -> Array | Kept:
    """Return what is sent of an array: all of it, or its non-zero entries if the codec wants them or they are shorter.

    If the non-zero entries all lie at positions that the clients know, the entries at these positions are sent.
    """
    if codec.name == "dense":
        return value
    if known is not None:
        there = entries(value, known)
        if np.count_nonzero(there.view(np.int32)) == np.count_nonzero(value.view(np.int32)):
            return Kept(value.shape, known, there)
    kept = non_zeros(value)
    return kept if codec.name != "auto" or codec.length(kept) < codec.length(value) else value
