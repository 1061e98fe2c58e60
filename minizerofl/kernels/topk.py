"""The passes over the data of an exact top-k: sampled selection, and a histogram select among the candidates.

Sampled selection (Floyd and Rivest 1975): a sample of the values suggests a *cut*, a little too low. One pass collects
the *candidates* that reach it. The *threshold*, the exact k-th largest magnitude, is then found among these few.

Histogram select (also radix select or bucket select): a histogram of integers finds the bucket of the k-th largest, a
finer one its bucket in that, until a bucket holds one number. Nothing is sorted, and the time is linear whatever the
values are. Floats need no conversion: magnitudes compare like their bits read as integers.
"""

from __future__ import annotations

import numpy as np

from minizerofl.kernels.bits import compress, mask_at_least, popcount, trailing_zeros
from minizerofl.kernels.jit import kernel
from minizerofl.kernels.types import Array, Floats, Indices

__all__ = ["SLACK", "collect_at_least", "collect_rows", "count_at_least", "estimate", "find_tie", "keep_rows"]

Top = tuple[int, int]

BUCKETS = 8192  # The counters of a histogram take 32 KB and stay in the first-level cache (L1).
SLACK = 64  # Spare entries after the last one, which `keep_rows` may read and overwrite.
ALL_BITS = np.uint64(2**64 - 1)


@kernel
def collect_at_least(x: Floats, cut: float, positions: Indices, values: Floats) -> int:
    """Collect the values with ``abs(x) >= cut`` and their positions, in ascending order.

    64 comparisons give a bit mask, and counting its trailing zeros finds the bits that are set: few values reach the
    cut, so nearly all are passed over 64 at a time.

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
        mask = mask_at_least(x, start, cut)
        if n + 64 > positions.size and n + popcount(mask) > positions.size:
            return -1
        while mask:
            i = start + trailing_zeros(mask)
            positions[n] = i
            values[n] = x[i]
            mask &= mask - np.uint64(1)  # clears the lowest bit that is set
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
    """Count the values with ``abs(x) >= cut``: 64 comparisons, and the population count of their mask."""
    n = 0
    whole = x.size - x.size % 64
    for start in range(0, whole, 64):
        n += popcount(mask_at_least(x, start, cut))
    for i in range(whole, x.size):
        n += np.abs(x[i]) >= cut
    return n


@kernel
def find_tie(x: Floats, magnitude: float, above: float, k: int) -> int:
    """Find the position of the k-th value (counted from 1) whose magnitude is `magnitude`; `above` is the next float.

    `x` must hold at least k such values.
    """
    i = 0
    while i + 64 <= x.size:
        found = popcount(mask_at_least(x, i, magnitude) & ~mask_at_least(x, i, above))
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
def histogram_select(magnitudes: Array, n: int) -> tuple[int, int]:
    """Histogram select: find the n-th largest number without sorting (see the module's docstring).

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
def estimate(bits: Array, top: Top, k: int, stride: int, errors: int) -> int:
    """Estimate the k-th largest magnitude from a strided sample: the quantile of the sample, moved by some errors.

    Parameters
    ----------
    bits : (n,) int32 or int64
        The bits of the values; zeros and NaN do not count.
    top : (int, int)
        The bits of infinity, and the mask of all bits but the sign.
    k, stride : int
        Which magnitude, and the distance from one value of the sample to the next.
    errors : int
        How many standard errors the estimate shall lie too low; negative: too high.

    Returns
    -------
    int
        The bits of the estimate.
    """
    infinity, no_sign = top
    sample = np.empty(bits.size // stride + 2, bits.dtype)
    n, seen = 0, 0
    for i in range(0, bits.size, stride):
        sample[n] = bits[i] & no_sign
        n += 0 < sample[n] <= infinity
        seen += 1
    share = k / bits.size
    rank = int(share * seen + errors * (np.sqrt(seen * share * max(0.0, 1 - share)) + 1))
    if rank < 0:
        return infinity
    return histogram_select(sample[:n], rank + 1)[0] if rank < n else 1


@kernel
def collect_between(values: Floats, bits: Array, no_sign: int, limits: Floats, between: Array) -> tuple[int, int]:
    """Collect the magnitudes from ``limits[0]`` to below ``limits[1]``, as bits; count the larger ones.

    Returns
    -------
    n, larger : int
        How many were collected, and how many are larger.
    """
    low, high = limits
    n, larger = 0, 0
    whole = values.size - values.size % 64
    for start in range(0, whole, 64):
        above = mask_at_least(values, start, high)
        larger += popcount(above)
        found = mask_at_least(values, start, low) & ~above
        while found:
            between[n] = bits[start + trailing_zeros(found)] & no_sign
            found &= found - np.uint64(1)
            n += 1
    for i in range(whole, values.size):
        between[n] = bits[i] & no_sign
        larger += np.abs(values[i]) >= high
        n += np.abs(values[i]) >= low and not np.abs(values[i]) >= high
    return n, larger


@kernel
def find_threshold(values: Floats, bits: Array, top: Top, k: int, stride: int) -> tuple[int, int]:
    """Find the k-th largest magnitude by sampled selection: only values between two estimates are looked at.

    Parameters
    ----------
    values, bits : (n,) float, int32 or int64
        At least k values, none of them NaN, and their bits.
    top, k, stride
        As in `estimate`; with a stride of 1 nothing is estimated.

    Returns
    -------
    bits, ties : int
        The bits of the k-th largest magnitude, and how many that equal it are among the k largest.
    """
    no_sign = top[1]
    if stride > 1:
        limits = np.empty(2, bits.dtype)
        for i in range(2):
            limits[i] = estimate(bits, top, k, stride, 4 - 8 * i)
        between = np.empty(bits.size + 1, bits.dtype)
        n, larger = collect_between(values, bits, no_sign, limits.view(values.dtype), between)
        if larger < k <= larger + n:
            return histogram_select(between[:n], k - larger)
    return histogram_select(bits & bits.dtype.type(no_sign), k)


@kernel
def maximum(numbers: Indices) -> int:
    """Return the largest number, or 0: a loop, since NumPy's maximum would lengthen the first call's compilation."""
    result = 0
    for number in numbers:
        result = max(result, number)
    return result


@kernel
def collect_rows(w: Floats, cut: float, changed: Indices, slots: Indices, indices: Indices, values: Floats) -> int:
    """Collect the values of a matrix with ``abs(w) >= cut``, row by row; only rows that have changed are looked at.

    The values of a row lie in its *slot*, which is a little longer and ends in zeros. Next time they will mostly fit
    again, and no other row must move. A row that has outgrown its slot gets a new one after all others.

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
    indices, values : (capacity + SLACK,) int32, (capacity + SLACK,) float
        The columns and values of all rows; changed too.

    Returns
    -------
    int
        How many values all rows have, or -1 if they do not fit; the contents of `slots`, `indices` and `values` are
        then undefined.
    """
    starts, stops, ends = slots
    used = maximum(slots[-1])
    indices, values = indices[: values.size - SLACK], values[: values.size - SLACK]
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
    bits: Array,
    top: Top,
    k: int,
    sample: int,
    kept: tuple[Indices, Indices, Floats],
) -> None:
    """Copy the k largest entries of a sparse matrix, by sampled selection and compress-stores; of equal ones the first.

    Parameters
    ----------
    slots, indices, values : (2 or more, R) int32, (n,) int32, (n,) float
        The matrix as in `collect_rows`: row r is ``[slots[0, r], slots[1, r])``. It has at least k > 0 entries, none
        of which is NaN; what is in no row is zero. After the last slot there are SLACK entries of any value.
    bits : (n,) int32 or int64
        The bits of the values.
    top, k
        As in `find_threshold`.
    sample : int
        How many values the estimate may look at.
    kept : tuple of array
        The results as CSR, (R + 1,) int32, (k + SLACK,) int32, (k + SLACK,) float; after the first k entries they hold
        anything.
    """
    kept_indptr, kept_indices, kept_values = kept
    used = maximum(slots[-1])
    limits = np.empty(2, bits.dtype)
    limits[0], ties = find_threshold(values[:used], bits[:used], top, k, max(1, used // sample))
    limits[1] = limits[0] + 1
    threshold, above = limits.view(values.dtype)
    n = 0
    kept_indptr[0] = 0
    for r in range(slots.shape[1]):
        stop = slots[1, r]
        for start in range(slots[0, r], stop, 64):
            inside = ALL_BITS >> np.uint64(64 - min(64, stop - start))  # the bits that belong to the row
            found = mask_at_least(values, start, above) & inside
            equal = mask_at_least(values, start, threshold) & inside & ~found
            while equal and ties:
                found |= equal & ~(equal - np.uint64(1))
                equal &= equal - np.uint64(1)
                ties -= 1
            compress(indices, start, found, inside, kept_indices, n)
            compress(values, start, found, inside, kept_values, n)
            n += popcount(found)
        kept_indptr[r + 1] = n
