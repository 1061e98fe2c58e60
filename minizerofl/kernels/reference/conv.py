"""The twins of `minizerofl.kernels.conv`: the same sums, one entry at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
Indices = NDArray[np.int32]
Three = tuple[int, int, int]


def add_piece(
    values: Floats, offsets: Indices, start: int, stop: int, rows: Floats, base: int, out: Floats, at: int, width: int
) -> None:
    """Do what `add_rows` does for one piece of the row."""
    add_rows(values, offsets, start, stop, rows, base, out, at, width)


def add_rows(
    values: Floats, offsets: Indices, start: int, stop: int, rows: Floats, base: int, out: Floats, at: int, n: int
) -> None:
    """Add ``values[j] * rows[base + offsets[j] :][:n]`` to ``out[at:][:n]`` for j in [start, stop)."""
    for j in range(start, stop):
        out[at : at + n] += values[j] * rows[base + offsets[j] :][:n]


def sum_row(
    values: Floats, offsets: Indices, start: int, stop: int, rows: Floats, base: int, out: Floats, at: int, n: int
) -> None:
    """Write instead of adding."""
    out[at : at + n] = 0
    add_rows(values, offsets, start, stop, rows, base, out, at, n)


def add_rows_thrice(
    values: Floats, offsets: Indices, start: int, stop: int, rows: Floats, bases: Three, out: Floats, at: Three, n: int
) -> None:
    """Do what `add_rows` does for three bases and places."""
    for base, place in zip(bases, at, strict=True):
        add_rows(values, offsets, start, stop, rows, base, out, place, n)


def sum_rows(indptr: Indices, offsets: Indices, values: Floats, x: Floats, step: int, out: Floats) -> None:
    """Multiply a sparse matrix by the rows of `x`."""
    out[:] = 0
    for r, s in np.ndindex(out.shape[:2]):
        for j in range(indptr[r], indptr[r + 1]):
            out[r, s] += values[j] * x[offsets[j] + s * step :][: out.shape[2]]


def scatter_pieces(
    indptr: Indices, indices: Indices, values: Floats, x: Floats, out: Floats, n: int, width: int
) -> None:
    """Do what `scatter_rows` does."""
    scatter_rows(indptr, indices, values, x, out, n)


def scatter_rows(indptr: Indices, indices: Indices, values: Floats, x: Floats, out: Floats, n: int) -> None:
    """Multiply the transpose of a sparse matrix by the rows of `x`."""
    out[:] = 0
    for r in range(indptr.size - 1):
        for j in range(indptr[r], indptr[r + 1]):
            out[indices[j] * n :][:n] += values[j] * x[r * n :][:n]


def gather_pieces(
    indptr: Indices, indices: Indices, values: Floats, x: Floats, out: Floats, n: int, width: int
) -> None:
    """Do what `gather_rows` does."""
    gather_rows(indptr, indices, values, x, out, n)


def gather_rows(indptr: Indices, indices: Indices, values: Floats, x: Floats, out: Floats, n: int) -> None:
    """Multiply a sparse matrix by short rows."""
    sum_rows(indptr, indices * n, values, x, 0, out.reshape(-1, 1, n))


def group_activations(
    positions: Indices,
    values: Floats,
    image: tuple[int, int, int],
    stride: int,
    width: int,
    indptr: Indices,
    rows: Indices,
    grouped: Floats,
) -> None:
    """Sort kept activations by plane, that is by input channel and phase, and find the gradient row of each."""
    planes = indptr.size - 1
    channel, h, w, n = np.unravel_index(positions, (planes // stride**2, *image))
    plane = (channel * stride + h % stride) * stride + w % stride
    order = np.argsort(plane, kind="stable")
    indptr[:] = np.searchsorted(plane[order], np.arange(planes + 1))
    rows[:] = (((h // stride) * width + w // stride) * image[2] + n)[order]
    grouped[:] = values[order]


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


def pixels_first(dy: Floats, top: int, left: int, g: Floats) -> None:
    """Transpose an output gradient to one contiguous row of channels per (pixel, sample), inside a border of zeros."""
    inside = g[top : top + dy.shape[1], left : left + dy.shape[2]]
    inside[:] = dy.transpose(1, 2, 3, 0)  # (OC, Ho, Wo, N) -> (Ho, Wo, N, OC)
