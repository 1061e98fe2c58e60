"""Codecs: from a payload to the bytes that a client sends."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minizerofl.choices import CODECS, VALUES
from minizerofl.fl.codecs.message import (
    CRC,
    DTYPES,
    HEAD,
    MAGIC,
    POSITION_CODES,
    START,
    TENSOR,
    VERSION,
    Encoding,
    Header,
    checksum,
    padded,
)
from minizerofl.fl.codecs.schema import Schema
from minizerofl.fl.payload import Array, Kept, Payload
from minizerofl.kernels.memory import zero_bytes
from minizerofl.registry import unknown

Values = NDArray[Any]


@dataclass(frozen=True)
class Body:
    """A tensor that is to be written: its header, its values as they are sent, and where they are if not everywhere."""

    header: Header
    values: Values
    kept: Kept | None = None

    @property
    def length(self) -> int:
        """The bytes that it takes."""
        return self.header.length

    def write(self, room: NDArray[np.uint8]) -> None:
        """Write it into this many bytes, which are zero."""
        encoding, parameter, *_ = self.header
        if self.kept is None:
            room.view(self.values.dtype)[:] = self.values
        elif encoding == Encoding.FILLED:
            room.view(self.values.dtype)[self.kept.positions] = self.values
        else:
            words, values = np.split(room, [room.size - self.values.nbytes])
            POSITION_CODES[Encoding(encoding)].encode(self.kept, parameter, words.view(np.uint32))
            values.view(self.values.dtype)[:] = self.values


class Codec:
    """Encodes payloads; `minizerofl.fl.codecs.decode` reads the messages of every codec.

    Tensors that are sent in part are written as the codec's name says, all others entry by entry.

    Parameters
    ----------
    name : str
        "csr" (the paper's), "bitmap", "rice", "dense" (zeros are written out), or "auto": for each tensor the shortest.
    values : str
        "float32", which loses nothing, or "float16", which keeps 11 binary digits; values beyond 65,504 become
        infinite there, and the server refuses them.

    Raises
    ------
    ValueError
        The name of the codec or of the values is unknown.

    Examples
    --------
    >>> kept = Kept((2, 3), np.array([0, 4], np.int32), np.ones(2, np.float32))
    >>> schema = Schema({"weight": (2, 3)})
    >>> len(Codec("csr").encode({"weight": kept}, schema)), len(Codec("rice").encode({"weight": kept}, schema))
    (60, 44)
    """

    def __init__(self, name: str = "csr", values: str = "float32") -> None:
        if name not in CODECS:
            raise ValueError(f"codec {unknown(name, CODECS)}")
        if values not in VALUES:
            raise ValueError(f"values {unknown(values, VALUES)}")
        self.name = name
        self.values = values

    def encode(self, payload: Payload, schema: Schema) -> bytes:
        """Encode a payload.

        Parameters
        ----------
        payload : mapping of str to (array or Kept)
            What to send: every tensor of the schema, whole or in part.
        schema : Schema
            The schema of the model.

        Returns
        -------
        bytes
            The message.
        """
        bodies = [self._body(payload[name]) for name in schema.shapes]
        start = START + len(bodies) * TENSOR.size
        message = zero_bytes(start + sum(padded(body.length) for body in bodies))
        self._fill(message.getbuffer(), bodies, schema)
        return message.getvalue()  # no copy, as no view of it is left

    def _fill(self, room: memoryview, bodies: list[Body], schema: Schema) -> None:
        """Write a message into its room, which is zero."""
        head = HEAD.pack(MAGIC, VERSION, DTYPES[self.values].itemsize, len(bodies), schema.digest)
        room[: HEAD.size] = head
        at = START + len(bodies) * TENSOR.size
        for index, body in enumerate(bodies):
            TENSOR.pack_into(room, START + index * TENSOR.size, *body.header)
            body.write(np.asarray(room[at : at + body.length]))
            at += padded(body.length)
        CRC.pack_into(room, HEAD.size, checksum([head, room[START:]]))

    def _body(self, tensor: Array | Kept) -> Body:
        """Choose the shortest of the codec's encodings for a tensor."""
        if isinstance(tensor, Kept):
            values = self._values(tensor.values)
            candidates = [_encoded(tensor, values, Encoding[name]) for name in CODECS[self.name]]
            return min(candidates, key=lambda body: body.length)
        values = self._values(tensor)
        return Body(Header(Encoding.WHOLE, entries=values.size, length=values.nbytes), values)

    def _values(self, values: Array) -> Values:
        with np.errstate(over="ignore"):  # an infinity, which the server refuses
            return np.ascontiguousarray(values, DTYPES[self.values]).reshape(-1)


def _encoded(kept: Kept, values: Values, encoding: Encoding) -> Body:
    if encoding is Encoding.FILLED:
        length = math.prod(kept.shape) * values.itemsize
        return Body(Header(encoding, entries=int(np.count_nonzero(values)), length=length), values, kept)
    parameter, words = POSITION_CODES[encoding].fit(kept)
    return Body(Header(encoding, parameter, entries=values.size, length=4 * words + values.nbytes), values, kept)
