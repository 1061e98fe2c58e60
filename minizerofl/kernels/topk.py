"""The passes over the data of an exact top-k: which values reach a cut, where exactly to cut, which rows to look at.

Nothing is sorted. A cut that is a little too low leaves few candidates, and a histogram of their bits finds the
threshold among those, in linear time whatever the values: magnitudes compare like their bits read as integers.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from minizerofl.kernels.jit import kernel
from minizerofl.kernels.simd import count, lowest, reaches

Floats = NDArray[np.floating[Any]]
Indices = NDArray[np.int32]

BUCKETS = 8192  # of a histogram: 32 KB of counters


@kernel
def collect_at_least(x: Floats, cut: float, positions: Indices, values: Floats) -> int:
    """Collect the values with ``abs(x) >= cut`` and their positions, in ascending order.

    64 values are compared at a time, and only those found are looked at (3.5 times as fast as value by value).

    Parameters
    ----------
    x : (n,) float
        The values. NaN is never collected.
    cut : float
        The smallest magnitude to collect, of the dtype of `x`.
    positions, values : (capacity,) int32, float
        The results.

    Returns
    -------
    int
        How many were collected, or -1 if they do not fit.
    """
    n = 0
    whole = x.size - x.size % 64
    for start in range(0, whole, 64):
        bits = reaches(x, start, cut)
        if n + 64 > positions.size and n + count(bits) > positions.size:
            return -1
        while bits:
            i = start + lowest(bits)
            positions[n] = i
            values[n] = x[i]
            bits &= bits - np.uint64(1)
            n += 1
    for i in range(whole, x.size):
        if np.abs(x[i]) >= cut:
            if n == positions.size:
                return -1
            positions[n] = i
            values[n] = x[i]
            n += 1
    return n


@kernel
def count_at_least(x: Floats, cut: float) -> int:
    """Count the values with ``abs(x) >= cut``."""
    n = 0
    whole = x.size - x.size % 64
    for start in range(0, whole, 64):
        n += count(reaches(x, start, cut))
    for i in range(whole, x.size):
        n += np.abs(x[i]) >= cut
    return n


@kernel
def collect_between(x: Floats, low: float, high: float, values: Floats) -> int:
    """Collect the values with ``low <= abs(x) < high``.

    Parameters
    ----------
    x : (n,) float
        The values. NaN is never collected.
    low, high : float
        The bounds, of the dtype of `x`.
    values : (n,) float
        The result.

    Returns
    -------
    int
        How many were collected.
    """
    n = 0
    whole = x.size - x.size % 64
    for start in range(0, whole, 64):
        bits = reaches(x, start, low) & ~reaches(x, start, high)
        while bits:
            values[n] = x[start + lowest(bits)]
            bits &= bits - np.uint64(1)
            n += 1
    for i in range(whole, x.size):
        if np.abs(x[i]) >= low and not np.abs(x[i]) >= high:
            values[n] = x[i]
            n += 1
    return n


@kernel
def find_tie(x: Floats, magnitude: float, above: float, k: int) -> int:
    """Find the position of the k-th value, counted from 1, whose magnitude is `magnitude`; `above` is the next number.

    There must be so many.
    """
    i = 0
    while i + 64 <= x.size:
        found = count(reaches(x, i, magnitude) & ~reaches(x, i, above))
        if found >= k:
            break
        k -= found
        i += 64
    while True:
        k -= np.abs(x[i]) == magnitude
        if k == 0:
            return i
        i += 1


@kernel
def find_threshold(bits: NDArray[Any], no_sign: int, k: int) -> tuple[int, int]:
    """Find the k-th largest magnitude: a histogram finds its bucket, a finer one its bucket in that, and so on.

    Parameters
    ----------
    bits : (n,) int32 or int64
        The bits of at least k floats, none of them NaN.
    no_sign : int
        The mask of all bits but the sign.
    k : int
        Which magnitude, counted from 1.

    Returns
    -------
    bits, ties : int
        The bits of the k-th largest magnitude, and how many that equal it are among the k largest.
    """
    low, high = bits[0] & no_sign, bits[0] & no_sign
    for i in range(bits.size):
        low, high = min(low, bits[i] & no_sign), max(high, bits[i] & no_sign)
    counts = np.empty(BUCKETS, np.int32)
    while True:
        shift = 0
        while (high - low) >> shift >= BUCKETS:
            shift += 1
        counts[:] = 0
        for i in range(bits.size):
            magnitude = bits[i] & no_sign
            if low <= magnitude <= high:
                counts[(magnitude - low) >> shift] += 1
        bucket = (high - low) >> shift
        while counts[bucket] < k:
            k -= counts[bucket]
            bucket -= 1
        low += bucket << shift
        if shift == 0:
            return low, k
        high = min(high, low + (1 << shift) - 1)


@kernel
def collect_rows(
    w: Floats,
    cut: float,
    changed: Indices,
    old: tuple[Indices, Indices, Floats],
    indptr: Indices,
    indices: Indices,
    values: Floats,
) -> int:
    """Collect the values of a matrix with ``abs(w) >= cut``, row by row; rows that have not changed are not looked at.

    Parameters
    ----------
    w : (R, C) float
        The matrix.
    cut : float
        The smallest magnitude to collect, of the dtype of `w`.
    changed : (r,) int32
        The rows to look at, ascending. Those between them are taken from `old`.
    old : tuple of array
        An earlier result: indptr, indices and values for the same cut.
    indptr, indices, values : (R + 1,) int32, (capacity,) int32, (capacity,) float
        The results, as in CSR.

    Returns
    -------
    int
        How many were collected, or -1 if they do not fit.
    """
    old_indptr, old_indices, old_values = old
    R, n, first = w.shape[0], 0, 0
    indptr[0] = 0
    for i in range(changed.size + 1):
        row = changed[i] if i < changed.size else R
        start, stop = old_indptr[first], old_indptr[row]
        if stop > start:
            if n + stop - start > indices.size:
                return -1
            indices[n : n + stop - start] = old_indices[start:stop]
            values[n : n + stop - start] = old_values[start:stop]
        for r in range(first, row):
            indptr[r + 1] = n + old_indptr[r + 1] - start
        n += stop - start
        if row < R:
            found = collect_at_least(w[row], cut, indices[n:], values[n:])
            if found < 0:
                return -1
            n += found
            indptr[row + 1] = n
        first = row + 1
    return n


@kernel
def keep_rows(
    entries: tuple[Indices, Indices, Floats],
    threshold: float,
    above: float,
    last_tie: int,
    kept: tuple[Indices, Indices, Floats],
) -> None:
    """Copy the entries of a sparse matrix whose magnitude exceeds `threshold`, and the first that equal it.

    Each entry is written, without a branch, and overwritten by the next if it is not kept. Unsigned numbers spare
    Numba's look at negative indices. Both together: 3.4 times as fast as a plain loop.

    Parameters
    ----------
    entries : tuple of array
        The matrix as CSR, (R + 1,) int32, (m,) int32, (m,) float; among its entries are all that are kept.
    threshold, above : float
        The smallest magnitude that is kept, of the dtype of the values, and the next larger number.
    last_tie : int
        The last entry that is kept although it is not larger than the threshold.
    kept : tuple of array
        The results, (R + 1,) int32, (k + 1,) int32, (k + 1,) float; the last entry is scratch.
    """
    indptr, indices, values = entries
    kept_indptr, kept_indices, kept_values = kept
    n = np.uint64(0)
    kept_indptr[0] = 0
    for r in range(indptr.size - 1):
        for j in range(np.uint64(indptr[r]), np.uint64(indptr[r + 1])):
            kept_indices[n] = indices[j]
            kept_values[n] = values[j]
            n += np.uint64(np.abs(values[j]) >= (threshold if j <= np.uint64(last_tie) else above))
        kept_indptr[r + 1] = n
