"""Which entries are kept: the exact top-k by magnitude."""

from __future__ import annotations

import math
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from minizerofl.kernels import topk

Array = NDArray[Any]
Positions = NDArray[np.int32]

SAMPLE = 32768  # values looked at to guess the cut


def count_kept(numel: int, sparsity: float, mask_ratio: float = 0.0) -> int:
    """Say how many of `numel` entries are kept, at most: ``ceil((1 - sparsity + mask_ratio) * numel)``.

    The product is rounded to six decimals first, since 0.05 * 100 is 5.000000000000004 in floating point. `top_k`
    keeps fewer where there are fewer non-zeros.

    Parameters
    ----------
    numel : int
        The number of entries.
    sparsity : float
        The share that training leaves out, 0 <= sparsity < 1 (the paper's sp).
    mask_ratio : float
        The extra share that the uplink sends (the paper's r_mask, section 3).

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

    A strided sample suggests a cut that is a little too low; one pass collects the candidates above it; the k-th
    largest is found among those. Only if the sample misled is a second pass needed.

    Parameters
    ----------
    x : array of float, any shape
        The values. Zeros and NaN are never selected.
    k : int
        How many to select.

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


def largest(x: Array, k: int) -> tuple[Positions, Array]:
    """Select the k entries of largest magnitude; return their positions, as `top_k` does, and their values."""
    flat = np.ascontiguousarray(x).reshape(-1)
    if k <= 0:
        return np.empty(0, np.int32), np.empty(0, flat.dtype)
    positions, values = _candidates(flat, k)
    if positions.size <= k:
        return positions, values
    magnitudes = np.abs(values)
    magnitudes.partition(magnitudes.size - k)
    threshold = magnitudes[magnitudes.size - k]
    ties = k - int(np.count_nonzero(magnitudes[magnitudes.size - k :] > threshold))
    kept_positions, kept_values = np.empty(k, np.int32), np.empty(k, flat.dtype)
    topk.keep_largest(positions, values, threshold, ties, kept_positions, kept_values)
    return kept_positions, kept_values


def _candidates(flat: Array, k: int) -> tuple[Positions, Array]:
    """Collect at least the k largest magnitudes, or all non-zeros if there are fewer, and not many more."""
    smallest = np.nextafter(flat.dtype.type(0), flat.dtype.type(1))  # whatever is at least this is not zero
    sample = np.abs(flat[:: max(1, flat.size // SAMPLE) | 1])
    share = k / flat.size * sample.size
    rank = int(share + 4 * math.sqrt(share) + 4)  # four standard errors beyond the share that is wanted
    sample = sample[sample > 0]  # neither zeros, which tie and make partition slow, nor NaN
    cut = smallest
    if rank < sample.size:
        sample.partition(sample.size - 1 - rank)
        cut = sample[sample.size - 1 - rank]
    positions, values = _collect(flat, cut, room=min(flat.size, int(1.5 * k) + 4 * SAMPLE))
    if positions.size < k and cut > smallest:  # the sample misled
        return _collect(flat, smallest, room=flat.size)
    return positions, values


def _collect(flat: Array, cut: Any, room: int) -> tuple[Positions, Array]:
    positions, values = np.empty(room, np.int32), np.empty(room, flat.dtype)
    n = topk.collect_at_least(flat, cut, positions, values)
    if n < 0:  # a flood of equal values
        return _collect(flat, cut, room=flat.size)
    return positions[:n], values[:n]


class Selection(Protocol):
    """The rule that says which entries of a tensor are kept; a new rule touches neither layers nor uplinks."""

    def select(self, x: Array, k: int) -> Positions:
        """Return at most k flat positions of `x`, ascending."""
        ...


class TopK:
    """Unstructured top-k by magnitude, the rule of SWAT and of ZeroFL (section 3)."""

    def select(self, x: Array, k: int) -> Positions:
        """Return the positions of the k largest magnitudes, see `top_k`."""
        return top_k(x, k)
