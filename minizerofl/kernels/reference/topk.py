"""The twins of `minizerofl.kernels.topk`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
Indices = NDArray[np.int32]


def collect_at_least(x: Floats, cut: float, positions: Indices) -> int:
    """Collect the positions of the values with ``abs(x) >= cut``, in ascending order."""
    found = np.flatnonzero(np.abs(x) >= cut)
    if found.size >= positions.size:
        return -1
    positions[: found.size] = found
    return found.size


def keep_largest(x: Floats, positions: Indices, threshold: float, ties: int, kept: Indices) -> int:
    """Copy the `positions` whose magnitude exceeds `threshold`, and the first `ties` of those that equal it."""
    magnitude = np.abs(x[positions])
    equal = np.flatnonzero(magnitude == threshold)[:ties]
    chosen = np.sort(np.concatenate([np.flatnonzero(magnitude > threshold), equal]))
    kept[: chosen.size] = positions[chosen]
    return chosen.size
