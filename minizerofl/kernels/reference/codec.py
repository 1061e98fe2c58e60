"""Twins of `minizerofl.kernels.codec`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from minizerofl.kernels.codec import Values, Words
from minizerofl.kernels.types import Array, Bytes
from minizerofl.kernels.types import Indices as Positions


def split_rows(positions: Positions, columns: int, indptr: Positions, indices: Positions) -> None:
    """Turn flat positions into row pointers and column indices."""
    indptr[:] = np.searchsorted(positions, np.arange(indptr.size, dtype=np.int64) * columns)
    indices[:] = positions % columns


def join_rows(indptr: Positions, indices: Positions, columns: int, positions: Positions) -> int:
    """Turn row pointers and column indices back into flat positions."""
    lengths = np.diff(indptr)
    if indptr[0] != 0 or indptr[-1] != indices.size or (lengths < 0).any():
        return -1
    if indices.size and (indices.min() < 0 or indices.max() >= columns):
        return -1
    flat = np.repeat(np.arange(lengths.size), lengths) * columns + indices
    if (np.diff(flat) <= 0).any():
        return -1
    positions[:] = flat
    return 0


def set_bits(positions: Positions, words: Words) -> None:
    """Set the bit of each position."""
    bits = np.zeros(32 * words.size, np.uint8)
    bits[positions] = 1
    words[:] = np.packbits(bits, bitorder="little").view(np.uint32)


def find_bits(words: Words, positions: Positions) -> int:
    """Write down the positions of the bits that are set."""
    found = np.flatnonzero(_bits(words))
    if found.size >= positions.size:
        return -1
    positions[: found.size] = found
    return found.size


def find_nonzeros(values: Values, positions: Positions, found: Values) -> int:
    """Write down values that are not zero and their positions."""
    where = np.flatnonzero(values)
    if where.size >= positions.size:
        return -1
    positions[: where.size] = where
    found[: where.size] = values[where]
    return where.size


def rice_bits(positions: Positions, parameter: int) -> int:
    """Count the bits that `rice_encode` writes."""
    return len(_rice_code(positions, parameter))


def rice_encode(positions: Positions, parameter: int, words: Words) -> None:
    """Write the gaps between positions in Golomb-Rice code."""
    bits = np.zeros(32 * words.size, np.uint8)
    code = _rice_code(positions, parameter)
    bits[: len(code)] = code
    words[:] = np.packbits(bits, bitorder="little").view(np.uint32)


def rice_decode(words: Words, parameter: int, size: int, positions: Positions) -> int:
    """Read positions from Golomb-Rice code."""
    bits = _bits(words).tolist()
    at, before = 0, -1
    for i in range(positions.size):
        if 1 not in bits[at:]:
            return -1
        one = bits.index(1, at)
        rest = bits[one + 1 : one + 1 + parameter]
        if len(rest) < parameter:
            return -1
        before += 1 + ((one - at) << parameter) + sum(bit << i for i, bit in enumerate(rest))
        if before >= size:
            return -1
        positions[i] = before
        at = one + 1 + parameter
    return -1 if any(bits[at:]) or len(bits) - at >= 32 else 0


def add_at(sums: NDArray[np.float64], positions: Positions, values: Array, weight: float) -> None:
    """Add weighted values to the sums at their positions."""
    np.add.at(sums, positions, weight * values.astype(np.float64))


def add_all(sums: NDArray[np.float64], values: Array, weight: float) -> None:
    """Add a weighted value to each sum."""
    sums += weight * values.astype(np.float64)


def _bits(words: Words) -> Bytes:
    return np.unpackbits(words.view(np.uint8), bitorder="little")


def _rice_code(positions: Positions, parameter: int) -> list[int]:
    code: list[int] = []
    for gap in np.diff(positions, prepend=-1).tolist():
        code += [0] * ((gap - 1) >> parameter) + [1]
        code += [((gap - 1) >> i) & 1 for i in range(parameter)]
    return code
