"""Codecs: from a payload to the bytes that are sent."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minizerofl.choices import CODECS
from minizerofl.fl.codecs.message import (
    CHECKSUM,
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
from minizerofl.fl.codecs.values import EXACT, ValueCodec, is_vector, value_codec
from minizerofl.fl.payload import Array, Kept, Payload
from minizerofl.kernels.memory import zero_bytes
from minizerofl.kernels.types import Bytes
from minizerofl.registry import unknown


@dataclass(frozen=True)
class Body:
    """A tensor that is to be written: its header, its values as they are sent, and where they are if not everywhere."""

    header: Header
    values: Bytes
    kept: Kept | None
    dtype: np.dtype[Any] | None

    def write(self, room: Bytes) -> None:
        """Write it into as many bytes as the header says, which are zero."""
        encoding, parameter, *_ = self.header
        if self.kept is None:
            room[:] = self.values
        elif encoding == Encoding.FILLED:
            assert self.dtype is not None
            first = room.size - math.prod(self.kept.shape) * self.dtype.itemsize
            room[:first] = self.values[:first]
            room[first:].view(self.dtype)[self.kept.positions] = self.values[first:].view(self.dtype)
        else:
            words, values = np.split(room, [room.size - self.values.size])
            coded = self.kept.blocks() if self.header.block else self.kept
            POSITION_CODES[Encoding(encoding)].encode(coded, parameter, words.view(np.uint32))
            values[:] = self.values


class Codec:
    """Encodes payloads; `minizerofl.fl.codecs.decode` reads the messages of every codec.

    Tensors that are sent in part are written as the codec's name says, all others entry by entry. Positions that both
    ends can draw are never written. Vectors (biases, BatchNorm) keep float32 values.

    Parameters
    ----------
    name : str
        "csr" (the paper's), "bitmap", "rice", "dense" (zeros are written out), or "auto": for each tensor the shortest.
    values : str
        A name of `minizerofl.choices.VALUES`, or "package.module:Class": "float32", which loses nothing, or a codec
        that rounds, see `minizerofl.fl.codecs.values`.

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
        self.name = name
        self.values = values
        self._codec = value_codec(values)

    def encode(self, payload: Payload, schema: Schema, rng: np.random.Generator | None = None) -> bytes:
        """Encode a payload.

        Parameters
        ----------
        payload : mapping of str to (array or Kept)
            What to send: every tensor of the schema, whole or in part.
        schema : Schema
            The schema of the model.
        rng : numpy.random.Generator, optional
            Draws a seed for each tensor, if the values are rounded at random; by default all seeds are 0.

        Returns
        -------
        bytes
            The message.
        """
        seeds = rng.integers(2**32, size=len(schema.shapes)).tolist() if rng else [0] * len(schema.shapes)
        tensors = [_with_known(payload[name], schema.known.get(name)) for name in schema.shapes]
        bodies = [self._body(tensor, seed) for tensor, seed in zip(tensors, seeds, strict=True)]
        start = START + len(bodies) * TENSOR.size
        message = zero_bytes(start + sum(padded(body.header.length) for body in bodies))
        self._fill(message.getbuffer(), bodies, schema)
        return message.getvalue()  # no copy, as no view of it is left

    def length(self, tensor: Array | Kept) -> int:
        """Return how many bytes the body of a tensor takes."""
        tensor = self._as_sent(tensor)
        return self._header(tensor, self._codec_of(tensor)).length

    def _fill(self, room: memoryview, bodies: list[Body], schema: Schema) -> None:
        """Write a message into its room, which is zero."""
        head = HEAD.pack(MAGIC, VERSION, self._codec.code, len(bodies), schema.digest)
        room[: HEAD.size] = head
        at = START + len(bodies) * TENSOR.size
        for index, body in enumerate(bodies):
            TENSOR.pack_into(room, START + index * TENSOR.size, *body.header)
            body.write(np.asarray(room[at : at + body.header.length]))
            at += padded(body.header.length)
        CHECKSUM.pack_into(room, HEAD.size, checksum([head, room[START:]]))

    def _body(self, tensor: Array | Kept, seed: int) -> Body:
        """Encode the values of a tensor, for the shortest of the codec's encodings."""
        tensor = self._as_sent(tensor)
        codec = self._codec_of(tensor)
        header = self._header(tensor, codec)
        kept = tensor if isinstance(tensor, Kept) else None
        flat = np.ascontiguousarray(tensor.values if isinstance(tensor, Kept) else tensor, np.float32).reshape(-1)
        values = codec.encode(flat, seed)
        if header.encoding == Encoding.FILLED:  # What was rounded to zero is a zero like all others.
            assert codec.dtype is not None
            entries = int(np.count_nonzero(values[codec.length(0) :].view(codec.dtype)))
            header = header._replace(entries=entries)
        return Body(header, values, kept, codec.dtype)

    def _as_sent(self, tensor: Array | Kept) -> Array | Kept:
        """Write the zeros out, if they are to be written by a codec to which a zero is a value like any other."""
        if not isinstance(tensor, Kept) or tensor.known or tensor.draw is not None:
            return tensor
        return tensor.dense() if self.name == "dense" and self._codec.dtype is None else tensor

    def _codec_of(self, tensor: Array | Kept) -> ValueCodec:
        """Return the codec of the values of a tensor."""
        whole = not isinstance(tensor, Kept)
        return EXACT if is_vector(tensor.shape) or (whole and not self._codec.whole) else self._codec

    def _header(self, tensor: Array | Kept, codec: ValueCodec) -> Header:
        """Choose the encoding; a tensor that is filled still lacks the number of values that are not zero."""
        exact = int(codec.code != self._codec.code)
        size = math.prod(tensor.shape)
        if not isinstance(tensor, Kept):
            return Header(Encoding.WHOLE, exact=exact, entries=size, length=codec.length(size))
        count, found = tensor.positions.size, []
        names = ("KNOWN",) if tensor.known else ("DRAWN",) if tensor.draw is not None else CODECS[self.name]
        in_blocks = tensor.block > 1 and not tensor.known and tensor.draw is None
        coded, block = (tensor.blocks(), tensor.block) if in_blocks else (tensor, 0)
        for encoding in map(Encoding.__getitem__, names):
            if encoding is not Encoding.FILLED:
                parameter, words = POSITION_CODES[encoding].fit(coded)
                found.append(Header(encoding, parameter, block, exact, count, 4 * words + codec.length(count)))
            elif codec.dtype is not None:
                found.append(Header(encoding, exact=exact, length=codec.length(size)))
        return min(found, key=lambda header: header.length)


def _with_known(tensor: Array | Kept, known: NDArray[np.int32] | None) -> Array | Kept:
    """Mark positions as known where both ends know just these."""
    if known is not None and isinstance(tensor, Kept) and np.array_equal(tensor.positions, known):
        return replace(tensor, known=True)
    return tensor
