"""How to write down which entries of a tensor are kept: CSR, a bitmap, Golomb-Rice coded gaps, or a seed.

At density q (the share that is kept), CSR takes 32 bits for each kept entry, a bitmap 1/q bits, and Rice code close to
H(q)/q bits, H being the binary entropy: no code does better if positions are drawn independently.

====  ====  ======  =====  ========
q     CSR   bitmap  Rice   H(q) / q
====  ====  ======  =====  ========
.05   32    20      5.79   5.73
.10   32    10      4.76   4.69
.25   32    4       3.29   3.25
.30   32    3.3     2.96   2.94
====  ====  ======  =====  ========

Positions that were drawn from a seed (the uplink `random-k`) need only that seed, and positions that both ends know (a
mask that follows from the seed of the run) nothing. Where entries are kept in blocks of neighbouring outputs, the codes
write the positions of blocks.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import NDArray

from minizerofl.fl.errors import RefusedError
from minizerofl.fl.payload import Kept, draw_positions
from minizerofl.kernels import codec as kernels

Positions = NDArray[np.int32]
Words = NDArray[np.uint32]

MAX_PARAMETER = 24


class PositionCode(ABC):
    """Writes positions as 4-byte words with one small parameter, and reads them back."""

    @abstractmethod
    def fit(self, kept: Kept) -> tuple[int, int]:
        """Return the parameter, and how many words the positions will take."""

    @abstractmethod
    def encode(self, kept: Kept, parameter: int, words: Words) -> None:
        """Write the positions into this many words, which are zero."""

    @abstractmethod
    def decode(self, words: Words, parameter: int, count: int, shape: tuple[int, ...], name: str) -> Positions:
        """Return `count` positions of a tensor of this name and shape, ascending and without repeats.

        Raises
        ------
        RefusedError
            The words are none that `encode` writes.
        """


class RowsAndColumns(PositionCode):
    """The paper's: compressed sparse rows, a row pointer for each row and a column index for each kept entry."""

    def fit(self, kept: Kept) -> tuple[int, int]:
        """Return 0, and a word for each row pointer and index."""
        rows, _ = as_matrix(kept.shape)
        return 0, rows + 1 + kept.positions.size

    def encode(self, kept: Kept, parameter: int, words: Words) -> None:
        """Write row pointers, then column indices."""
        rows, columns = as_matrix(kept.shape)
        signed = words.view(np.int32)
        kernels.split_rows(kept.positions, columns, signed[: rows + 1], signed[rows + 1 :])

    def decode(self, words: Words, parameter: int, count: int, shape: tuple[int, ...], name: str) -> Positions:
        """Read them back."""
        rows, columns = as_matrix(shape)
        if parameter != 0 or words.size != rows + 1 + count:
            raise RefusedError("length", f"{words.size} words for {rows} rows and {count} entries in CSR")
        signed = words.view(np.int32)
        positions = np.empty(count, np.int32)
        if kernels.join_rows(signed[: rows + 1], signed[rows + 1 :], columns, positions) < 0:
            raise RefusedError("index", "a row pointer or column index in CSR is out of order or out of range")
        return positions


class Bitmap(PositionCode):
    """One bit for each entry, kept or not."""

    def fit(self, kept: Kept) -> tuple[int, int]:
        """Return 0, and a word for each 32 entries."""
        return 0, -(-math.prod(kept.shape) // 32)

    def encode(self, kept: Kept, parameter: int, words: Words) -> None:
        """Set the bits."""
        kernels.set_bits(kept.positions, words)

    def decode(self, words: Words, parameter: int, count: int, shape: tuple[int, ...], name: str) -> Positions:
        """Read them back."""
        size = math.prod(shape)
        if parameter != 0 or words.size != -(-size // 32):
            raise RefusedError("length", f"{words.size} words for a bitmap of {size} entries")
        positions = np.empty(count + 1, np.int32)  # one more: see the kernel
        if kernels.find_bits(words, positions) != count or (count and positions[count - 1] >= size):
            raise RefusedError("index", f"a bitmap does not have {count} bits set within {size} entries")
        return positions[:count]


class Rice(PositionCode):
    """The gaps from one kept entry to the next, short ones in few bits; the parameter fits the mean gap."""

    def fit(self, kept: Kept) -> tuple[int, int]:
        """Return the parameter that makes the code shortest, and its length."""
        if kept.positions.size == 0:
            return 0, 0
        gap = (int(kept.positions[-1]) + 1) / kept.positions.size
        guess = min(max(0, round(math.log2(math.log(2) * gap))), MAX_PARAMETER)
        near = range(max(0, guess - 1), min(MAX_PARAMETER, guess + 1) + 1)
        bits, parameter = min((kernels.rice_bits(kept.positions, b), b) for b in near)
        return parameter, -(-bits // 32)

    def encode(self, kept: Kept, parameter: int, words: Words) -> None:
        """Write the code."""
        kernels.rice_encode(kept.positions, parameter, words)

    def decode(self, words: Words, parameter: int, count: int, shape: tuple[int, ...], name: str) -> Positions:
        """Read it back."""
        if parameter > MAX_PARAMETER or count * (parameter + 1) > 32 * words.size:
            raise RefusedError("length", f"{words.size} words for {count} entries in Rice code {parameter}")
        positions = np.empty(count, np.int32)
        if kernels.rice_decode(words, parameter, math.prod(shape), positions) < 0:
            raise RefusedError("index", "Rice code ends early or late, or leads out of its tensor")
        return positions


class Drawn(PositionCode):
    """The seed from which both ends draw the positions; they take no bytes of their own."""

    def fit(self, kept: Kept) -> tuple[int, int]:
        """Return 0, and a word for the seed."""
        return 0, 1

    def encode(self, kept: Kept, parameter: int, words: Words) -> None:
        """Write the seed."""
        assert kept.draw is not None
        words[0] = kept.draw

    def decode(self, words: Words, parameter: int, count: int, shape: tuple[int, ...], name: str) -> Positions:
        """Draw the positions again."""
        if parameter != 0 or words.size != 1:
            raise RefusedError("length", f"{words.size} words for positions that are drawn from a seed")
        return draw_positions(int(words[0]), name, math.prod(shape), count)


class Known(PositionCode):
    """Nothing: both ends know the positions, see `minizerofl.fl.codecs.schema.Schema.known`."""

    def fit(self, kept: Kept) -> tuple[int, int]:
        """Return 0, and no words."""
        return 0, 0

    def encode(self, kept: Kept, parameter: int, words: Words) -> None:
        """Write nothing."""

    def decode(self, words: Words, parameter: int, count: int, shape: tuple[int, ...], name: str) -> Positions:
        """Refuse; what is known is not decoded."""
        raise RefusedError("schema", f"values of {name} without positions, which are not known")


def position_bytes(shape: tuple[int, ...], count: int) -> dict[str, float]:
    """Count the bytes that the positions of a tensor's kept entries take; their values are not counted.

    Parameters
    ----------
    shape : tuple of int
        The shape of the tensor.
    count : int
        The number of kept entries.

    Returns
    -------
    dict of str to float
        ``csr``: 4 bytes for each row pointer and each column index. ``bitmap``: one bit for each entry of the tensor,
        in whole words of 4 bytes. ``entropy``: H(q) bits for each entry of the tensor, which no code can do without
        on average, if positions are drawn independently with density q.

    Examples
    --------
    >>> {code: round(size) for code, size in position_bytes((100, 100), 500).items()}
    {'csr': 2404, 'bitmap': 1252, 'entropy': 358}
    """
    rows, _ = as_matrix(shape)
    size = math.prod(shape)
    q = count / size if size else 0
    entropy = -sum(p * math.log2(p) for p in (q, 1 - q) if p > 0)  # bits for each entry
    return {"csr": 4 * (rows + 1 + count), "bitmap": 4 * -(-size // 32), "entropy": size * entropy / 8}


def as_matrix(shape: tuple[int, ...]) -> tuple[int, int]:
    """Return rows and columns of a tensor as a matrix: its first axis by all others.

    Examples
    --------
    >>> as_matrix((32, 5, 5, 64)), as_matrix((10,))
    ((32, 1600), (1, 10))
    """
    rows = shape[0] if len(shape) > 1 else 1
    return rows, max(1, math.prod(shape) // max(1, rows))
