"""Codecs: from a payload to the bytes that a client sends."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minizerofl.fl.codecs.message import (
    CRC,
    HEAD,
    MAGIC,
    POSITION_CODES,
    TENSOR,
    VALUES,
    VERSION,
    Encoding,
    Header,
    checksum,
)
from minizerofl.fl.codecs.schema import Schema
from minizerofl.fl.payload import Array, Kept, Payload

Bytes = NDArray[Any]

CODECS: dict[str, tuple[Encoding, ...]] = {
    "dense": (Encoding.FILLED,),
    "csr": (Encoding.CSR,),
    "bitmap": (Encoding.BITMAP,),
    "rice": (Encoding.RICE,),
    "auto": (Encoding.RICE, Encoding.BITMAP, Encoding.CSR, Encoding.FILLED),
}


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
            raise ValueError(f"name is {name!r}, expected one of {', '.join(CODECS)}")
        if values not in VALUES:
            raise ValueError(f"values is {values!r}, expected one of {', '.join(VALUES)}")
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
        headers, bodies = [], list[Bytes]()
        for name in schema.shapes:
            header, body = self._encode_tensor(payload[name])
            headers.append(TENSOR.pack(*header))
            bodies += body
            bodies.append(np.zeros(-header.length % 4, np.uint8))
        head = HEAD.pack(MAGIC, VERSION, VALUES[self.values].itemsize, len(headers), schema.digest)
        parts: list[bytes | memoryview] = [b"".join(headers), *(body.data for body in bodies if body.size)]
        return b"".join([head, CRC.pack(checksum([head, *parts])), *parts])

    def _encode_tensor(self, tensor: Array | Kept) -> tuple[Header, list[Bytes]]:
        if isinstance(tensor, Kept):
            candidates = (self._encode_kept(encoding, tensor) for encoding in CODECS[self.name])
            return min(candidates, key=lambda candidate: candidate[0].length)
        body = [self._values(tensor)]
        return Header(Encoding.WHOLE, entries=tensor.size, length=_length(body)), body

    def _encode_kept(self, encoding: Encoding, kept: Kept) -> tuple[Header, list[Bytes]]:
        values = self._values(kept.values)
        if encoding is Encoding.FILLED:
            filled = np.zeros(math.prod(kept.shape), values.dtype)
            filled[kept.positions] = values
            body: list[Bytes] = [filled]
            return Header(encoding, entries=int(np.count_nonzero(filled)), length=_length(body)), body
        parameter, words = POSITION_CODES[encoding].encode(kept)
        body = [words, values]
        return Header(encoding, parameter, entries=values.size, length=_length(body)), body

    def _values(self, values: Array) -> Bytes:
        with np.errstate(over="ignore"):  # an infinity, which the server refuses
            return np.ascontiguousarray(values, VALUES[self.values]).reshape(-1)


def _length(body: list[Bytes]) -> int:
    return sum(part.nbytes for part in body)
