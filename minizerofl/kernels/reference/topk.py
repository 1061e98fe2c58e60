"""The twins of `minizerofl.kernels.topk`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
Indices = NDArray[np.int32]
Top = tuple[int, int]


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


def find_tie(x: Floats, magnitude: float, above: float, k: int) -> int:
    """Find the position of the k-th value whose magnitude is `magnitude`."""
    return int(np.flatnonzero(np.abs(x) == magnitude)[k - 1])


def nth_largest(magnitudes: NDArray[Any], n: int) -> tuple[int, int]:
    """Find the n-th largest number by sorting."""
    largest = np.sort(magnitudes)[::-1][:n]
    return int(largest[-1]), int(np.count_nonzero(largest == largest[-1]))


def estimate(bits: NDArray[Any], top: Top, k: int, step: int, errors: int) -> int:
    """Estimate the k-th largest magnitude from every so many-th value."""
    magnitudes = bits[::step] & top[1]
    share, seen = k / bits.size, magnitudes.size
    rank = int(share * seen + errors * (np.sqrt(seen * share * max(0.0, 1 - share)) + 1))
    if rank < 0:
        return top[0]
    usable = np.sort(magnitudes[(magnitudes > 0) & (magnitudes <= top[0])])[::-1]
    return int(usable[rank]) if rank < usable.size else 1


def find_threshold(values: Floats, bits: NDArray[Any], top: Top, k: int, step: int) -> tuple[int, int]:
    """Find the k-th largest magnitude."""
    return nth_largest(bits & top[1], k)


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
    bits: NDArray[Any],
    top: Top,
    k: int,
    step: int,
    kept: tuple[Indices, Indices, Floats],
) -> None:
    """Copy the k largest entries of a sparse matrix; of equal ones the first."""
    indptr, indices, values = entries
    chosen = np.sort(np.argsort(-np.abs(values), kind="stable")[:k])
    kept[0][:] = np.searchsorted(chosen, indptr)
    kept[1][:k], kept[2][:k] = indices[chosen], values[chosen]
