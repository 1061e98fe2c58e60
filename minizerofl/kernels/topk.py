"""The passes over the data of an exact top-k: which values reach a cut, and which of those are kept."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from minizerofl.kernels.jit import kernel
from minizerofl.kernels.simd import lowest, reaches

Floats = NDArray[np.floating[Any]]
Indices = NDArray[np.int32]


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
        if n + 64 > positions.size and n + count_bits(bits) > positions.size:
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
def count_bits(bits: np.uint64) -> int:
    """Count the bits that are set."""
    n = 0
    while bits:
        bits &= bits - np.uint64(1)
        n += 1
    return n


@kernel
def keep_largest(
    positions: Indices, values: Floats, threshold: float, ties: int, kept_positions: Indices, kept_values: Floats
) -> None:
    """Copy the candidates whose magnitude exceeds `threshold`, and the first `ties` of those that equal it.

    Parameters
    ----------
    positions, values : (m,) int32, float
        The candidates, ascending; among them are all that are kept.
    threshold : float
        The smallest magnitude that is kept, of the dtype of the values.
    ties : int
        How many of the magnitudes equal to it are kept.
    kept_positions, kept_values : (k,) int32, float
        The results.
    """
    n = 0
    for j in range(positions.size):
        magnitude = np.abs(values[j])
        tied = magnitude == threshold
        if magnitude > threshold or (tied and ties > 0):
            ties -= tied
            kept_positions[n] = positions[j]
            kept_values[n] = values[j]
            n += 1
