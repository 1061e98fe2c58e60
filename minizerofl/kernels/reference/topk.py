"""The reference kernels of `minizerofl.kernels.topk`."""

from __future__ import annotations

import numpy as np

from minizerofl.kernels.topk import SLACK, Top
from minizerofl.kernels.types import Array, Floats, Indices


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


def estimate(bits: Array, top: Top, k: int, stride: int, errors: int) -> int:
    """Estimate the k-th largest magnitude from a strided sample."""
    magnitudes = bits[::stride] & top[1]
    share, seen = k / bits.size, magnitudes.size
    rank = int(share * seen + errors * (np.sqrt(seen * share * max(0.0, 1 - share)) + 1))
    if rank < 0:
        return top[0]
    usable = np.sort(magnitudes[(magnitudes > 0) & (magnitudes <= top[0])])[::-1]
    return int(usable[rank]) if rank < usable.size else 1


def collect_rows(w: Floats, cut: float, changed: Indices, slots: Indices, indices: Indices, values: Floats) -> int:
    """Collect the values of a matrix with ``abs(w) >= cut``, row by row."""
    for row in changed:
        start, _, end = slots[:, row]
        columns = np.flatnonzero(np.abs(w[row]) >= cut)
        if columns.size > end - start:
            values[start:end] = 0
            start = slots[2].max()
            end = min(start + columns.size + columns.size // 32 + 2, values.size - SLACK)
            if columns.size > values.size - SLACK - start:
                return -1
        stop = start + columns.size
        indices[start:stop], values[start:stop], values[stop:end] = columns, w[row, columns], 0
        slots[:, row] = start, stop, end
    return int((slots[1] - slots[0]).sum())


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
    """Copy the k largest entries of a sparse matrix; of equal ones the first."""
    entries = np.concatenate([np.arange(start, stop) for start, stop in slots[:2].T])
    chosen = np.sort(np.argsort(-np.abs(values[entries]), kind="stable")[:k])
    kept[0][:] = np.searchsorted(chosen, np.cumsum([0, *(slots[1] - slots[0])]))
    kept[1][:k], kept[2][:k] = indices[entries[chosen]], values[entries[chosen]]
