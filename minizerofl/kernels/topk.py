"""The passes over the data of an exact top-k: which values reach a cut, and which of those are kept."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from minizerofl.kernels.jit import kernel

Floats = NDArray[np.floating[Any]]
Indices = NDArray[np.int32]


@kernel
def collect_at_least(x: Floats, cut: float, positions: Indices) -> int:
    """Collect the positions of the values with ``abs(x) >= cut``, in ascending order.

    Every position is written and the next one overwrites it unless it counts: no branch for the processor to guess.

    Parameters
    ----------
    x : (n,) float
        The values. NaN is never collected.
    cut : float
        The smallest magnitude to collect, of the dtype of `x`.
    positions : (capacity,) int32
        The result.

    Returns
    -------
    int
        How many were collected, or -1 if they do not fit (the last place stays unused).
    """
    n = 0
    for start in range(0, x.size, 256):
        stop = min(start + 256, x.size)
        if n + (stop - start) >= positions.size:  # near the end of the room: look before writing
            for i in range(start, stop):
                if np.abs(x[i]) >= cut:
                    if n + 1 >= positions.size:
                        return -1
                    positions[n] = i
                    n += 1
        else:
            for i in range(start, stop):
                positions[n] = i
                n += np.abs(x[i]) >= cut
    return n


@kernel
def keep_largest(x: Floats, positions: Indices, threshold: float, ties: int, kept: Indices) -> int:
    """Copy the `positions` whose magnitude exceeds `threshold`, and the first `ties` of those that equal it.

    Parameters
    ----------
    x : (n,) float
        The values.
    positions : (m,) int32
        The candidates, ascending.
    threshold : float
        The k-th largest magnitude, of the dtype of `x`.
    ties : int
        How many of the magnitudes equal to it are among the k.
    kept : (k,) int32
        The result.

    Returns
    -------
    int
        How many were kept.
    """
    n = 0
    for p in positions:
        magnitude = np.abs(x[p])
        if magnitude > threshold:
            kept[n] = p
            n += 1
        elif magnitude == threshold and ties > 0:
            kept[n] = p
            n += 1
            ties -= 1
    return n
