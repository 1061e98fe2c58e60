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


def count_at_least(x: Floats, cut: float) -> int:
    """Count the values with ``abs(x) >= cut``."""
    return int(np.count_nonzero(np.abs(x) >= cut))


def collect_between(x: Floats, low: float, high: float, values: Floats) -> int:
    """Collect the values with ``low <= abs(x) < high``."""
    found = x[(np.abs(x) >= low) & ~(np.abs(x) >= high)]
    values[: found.size] = found
    return found.size


def find_tie(x: Floats, magnitude: float, above: float, k: int) -> int:
    """Find the position of the k-th value whose magnitude is `magnitude`."""
    return int(np.flatnonzero(np.abs(x) == magnitude)[k - 1])


def find_threshold(bits: NDArray[Any], no_sign: int, k: int) -> tuple[int, int]:
    """Find the k-th largest magnitude by sorting."""
    magnitudes = np.sort(bits & no_sign)[::-1]
    threshold = magnitudes[k - 1]
    return int(threshold), int(np.count_nonzero(magnitudes[:k] == threshold))


def collect_rows(
    w: Floats,
    cut: float,
    changed: Indices,
    old: tuple[Indices, Indices, Floats],
    indptr: Indices,
    indices: Indices,
    values: Floats,
) -> int:
    """Collect the values of a matrix with ``abs(w) >= cut``, row by row."""
    entries: list[tuple[Indices, Floats]] = []
    for r, row in enumerate(w):
        if r in changed:
            columns = np.flatnonzero(np.abs(row) >= cut).astype(np.int32)
            entries.append((columns, row[columns]))
        else:
            entries.append((old[1][old[0][r] : old[0][r + 1]], old[2][old[0][r] : old[0][r + 1]]))
    indptr[:] = np.cumsum([0] + [columns.size for columns, _ in entries])
    n = int(indptr[-1])
    if n > indices.size:
        return -1
    indices[:n], values[:n] = (np.concatenate(parts) for parts in zip(*entries, strict=True))
    return n


def keep_rows(
    entries: tuple[Indices, Indices, Floats],
    threshold: float,
    above: float,
    last_tie: int,
    kept: tuple[Indices, Indices, Floats],
) -> None:
    """Copy the entries of a sparse matrix whose magnitude exceeds `threshold`, and the first that equal it."""
    indptr, indices, values = entries
    magnitudes, first = np.abs(values), np.arange(values.size) <= last_tie
    chosen = np.flatnonzero((magnitudes > threshold) | ((magnitudes == threshold) & first))
    kept[0][:] = np.searchsorted(chosen, indptr)
    kept[1][: chosen.size], kept[2][: chosen.size] = indices[chosen], values[chosen]
