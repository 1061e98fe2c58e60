"""EDEN (Vargaftik et al. 2022): rotate the values at random, and keep 1, 2 or 4 bits of each.

`minizerofl.kernels.quantise` has the method. The intervals and centres are those of the quantiser that has the smallest
mean square error for normally distributed values (Lloyd 1957, Max 1960).
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from minizerofl.fl.codecs.values import EXACT, ValueCodec, Values
from minizerofl.kernels import quantise as kernels
from minizerofl.kernels.types import Bytes

CENTRES = {
    1: (0.7978846,),
    2: (0.4527800, 1.5104176),
    4: (0.1283950, 0.3880483, 0.6567590, 0.9423405, 1.2562312, 1.6180464, 2.0690173, 2.7325896),
}
SEED = 4  # bytes of the seed, which comes first
FEW = 16  # fewer values than this stay float32: rotated, they would not be normal


class Eden(ValueCodec):
    """The base: the seed, a scale for each block of 4,096 values, and the codes; a few values stay as they are.

    Examples
    --------
    >>> values = np.random.default_rng(0).standard_normal(10_000).astype(np.float32)
    >>> body = Eden4().encode(values, seed=7)
    >>> 8 * body.size / values.size
    4.1088
    >>> errors = Eden4().decode(body, values.size) - values
    >>> bool(np.sqrt((errors**2).mean()) < 0.12)
    True
    """

    bits: ClassVar[int]

    def __init__(self) -> None:
        centres = np.array(CENTRES[self.bits], np.float32)
        self._cuts = (centres[1:] + centres[:-1]) / np.float32(2)
        self._centres = np.concatenate([centres, -centres])

    def length(self, count: int) -> int:
        """Return the bytes of the seed, the scales and the codes."""
        if count < FEW:
            return EXACT.length(count)
        blocks, rest = divmod(count, kernels.BLOCK)
        coded = blocks * kernels.BLOCK + (kernels.block_length(rest) if rest else 0)
        return SEED + 4 * (blocks + (rest > 0)) + coded * self.bits // 8

    def encode(self, values: Values, seed: int) -> Bytes:
        """Rotate and round."""
        if values.size < FEW:
            return EXACT.encode(values, seed)
        body = np.zeros(self.length(values.size), np.uint8)
        body[:SEED].view("<u4")[0] = seed
        scales, words = self._split(body, values.size)
        kernels.eden_encode(values, self.bits, self._cuts, self._centres, seed, scales, words)
        return body

    def decode(self, body: Bytes, count: int) -> Values:
        """Rotate back."""
        if count < FEW:
            return EXACT.decode(body, count)
        values = np.empty(count, np.float32)
        scales, words = self._split(body, count)
        with np.errstate(all="ignore"):  # what is not finite is refused by the receiver
            kernels.eden_decode(words, self.bits, self._centres, int(body[:SEED].view("<u4")[0]), scales, values)
        return values

    def _split(self, body: Bytes, count: int) -> tuple[Values, NDArray[np.uint32]]:
        """Return the scales and the codes of a body."""
        end = SEED + 4 * -(-count // kernels.BLOCK)
        return body[SEED:end].view("<f4"), body[end:].view("<u4")


class Eden1(Eden):
    """1 bit a value: its sign after the rotation."""

    code = 17
    bits = 1


class Eden2(Eden):
    """2 bits a value."""

    code = 18
    bits = 2


class Eden4(Eden):
    """4 bits a value."""

    code = 20
    bits = 4
