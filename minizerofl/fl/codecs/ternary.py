"""Ternary values: a sign for each entry that is kept, and one magnitude for all (STC, Sattler et al. 2019)."""

from __future__ import annotations

import numpy as np

from minizerofl.fl.codecs.values import ValueCodec, Values
from minizerofl.kernels.types import Bytes

HEAD = 4  # bytes of the magnitude, which comes first


class Ternary(ValueCodec):
    """One bit a value, its sign, and the mean magnitude. Entries that are not kept are the third value, zero.

    It is not unbiased: error feedback makes up for that (`minizerofl.fl.uplinks.controls.Stc`). Tensors that are sent
    whole stay float32.

    Examples
    --------
    >>> codec = Ternary()
    >>> codec.decode(codec.encode(np.array([1, -3, 2], np.float32), seed=0), 3)
    array([ 2., -2.,  2.], dtype=float32)
    """

    code = 3
    whole = False

    def length(self, count: int) -> int:
        """Return the bytes of the magnitude, and a bit for each value."""
        return HEAD + -(-count // 8)

    def encode(self, values: Values, seed: int) -> Bytes:
        """Write the magnitude and the signs."""
        magnitude = np.array([np.abs(values).mean(dtype=np.float64) if values.size else 0], "<f4")
        return np.concatenate([magnitude.view(np.uint8), np.packbits(values < 0, bitorder="little")])

    def decode(self, body: Bytes, count: int) -> Values:
        """Give each sign the magnitude."""
        negative = np.unpackbits(body[HEAD:], count=count, bitorder="little").view(np.bool_)
        magnitude = body[:HEAD].view(np.float32)[0]
        values: Values = np.where(negative, -magnitude, magnitude)
        return values
