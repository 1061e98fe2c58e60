"""The twins of `minizerofl.kernels.conv`: the same sums, one entry at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
Indices = NDArray[np.int32]
Places = NDArray[np.int64]


def add_pieces(
    starts: Places,
    stops: Places,
    offsets: Indices,
    values: Floats,
    rows: Floats,
    base: int,
    out: Floats,
    at: int,
    step: int,
    ahead: int | None,
    width: int,
) -> None:
    """Do what `add_rows` does for one piece of the rows."""
    add_rows(starts, stops, offsets, values, rows, base, out, at, step, 0, width)


def add_rows(
    starts: Places,
    stops: Places,
    offsets: Indices,
    values: Floats,
    rows: Floats,
    base: int,
    out: Floats,
    at: int,
    step: int,
    ahead: int,
    n: int,
) -> None:
    """Add ``values[j] * rows[base + offsets[j] :][:n]`` to ``out[at + r * step :][:n]``, j in [starts[r], stops[r])."""
    for r in range(starts.size):
        for j in range(starts[r], stops[r]):
            out[at + r * step :][:n] += values[j] * rows[base + offsets[j] :][:n]


def sum_tile(
    bounds: Places,
    offsets: Indices,
    values: Floats,
    x: Floats,
    base: int,
    out: Floats,
    at: int,
    step: int,
    ahead: int,
    R: int,
    n: int,
) -> None:
    """Do what `sum_rows` does for n values of all R rows."""
    for r in range(R):
        out[at + r * step :][:n] = 0
    for group in range(bounds.size - 1):
        for j in range(bounds[group], bounds[group + 1]):
            out[at + group % R * step :][:n] += values[j] * x[base + offsets[j] :][:n]


def sum_rows(indptr: Indices, offsets: Indices, values: Floats, x: Floats, step: int, out: Floats) -> None:
    """Multiply a sparse matrix by the rows of `x`."""
    out[:] = 0
    for group, s in np.ndindex(indptr.size - 1, out.shape[1]):
        for j in range(indptr[group], indptr[group + 1]):
            out[group % len(out), s] += values[j] * x.reshape(-1)[offsets[j] + s * step :][: out.shape[2]]


def conv_weight_gradient(
    indptr: Indices,
    rows: Indices,
    values: Floats,
    tap_indptr: Indices,
    taps: Indices,
    shifts: Indices,
    g: Floats,
    dw: Floats,
) -> None:
    """Compute the gradient of all weights of a convolution from its kept activations."""
    dw[:] = 0
    phases = tap_indptr.size - 1
    for plane in range(indptr.size - 1):
        channel, phase = divmod(plane, phases)
        for t in taps[tap_indptr[phase] : tap_indptr[phase + 1]]:
            for j in range(indptr[plane], indptr[plane + 1]):
                dw[channel, t] += values[j] * g[rows[j] + shifts[t]]
