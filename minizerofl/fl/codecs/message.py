"""The layout of a message, the bytes that travel in either direction: little-endian, everything on 4-byte borders.

======  ====  ==========================================================
offset  size  what
======  ====  ==========================================================
0       4     magic, ``MZFL``
4       1     version, 2
5       1     codec of the values: 4 (float32), 2 (float16), 1 (int8), 17, 18, 20 (EDEN), 3 (ternary) or another
6       2     number of tensors
8       8     digest of the schema, see `minizerofl.fl.codecs.schema`
16      4     checksum of all other bytes, see `checksum`
20      12    for each tensor: encoding, parameter, block, exact (1 each), number of values (4), bytes of its body (4)
...           for each tensor its body: positions, then values, then zeros up to the border
======  ====  ==========================================================

Tensors stand in the order of the schema; names and shapes are not repeated. Where weights are kept in blocks of
neighbouring outputs, `block` is their length, and the positions are those of blocks; otherwise it is 0. The values of
a tensor that is marked as exact are float32, whatever the codec: biases and all of BatchNorm are, since they are few
and a small error in a variance is a large one in the output.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from enum import IntEnum
from typing import NamedTuple

import numpy as np

from minizerofl.fl.codecs.positions import Bitmap, Drawn, Known, PositionCode, Rice, RowsAndColumns
from minizerofl.kernels.checksum import xxh64

MAGIC = b"MZFL"
VERSION = 2
HEAD = struct.Struct("<4sBBH8s")
CHECKSUM = struct.Struct("<I")
TENSOR = struct.Struct("<BBBBII")
START = HEAD.size + CHECKSUM.size  # where the headers of the tensors begin


class Encoding(IntEnum):
    """How a tensor is written."""

    WHOLE = 0  # every entry
    FILLED = 1  # every entry, zeros where nothing was kept
    CSR = 2
    BITMAP = 3
    RICE = 4
    KNOWN = 5  # values only: the schema knows the positions
    DRAWN = 6  # at positions that both ends draw from a seed


class Header(NamedTuple):
    """The header of a tensor."""

    encoding: int
    parameter: int = 0
    block: int = 0
    exact: int = 0
    entries: int = 0
    length: int = 0


POSITION_CODES: dict[Encoding, PositionCode] = {
    Encoding.CSR: RowsAndColumns(),
    Encoding.BITMAP: Bitmap(),
    Encoding.RICE: Rice(),
    Encoding.KNOWN: Known(),
    Encoding.DRAWN: Drawn(),
}


def padded(length: int) -> int:
    """Round a number of bytes up to the next border."""
    return length + -length % 4


def checksum(parts: Iterable[bytes | memoryview]) -> int:
    """Return the lower half of the last part's XXH64; the seed of each is the XXH64 of the part before it.

    Examples
    --------
    >>> hex(checksum([b"abc"])), hex(checksum([b"ab", b"c"]))
    ('0xad770999', '0x3024b0f2')
    """
    seed = np.uint64(0)
    with np.errstate(over="ignore"):  # without the JIT, NumPy would warn
        for part in parts:
            seed = np.uint64(xxh64(np.frombuffer(part, np.uint8), seed))
    return int(seed) & 0xFFFFFFFF
