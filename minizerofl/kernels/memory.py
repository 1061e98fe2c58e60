"""Memory for kernels: aligned arrays, which begin at a cache line, and bytes on huge pages.

A cache line, the unit in which a processor reads memory, is 64 bytes: 16 floats, as much as one register of AVX-512. A
vector that lies across two lines is read twice. NumPy begins arrays anywhere, so we align them ourselves.
"""

from __future__ import annotations

import ctypes
import math
import mmap
import sys
from ctypes import c_size_t, c_void_p
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

LINE = 64  # bytes of a cache line
MIN_LANES = 16  # floats in the shortest vector
M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD = -1, -2, -3  # of <malloc.h>
KEEP = {M_MMAP_THRESHOLD: 1 << 30, M_TRIM_THRESHOLD: 1 << 30, M_TOP_PAD: 1 << 26}  # bytes
LARGE = 1 << 22  # bytes; from this size on huge pages pay


def whole_vectors(n: int) -> int:
    """Round a number of floats up to a multiple of the shortest vector.

    Examples
    --------
    >>> whole_vectors(10), whole_vectors(32)
    (16, 32)
    """
    return -(-n // MIN_LANES) * MIN_LANES


def empty(shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    """Make an array that begins at a cache line, like `numpy.empty`.

    Examples
    --------
    >>> empty((3, 5), np.float32).ctypes.data % LINE
    0
    """
    size = math.prod(shape) * np.dtype(dtype).itemsize
    memory = np.empty(size + LINE, np.uint8)
    start = -memory.ctypes.data % LINE
    return memory[start : start + size].view(dtype).reshape(shape)


def zeros(shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    """Make an array of zeros that begins at a cache line, like `numpy.zeros`."""
    array = empty(shape, dtype)
    array.fill(0)
    return array


def keep_freed_memory() -> bool:
    """Let the C library keep the memory that arrays no longer need, for the next arrays; return whether it will.

    Otherwise the system takes it back after a training step, and must clear each page when the next step asks for it.
    This holds for the whole process, so programs call it, not imports.
    """
    # Only GNU's C library has mallopt.
    mallopt: Any = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    return mallopt is not None and all(mallopt(option, size) == 1 for option, size in KEEP.items())


def zero_bytes(size: int) -> BytesIO:
    r"""Make room for bytes, all zero: `getbuffer` is a view to write to; without views `getvalue` makes no copy.

    On Linux we ask for huge pages (2 MB), as NumPy does for its arrays. Python's own large objects come in pages of
    4 KB, and the system must map and clear each page when it is first written.

    Examples
    --------
    >>> room = zero_bytes(3)
    >>> room.getbuffer()[1:] = b"ab"
    >>> room.getvalue()
    b'\x00ab'
    """
    room = BytesIO(bytes(size))
    if sys.platform == "linux" and size >= LARGE:
        start = np.frombuffer(room.getbuffer(), np.uint8).ctypes.data
        first = -(-start // mmap.PAGESIZE) * mmap.PAGESIZE
        # Advice: where the system does not follow it, nothing is lost but time.
        ctypes.CDLL(None).madvise(c_void_p(first), c_size_t(start + size - first), mmap.MADV_HUGEPAGE)
    return room
