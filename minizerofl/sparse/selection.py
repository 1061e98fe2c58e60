"""Which entries are kept: the exact top-k by magnitude."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from minizerofl.kernels import topk
from minizerofl.kernels.types import Array

Positions = NDArray[np.int32]

Candidates = tuple[NDArray[np.int32], NDArray[np.int32], Array]  # slots, indices, values, see `topk.collect_rows`

TOPS = {4: (0x7F800000, 0x7FFFFFFF), 8: (0x7FF0000000000000, 0x7FFFFFFFFFFFFFFF)}  # infinity, all bits but the sign
SAMPLE = 4096  # number of values from which the cut is estimated


def count_kept(numel: int, sparsity: float, mask_ratio: float = 0.0) -> int:
    """Return how many of `numel` entries are kept, at most: ``ceil((1 - sparsity + mask_ratio) * numel)``.

    The product is rounded to six decimals first, since 0.05 * 100 is 5.000000000000004 in floating point. `top_k`
    keeps fewer where there are fewer non-zeros.

    Parameters
    ----------
    numel : int
        The number of entries.
    sparsity : float
        The share that training leaves out, 0 <= sparsity < 1 (the paper's sp).
    mask_ratio : float
        The extra share that the uplink sends (the paper's r_mask, section 5).

    Raises
    ------
    ValueError
        The sparsity or the mask ratio is out of its range.

    Examples
    --------
    >>> count_kept(100, 0.95), count_kept(100, 0.95, mask_ratio=0.2), count_kept(100, 0.1, mask_ratio=0.2)
    (5, 25, 100)
    """
    if not 0 <= sparsity < 1:
        raise ValueError(f"sparsity is {sparsity}, expected 0 <= sparsity < 1")
    if not 0 <= mask_ratio <= 1:
        raise ValueError(f"mask_ratio is {mask_ratio}, expected 0 <= mask_ratio <= 1")
    return min(numel, math.ceil(round((1 - sparsity + mask_ratio) * numel, 6)))


def top_k(x: Array, k: int) -> Positions:
    """Select the k entries of largest magnitude, exactly.

    This is a sampled selection (Floyd and Rivest, 1975): a strided sample gives a cut that is a little too low; one
    pass collects the candidates that reach it; the k largest are found among these. Another pass is needed only if the
    cut was too high, or if very many values are equal.

    Parameters
    ----------
    x : array of float, any shape
        The values. Zeros and NaN are never selected.
    k : int
        The number of entries to select.

    Returns
    -------
    (min(k, number of non-zeros),) int32
        The flat C-order positions, ascending. Of equal magnitudes the lowest positions are selected.

    Examples
    --------
    >>> top_k(np.array([[3.0, -5.0], [0.0, 3.0]]), 2)
    array([0, 1], dtype=int32)
    """
    return largest(x, k)[0]


def keep_largest(x: Array, k: int) -> Array:
    """Set all but the k entries of largest magnitude to zero, in a copy; return `x` itself if all are to be kept.

    Examples
    --------
    >>> keep_largest(np.array([[1.0, -3.0], [2.0, 0.5]]), 2)
    array([[ 0., -3.],
           [ 2.,  0.]])
    """
    if k >= x.size:
        return x
    positions, values = largest(x, k)
    result = np.zeros(x.size, x.dtype)
    result[positions] = values
    return result.reshape(x.shape)


def keep_at(x: Array, positions: Positions) -> Array:
    """Set all but the entries at some flat positions to zero, in a copy.

    Examples
    --------
    >>> keep_at(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([1, 2]))
    array([[0., 2.],
           [3., 0.]])
    """
    result = np.zeros_like(x)
    result.reshape(-1)[positions] = x.reshape(-1)[positions]
    return result


def largest(x: Array, k: int) -> tuple[Positions, Array]:
    """Select the k entries of largest magnitude; return their positions, as `top_k` does, and their values."""
    flat = np.ascontiguousarray(x).reshape(-1)
    if k <= 0:
        return np.empty(0, np.int32), np.empty(0, flat.dtype)
    cut = estimate(flat, k, 4)
    n, positions, values = _collect(flat, cut, room(flat.size, k))
    if n < 0:  # there are more candidates than room: very many values are equal
        likely = estimate(flat, k, 0)
        ties = k - topk.count_at_least(flat, _above(likely))
        if ties > 0 and topk.count_at_least(flat, likely) >= k:
            return _cut_at(flat, likely, ties)
        n, positions, values = _collect(flat, cut, flat.size)
    elif n < k and cut > smallest(flat.dtype):  # the cut was too high
        n, positions, values = _collect(flat, smallest(flat.dtype), flat.size)
    if n <= k:
        return positions[:n], values[:n]
    return keep((np.array([[0], [n]], np.int32), positions, values), k)[1:]


def keep(entries: Candidates, k: int) -> tuple[NDArray[np.int32], NDArray[np.int32], Array]:
    """Return the k largest entries of a sparse matrix, as CSR; it must have at least k; ties go to the first."""
    slots, indices, values = entries
    kept = (np.empty(slots.shape[1] + 1, np.int32), *make_entries(k, values.dtype))
    topk.keep_rows(slots, indices, values, *_bits(values), k, SAMPLE, kept)
    return kept[0], kept[1][:k], kept[2][:k]


def make_entries(capacity: int, dtype: DTypeLike) -> tuple[NDArray[np.int32], Array]:
    """Make room for the indices and values of `capacity` entries, and for the slack that kernels need after them."""
    return np.empty(capacity + topk.SLACK, np.int32), np.empty(capacity + topk.SLACK, dtype)


def estimate(flat: Array, k: int, errors: int, sample: int = SAMPLE) -> Any:
    """Estimate the k-th largest magnitude from a sample, `errors` standard errors too low."""
    bits, top = _bits(flat)
    return bits.dtype.type(topk.estimate(bits, top, k, max(1, flat.size // sample) | 1, errors)).view(flat.dtype)


def smallest(dtype: DTypeLike) -> Any:
    """Return the smallest positive number: a magnitude that reaches it is not zero."""
    return _above(np.dtype(dtype).type(0))


def room(size: int, k: int) -> int:
    """Return the number of candidates to make room for, when the k largest of `size` values are wanted."""
    return min(size, int(1.5 * k) + 16 * SAMPLE)


def _bits(values: Array) -> tuple[Array, tuple[int, int]]:
    """View floats as integers; return also the bits of infinity and the mask of all bits but the sign."""
    integers = np.dtype(f"i{values.itemsize}")
    return values.view(integers), TOPS[values.itemsize]


def _above(number: Any) -> Any:
    """Return the next larger number of the same type; above infinity NaN, which no value reaches."""
    infinity = number.dtype.type(np.inf)
    return np.nextafter(number, infinity) if number < infinity else number.dtype.type(np.nan)


def _cut_at(flat: Array, threshold: Any, ties: int) -> tuple[Positions, Array]:
    """Collect the values above the threshold, and the first `ties` of those that equal it."""
    middle = topk.find_tie(flat, threshold, _above(threshold), ties) + 1
    space = topk.count_at_least(flat[:middle], threshold) + topk.count_at_least(flat[middle:], _above(threshold))
    positions, values = np.empty(space, np.int32), np.empty(space, flat.dtype)
    n = topk.collect_at_least(flat[:middle], threshold, positions, values)
    topk.collect_at_least(flat[middle:], _above(threshold), positions[n:], values[n:])
    positions[n:] += np.int32(middle)
    return positions, values


def _collect(flat: Array, cut: Any, capacity: int) -> tuple[int, Positions, Array]:
    positions, values = make_entries(capacity, flat.dtype)
    return topk.collect_at_least(flat, cut, positions[:capacity], values[:capacity]), positions, values
