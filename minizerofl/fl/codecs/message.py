"""The layout of a message, the bytes that a client sends: little-endian, everything on 4-byte borders.

======  ====  ==========================================================
offset  size  what
======  ====  ==========================================================
0       4     magic, ``MZFL``
4       1     version, 1
5       1     bytes of a value: 4 (float32) or 2 (float16)
6       2     number of tensors
8       8     digest of the schema, see `minizerofl.fl.codecs.schema`
16      4     CRC-32 of all other bytes
20      12    for each tensor: encoding (1), parameter (1), zero (2), number of values (4), bytes of its body (4)
...           for each tensor its body: positions, then values, then zeros up to the border
======  ====  ==========================================================

Tensors stand in the order of the schema; names and shapes are not repeated.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from enum import IntEnum
from typing import Any, NamedTuple
from zlib import crc32

import numpy as np

from minizerofl.choices import VALUES
from minizerofl.fl.codecs.positions import Bitmap, PositionCode, Rice, RowsAndColumns

MAGIC = b"MZFL"
VERSION = 1
HEAD = struct.Struct("<4sBBH8s")
CRC = struct.Struct("<I")
TENSOR = struct.Struct("<BBHII")
START = HEAD.size + CRC.size  # where the headers of the tensors begin
DTYPES: dict[str, np.dtype[Any]] = {name: np.dtype(name).newbyteorder("<") for name in VALUES}


class Encoding(IntEnum):
    """How a tensor is written."""

    WHOLE = 0  # every entry
    FILLED = 1  # every entry, zeros where nothing was kept
    CSR = 2
    BITMAP = 3
    RICE = 4


class Header(NamedTuple):
    """The header of a tensor."""

    encoding: int
    parameter: int = 0
    zero: int = 0
    entries: int = 0
    length: int = 0


POSITION_CODES: dict[Encoding, PositionCode] = {
    Encoding.CSR: RowsAndColumns(),
    Encoding.BITMAP: Bitmap(),
    Encoding.RICE: Rice(),
}


def padded(length: int) -> int:
    """Round a number of bytes up to the next border."""
    return length + -length % 4


def checksum(parts: Iterable[bytes | memoryview]) -> int:
    """Return the CRC-32 of the parts of a message, one after the other.

    Examples
    --------
    >>> checksum([b"1234", b"56789"]) == crc32(b"123456789")
    True
    """
    crc = 0
    for part in parts:
        crc = crc32(part, crc)
    return crc
