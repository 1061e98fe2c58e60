"""Positions of kept entries as bytes and back: rows and columns (CSR), one bit an entry, or Golomb-Rice coded gaps.

Positions are flat, ascending and without repeats. Decoders trust nothing: they return -1 for an input that no encoder
writes, stay inside their arrays, and take time in proportion to their sizes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from minizerofl.kernels.jit import kernel
from minizerofl.kernels.types import Array
from minizerofl.kernels.types import Indices as Positions

__all__ = [
    "add_all",
    "add_at",
    "find_bits",
    "find_nonzeros",
    "join_rows",
    "rice_bits",
    "rice_decode",
    "rice_encode",
    "set_bits",
    "split_rows",
]

Words = NDArray[np.uint32]
Values = NDArray[np.float32]

MASK = 0xFFFFFFFF
TRAILING_ZEROS = np.array([(byte & -byte).bit_length() - 1 for byte in range(256)])  # of each value of a byte


@kernel
def split_rows(positions: Positions, columns: int, indptr: Positions, indices: Positions) -> None:
    """Turn flat positions into row pointers and column indices (CSR), by a binary search for the end of each row.

    Parameters
    ----------
    positions : (k,) int32
        Flat positions in a matrix.
    columns : int
        The columns of the matrix, at least 1.
    indptr : (rows + 1,) int32
        Result: row i holds the entries ``indptr[i]`` to ``indptr[i + 1]``.
    indices : (k,) int32
        Result: the column of each.
    """
    first = 0
    for row in range(indptr.size - 1):
        indptr[row] = first
        start = row * columns
        last = min(first + columns, positions.size)
        rest = positions[first:last]  # the row, and perhaps entries of the next ones
        n, end = 0, rest.size
        while n < end:  # Binary search: where does the next row begin?
            middle = (n + end) >> 1
            if rest[middle] - start < columns:
                n = middle + 1
            else:
                end = middle
        row_indices = indices[first : first + n]
        for i in range(n):
            row_indices[i] = rest[i] - start
        first += n
    indptr[indptr.size - 1] = first


@kernel
def join_rows(indptr: Positions, indices: Positions, columns: int, positions: Positions) -> int:
    """Turn row pointers and column indices back into flat positions: the inverse of `split_rows`.

    Returns
    -------
    int
        0, or -1 if the row pointers or the indices are not those of a matrix with sorted rows.
    """
    last = indptr.size - 1
    if indptr[0] != 0 or indptr[last] != indices.size:
        return -1
    for row in range(last):
        first, end = indptr[row], indptr[row + 1]
        if first > end or end > indices.size:
            return -1
        if first == end:
            continue
        row_indices, row_positions = indices[first:end], positions[first:end]
        if row_indices[0] < 0 or row_indices[-1] >= columns:
            return -1
        start = row * columns
        row_positions[0] = start + row_indices[0]
        disorder = 0  # counted without a branch, so that LLVM vectorises the loop
        for i in range(1, row_indices.size):
            row_positions[i] = start + row_indices[i]
            disorder += row_indices[i] <= row_indices[i - 1]
        if disorder:
            return -1
    return 0


@kernel
def set_bits(positions: Positions, words: Words) -> None:
    """Set the bit of each position in `words`, which are zero; bit 0 of word 0 is position 0."""
    current = 0  # the number of the word that is being put together
    word = 0
    for p in positions:
        if int(p) >> 5 != current:
            words[current] = word
            current = int(p) >> 5
            word = 0
        word |= 1 << (int(p) & 31)
    if positions.size:
        words[current] = word


@kernel
def find_bits(words: Words, positions: Positions) -> int:
    """Write down the positions of the bits that are set, without branches: the inverse of `set_bits`.

    Every position is written, and the next one overwrites it unless its bit is set. A branch would often be predicted
    wrongly.

    Parameters
    ----------
    words : (m,) uint32
        The bits.
    positions : (k + 1,) int32
        The result; it is one longer than there are bits.

    Returns
    -------
    int
        How many bits are set, or -1 if there are more than k.
    """
    n = 0
    for i in range(words.size):
        word = np.int64(words[i])
        if word == 0:
            continue
        first = i * 32
        if n + 32 < positions.size:
            for bit in range(32):
                positions[n] = first + bit
                n += int((word >> bit) & 1)
        else:  # Near the end of the room: look before writing.
            for bit in range(32):
                if (word >> bit) & 1:
                    if n + 1 >= positions.size:
                        return -1
                    positions[n] = first + bit
                    n += 1
    return n


@kernel
def find_nonzeros(values: Values, positions: Positions, found: Values) -> int:
    """Write down values that are not zero and their positions, without a branch, as in `find_bits`.

    Parameters
    ----------
    values : (n,) float32
        The values.
    positions : (k + 1,) int32
        Result: where those are that are not zero, at most k.
    found : (k + 1,) float32
        Result: what they are.

    Returns
    -------
    int
        How many there are, or -1 if there are more than k.
    """
    n = 0
    for i in range(values.size):
        if n == positions.size:
            return -1
        positions[n] = i
        found[n] = values[i]
        n += values[i] != 0
    return n if n < positions.size else -1


@kernel
def rice_bits(positions: Positions, parameter: int) -> int:
    """Count the bits that `rice_encode` writes."""
    total = int(positions[0] >> parameter) if positions.size else 0
    for i in range(1, positions.size):  # Each gap on its own, so that LLVM vectorises the loop.
        total += (positions[i] - positions[i - 1] - 1) >> parameter
    return total + positions.size * (parameter + 1)


@kernel
def rice_encode(positions: Positions, parameter: int, words: Words) -> None:
    """Write the gaps between positions in Golomb-Rice code (Golomb 1966, Rice 1979).

    A gap is the number of entries that are left out before a position. Its quotient by ``2**parameter`` is written in
    unary, as that many zeros and a one, and its remainder in `parameter` bits. Bits fill each word from its lowest.

    Parameters
    ----------
    positions : (k,) int32
        The positions.
    parameter : int
        0 to 24.
    words : (ceil(rice_bits / 32),) uint32
        The result.
    """
    held = np.int64(0)  # bits not yet written, the first one lowest
    count = 0  # how many, below 32 after each position
    written = 0  # words
    before = np.int64(-1)
    rest = (1 << parameter) - 1
    for p in positions:
        gap = np.int64(p) - before - 1
        before = np.int64(p)
        zeros = int(gap >> parameter)
        count += zeros
        while count >= 32:
            words[written] = held & MASK
            written += 1
            held >>= 32
            count -= 32
        held |= (((gap & rest) << 1) | 1) << count
        count += parameter + 1
        if count >= 32:
            words[written] = held & MASK
            written += 1
            held >>= 32
            count -= 32
    if count:
        words[written] = held


@kernel
def rice_decode(words: Words, parameter: int, size: int, positions: Positions) -> int:
    """Read positions from Golomb-Rice code: the inverse of `rice_encode`.

    Parameters
    ----------
    words : (m,) uint32
        The code.
    parameter : int
        0 to 24.
    size : int
        Positions are below this.
    positions : (k,) int32
        The result.

    Returns
    -------
    int
        0, or -1 if the code ends early, goes on after the last position, or leads to `size` or beyond.
    """
    held = np.int64(0)  # bits read but not yet used, the next one lowest
    count = 0  # how many, 62 at most
    taken = 0  # words
    before = np.int64(-1)
    rest = (1 << parameter) - 1
    most = size >> parameter
    for i in range(positions.size):
        if count < 31 and taken < words.size:
            held |= np.int64(words[taken]) << count
            taken += 1
            count += 32

        zeros = 0  # the unary part: eight zeros at a time, then what is left in the byte
        while not held & 255:
            if held:
                held >>= 8
                zeros += 8
                count -= 8
            else:
                zeros += count
                if taken == words.size or zeros > most:
                    return -1
                held = np.int64(words[taken])
                taken += 1
                count = 32
        more = int(TRAILING_ZEROS[held & 255])
        zeros += more
        held >>= more + 1
        count -= more + 1

        if count < parameter and taken < words.size:
            held |= np.int64(words[taken]) << count
            taken += 1
            count += 32
        before += 1 + (zeros << parameter) + (held & rest)
        held >>= parameter
        count -= parameter

        if count < 0 or zeros > most or before >= size:
            return -1
        positions[i] = before
    return -1 if held or taken < words.size or count >= 32 else 0


@kernel
def add_at(sums: NDArray[np.float64], positions: Positions, values: Array, weight: float) -> None:
    """Add weighted values to the sums at their positions."""
    for i in range(positions.size):
        sums[positions[i]] += weight * np.float64(values[i])


@kernel
def add_all(sums: NDArray[np.float64], values: Array, weight: float) -> None:
    """Add a weighted value to each sum."""
    for i in range(values.size):
        sums[i] += weight * np.float64(values[i])
