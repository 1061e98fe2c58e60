"""What the bytes of a message are for: positions, values, tensors that are sent whole, and headers."""

from __future__ import annotations

from dataclasses import astuple, dataclass

from minizerofl.fl.codecs.message import HEAD, POSITION_CODES, START, TENSOR, Header
from minizerofl.fl.codecs.schema import Schema
from minizerofl.fl.codecs.values import EXACT, ValueCodec, codec_of


@dataclass(frozen=True)
class Parts:
    """The bytes of one or several messages, by purpose.

    Attributes
    ----------
    positions : int
        Which entries were sent, of the tensors that are sent in part.
    values : int
        The values of these entries, with what their codec needs to read them.
    whole : int
        Tensors that are written entry by entry.
    headers : int
        All else: the head of the message, a header for each tensor, and zeros up to the next border.

    Examples
    --------
    >>> (Parts(1, 2, 3, 4) + Parts(values=10)).total
    20
    """

    positions: int = 0
    values: int = 0
    whole: int = 0
    headers: int = 0

    def __add__(self, other: Parts) -> Parts:
        return Parts(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))

    def __mul__(self, times: int) -> Parts:
        return Parts(*(times * each for each in astuple(self)))

    @property
    def total(self) -> int:
        """All bytes."""
        return self.positions + self.values + self.whole + self.headers


def parts_of(message: bytes | memoryview, schema: Schema, own: ValueCodec = EXACT) -> Parts:
    """Count the bytes of a message that `decode` has accepted.

    Parameters
    ----------
    message : bytes
        The message.
    schema : Schema
        The schema of the model.
    own : ValueCodec, optional
        As for `decode`.

    Examples
    --------
    >>> import numpy as np
    >>> from minizerofl.fl import Codec, Kept
    >>> kept = Kept((2, 3), np.array([0, 4], np.int32), np.ones(2, np.float32))
    >>> schema = Schema({"weight": (2, 3), "bias": (3,)})
    >>> parts_of(Codec("csr").encode({"weight": kept, "bias": np.ones(3, np.float32)}, schema), schema)
    Parts(positions=20, values=8, whole=12, headers=44)
    """
    codec = codec_of(HEAD.unpack_from(message)[2], own)
    positions = values = whole = 0
    for index in range(len(schema.shapes)):
        header = Header(*TENSOR.unpack_from(message, START + index * TENSOR.size))
        if header.encoding in POSITION_CODES:
            written = (EXACT if header.exact else codec).length(header.entries)
            values += written
            positions += header.length - written
        else:
            whole += header.length
    return Parts(positions, values, whole, len(message) - positions - values - whole)
