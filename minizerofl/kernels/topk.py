"""The passes over the data of an exact top-k: which values reach a cut, where exactly to cut, which rows to look at.

Nothing is sorted. A cut that is a little too low leaves few candidates, and a histogram of their bits finds the
threshold among those, in linear time whatever the values: magnitudes compare like their bits read as integers.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from minizerofl.kernels.bits import compress, count, lowest, reaches
from minizerofl.kernels.jit import kernel

Floats = NDArray[np.floating[Any]]
Indices = NDArray[np.int32]
Top = tuple[int, int]

BUCKETS = 8192  # of a histogram: 32 KB of counters
BEHIND = 64  # entries that `keep_rows` may read and write behind the last one
ALL = np.uint64(2**64 - 1)


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
def nth_largest(magnitudes: NDArray[Any], n: int) -> tuple[int, int]:
    """Find the n-th largest number: a histogram finds its bucket, a finer one its bucket in that, and so on.

    Parameters
    ----------
    magnitudes : (size,) int32 or int64
        At least n numbers, none of them negative.
    n : int
        Which, counted from 1.

    Returns
    -------
    largest, ties : int
        The n-th largest number, and how many that equal it are among the n largest.
    """
    low, high = magnitudes[0], magnitudes[0]
    for i in range(magnitudes.size):
        low, high = min(low, magnitudes[i]), max(high, magnitudes[i])
    counts = np.empty(BUCKETS, np.int32)
    while low < high:
        shift = 0
        while (high - low) >> shift >= BUCKETS:
            shift += 1
        counts[:] = 0
        for i in range(magnitudes.size):
            if low <= magnitudes[i] <= high:
                counts[(magnitudes[i] - low) >> shift] += 1
        bucket = (high - low) >> shift
        while counts[bucket] < n:
            n -= counts[bucket]
            bucket -= 1
        low += bucket << shift
        high = min(high, low + (1 << shift) - 1)
    return low, n


@kernel
def estimate(bits: NDArray[Any], top: Top, k: int, step: int, errors: int) -> int:
    """Estimate the k-th largest magnitude from every so many-th value.

    Parameters
    ----------
    bits : (n,) int32 or int64
        The bits of the values; zeros and NaN do not count.
    top : (int, int)
        The bits of infinity, and the mask of all bits but the sign.
    k, step : int
        Which magnitude, and how far from one value of the sample to the next.
    errors : int
        So many standard errors the estimate is too low.

    Returns
    -------
    int
        The bits of the estimate.
    """
    infinity, no_sign = top
    sample = np.empty(bits.size // step + 2, bits.dtype)
    n, seen = 0, 0
    for i in range(0, bits.size, step):
        sample[n] = bits[i] & no_sign
        n += 0 < sample[n] <= infinity
        seen += 1
    share = k / bits.size
    rank = int(share * seen + errors * (np.sqrt(seen * share * max(0.0, 1 - share)) + 1))
    if rank < 0:
        return infinity
    return nth_largest(sample[:n], rank + 1)[0] if rank < n else 1


@kernel
def find_threshold(values: Floats, bits: NDArray[Any], top: Top, k: int, step: int) -> tuple[int, int]:
    """Find the k-th largest magnitude; among many values, only those that lie between two estimates are looked at.

    Parameters
    ----------
    values, bits : (n,) float, int32 or int64
        At least k values, none of them NaN, and their bits.
    top, k, step
        As of `estimate`; a step of 1 estimates nothing.

    Returns
    -------
    bits, ties : int
        The bits of the k-th largest magnitude, and how many that equal it are among the k largest.
    """
    no_sign = top[1]
    if step > 1:
        bounds = np.empty(2, bits.dtype)
        for i in range(2):
            bounds[i] = estimate(bits, top, k, step, 4 - 8 * i)
        low, high = bounds.view(values.dtype)
        between = np.empty(bits.size + 1, bits.dtype)
        n, larger = 0, 0
        whole = values.size - values.size % 64
        for start in range(0, whole, 64):
            above = reaches(values, start, high)
            larger += count(above)
            found = reaches(values, start, low) & ~above
            while found:
                between[n] = bits[start + lowest(found)] & no_sign
                found &= found - np.uint64(1)
                n += 1
        for i in range(whole, values.size):
            between[n] = bits[i] & no_sign
            larger += np.abs(values[i]) >= high
            n += np.abs(values[i]) >= low and not np.abs(values[i]) >= high
        if larger < k <= larger + n:
            return nth_largest(between[:n], k - larger)
    return nth_largest(bits & bits.dtype.type(no_sign), k)


@kernel
def highest(numbers: Indices) -> int:
    """Return the largest number, or 0: a first call without compiled kernels takes 0.4 s less than with NumPy's."""
    result = 0
    for number in numbers:
        result = max(result, number)
    return result


@kernel
def collect_rows(w: Floats, cut: float, changed: Indices, slots: Indices, indices: Indices, values: Floats) -> int:
    """Collect the values of a matrix with ``abs(w) >= cut``, row by row; only rows that have changed are looked at.

    The values of a row lie in its slot, which is a little longer and ends in zeros, so that next time they will mostly
    fit again and nothing else need move: a step of the FEMNIST network is 1.02 to 1.07 times as fast as with all rows
    put together anew. A row that has outgrown its slot gets a new one behind all others.

    Parameters
    ----------
    w : (R, C) float
        The matrix.
    cut : float
        The smallest magnitude to collect, of the dtype of `w`.
    changed : (r,) int32
        The rows to look at. The others keep what they have.
    slots : (3, R) int32
        For each row, where its values start and stop, and where its slot ends; all zero at first. It is changed.
    indices, values : (capacity + BEHIND,) int32, (capacity + BEHIND,) float
        The columns and values of all rows; changed too.

    Returns
    -------
    int
        How many values all rows have, or -1 if they do not fit; then all three are of no use any more.
    """
    starts, stops, ends = slots
    used = highest(slots[-1])
    indices, values = indices[: values.size - BEHIND], values[: values.size - BEHIND]
    for i in range(changed.size):
        row = changed[i]
        start, end = starts[row], ends[row]
        found = collect_at_least(w[row], cut, indices[start:end], values[start:end])
        if found < 0:
            values[start:end] = 0
            start = used
            found = collect_at_least(w[row], cut, indices[start:], values[start:])
            if found < 0:
                return -1
            end = used = min(start + found + found // 32 + 2, values.size)
        values[start + found : end] = 0
        starts[row], stops[row], ends[row] = start, start + found, end
    total = 0
    for row in range(starts.size):
        total += stops[row] - starts[row]
    return total


@kernel
def keep_rows(
    slots: Indices,
    indices: Indices,
    values: Floats,
    bits: NDArray[Any],
    top: Top,
    k: int,
    sample: int,
    kept: tuple[Indices, Indices, Floats],
) -> None:
    """Copy the k largest entries of a sparse matrix; of equal ones the first.

    Parameters
    ----------
    slots, indices, values : (2 or more, R) int32, (n,) int32, (n,) float
        The matrix as of `collect_rows`: row r is ``[slots[0, r], slots[1, r])``. It has at least k > 0 entries, none
        of which is NaN; what is in no row is zero. BEHIND the last slot, anything.
    bits : (n,) int32 or int64
        The bits of the values.
    top, k
        As of `find_threshold`.
    sample : int
        How many values it may look at to estimate.
    kept : tuple of array
        The results as CSR, (R + 1,) int32, (k + BEHIND,) int32, (k + BEHIND,) float; BEHIND k there is scratch.
    """
    kept_indptr, kept_indices, kept_values = kept
    used = highest(slots[-1])
    limits = np.empty(2, bits.dtype)
    limits[0], ties = find_threshold(values[:used], bits[:used], top, k, max(1, used // sample))
    limits[1] = limits[0] + 1
    threshold, above = limits.view(values.dtype)
    n = 0
    kept_indptr[0] = 0
    for r in range(slots.shape[1]):
        stop = slots[1, r]
        for start in range(slots[0, r], stop, 64):
            row = ALL >> np.uint64(64 - min(64, stop - start))  # the bits that belong to the row
            found = reaches(values, start, above) & row
            equal = reaches(values, start, threshold) & row & ~found
            while equal and ties:
                found |= equal & ~(equal - np.uint64(1))
                equal &= equal - np.uint64(1)
                ties -= 1
            compress(indices, start, found, row, kept_indices, n)
            compress(values, start, found, row, kept_values, n)
            n += count(found)
        kept_indptr[r + 1] = n
