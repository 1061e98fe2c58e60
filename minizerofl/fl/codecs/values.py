"""Codecs of values: how the numbers of a message are written, and the two that write floats.

`minizerofl.choices.VALUES` has their names. A new one is a subclass of `ValueCodec` in a file, and a line there.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from minizerofl.choices import VALUES
from minizerofl.fl.errors import RefusedError
from minizerofl.kernels.types import Bytes

Values = NDArray[np.float32]


class ValueCodec(ABC):
    """Writes float32 values as bytes, and reads them back.

    Attributes
    ----------
    code : int
        Its number in the head of a message, 1 to 255; 0, for a codec that is not built in: the one of the run.
    dtype : dtype or None
        How one value is written, if each is written by itself and 0 is written as 0; otherwise None.
    whole : bool
        Whether the tensors that are sent whole are written like that too; otherwise they stay float32.
    """

    code: ClassVar[int] = 0
    dtype: ClassVar[np.dtype[Any] | None] = None
    whole: ClassVar[bool] = True

    @abstractmethod
    def length(self, count: int) -> int:
        """Return how many bytes a number of values take."""

    @abstractmethod
    def encode(self, values: Values, seed: int) -> Bytes:
        """Write values.

        Parameters
        ----------
        values : (n,) float32
            The values, finite.
        seed : int
            Decides what is drawn at random, 0 to 2**32 - 1. Whoever needs it to decode must write it down.

        Returns
        -------
        (length(n),) uint8
            The bytes.
        """

    @abstractmethod
    def decode(self, body: Bytes, count: int) -> Values:
        """Read a number of values from ``length(count)`` bytes. What comes out is checked for NaN afterwards."""


class Float32(ValueCodec):
    """Nothing is lost."""

    code = 4
    dtype = np.dtype("<f4")

    def length(self, count: int) -> int:
        """Return 4 bytes a value."""
        return 4 * count

    def encode(self, values: Values, seed: int) -> Bytes:
        """Return the same memory."""
        return np.ascontiguousarray(values, self.dtype).view(np.uint8)

    def decode(self, body: Bytes, count: int) -> Values:
        """Return the same memory."""
        return body.view(np.float32)


EXACT = Float32()


class Float16(ValueCodec):
    """11 binary digits are kept; values beyond 65,504 become infinite, and the receiver refuses them."""

    code = 2
    dtype = np.dtype("<f2")

    def length(self, count: int) -> int:
        """Return 2 bytes a value."""
        return 2 * count

    def encode(self, values: Values, seed: int) -> Bytes:
        """Round to the nearest."""
        with np.errstate(over="ignore"):  # an infinity, see above
            return values.astype(self.dtype).view(np.uint8)

    def decode(self, body: Bytes, count: int) -> Values:
        """Read halves."""
        return body.view(self.dtype).astype(np.float32)


def value_codec(name: str) -> ValueCodec:
    """Make the codec of values of a name, or of a class of the user's own.

    Raises
    ------
    ChoiceError
        There is none, or it cannot be used.
    """
    VALUES.check(name)
    return VALUES[name]()


def codec_of(code: int, own: ValueCodec) -> ValueCodec:
    """Return the codec of values with which a message says that it was written: the run's own, or a built-in one.

    Raises
    ------
    RefusedError
        There is none with this number.
    """
    if own.code == code:
        return own
    for known in VALUES.values():
        if known.code == code:
            return known()
    raise RefusedError("format", f"values are written in the unknown way {code}")


def is_vector(shape: tuple[int, ...]) -> bool:
    """Whether a tensor has at most one axis that is longer than 1: a bias, or a part of BatchNorm.

    Examples
    --------
    >>> is_vector((64,)), is_vector((64, 1)), is_vector((3, 64)), is_vector(())
    (True, True, False, True)
    """
    return math.prod(shape) == max(shape, default=1)
