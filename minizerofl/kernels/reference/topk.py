"""The twins of `minizerofl.kernels.topk`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
Indices = NDArray[np.int32]


def collect_at_least(x: Floats, cut: float, positions: Indices, values: Floats) -> int:
    """Collect the values with ``abs(x) >= cut`` and their positions, in ascending order."""
    found = np.flatnonzero(np.abs(x) >= cut)
    if found.size > positions.size:
        return -1
    positions[: found.size] = found
    values[: found.size] = x[found]
    return found.size


def count_bits(bits: np.uint64) -> int:
    """Count the bits that are set."""
    return int(bits).bit_count()


def keep_largest(
    positions: Indices, values: Floats, threshold: float, ties: int, kept_positions: Indices, kept_values: Floats
) -> None:
    """Copy the candidates whose magnitude exceeds `threshold`, and the first `ties` of those that equal it."""
    magnitudes = np.abs(values)
    equal = np.flatnonzero(magnitudes == threshold)[:ties]
    kept = np.sort(np.concatenate([np.flatnonzero(magnitudes > threshold), equal]))
    kept_positions[: kept.size] = positions[kept]
    kept_values[: kept.size] = values[kept]
