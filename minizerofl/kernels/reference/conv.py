"""The twins of `minizerofl.kernels.conv`: the same sums, one entry at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from minizerofl.kernels.conv import PIECE

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
    new: bool,
    ahead: tuple[int, int] | None,
    width: int,
) -> None:
    """Do what `add_rows` does for one piece of the rows."""
    add_rows(starts, stops, offsets, values, rows, base, out, at, step, new, (0, 0), width)


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
    new: bool,
    ahead: tuple[int, int],
    n: int,
) -> None:
    """Add ``values[j] * rows[base + offsets[j] :][:n]`` to ``out[at + r * step :][:n]``, j in [starts[r], stops[r])."""
    for r in range(starts.size):
        if new:
            out[at + r * step :][:n] = 0
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
    ahead: tuple[int, int],
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


def pixels_first(dy: Floats, channel: int, line: int, left: int, columns: int, g: Floats, at: int) -> None:
    """Copy an image line so that each (pixel, sample) has a row of PIECE channels, between zeros."""
    _, _, Wo, N = dy.shape
    copy = np.zeros((columns, N, PIECE), dy.dtype)
    copy[left : left + Wo] = dy[channel : channel + PIECE, line].transpose(1, 2, 0)  # (PIECE, Wo, N) -> (Wo, N, PIECE)
    g[at : at + copy.size] = copy.reshape(-1)


def add_taps(
    starts: Indices,
    stops: Indices,
    rows: Indices,
    values: Floats,
    g: Floats,
    shift: int,
    gap: int,
    out: Floats,
    at: int,
    steps: tuple[int, int],
    new: bool,
    count: int,
) -> None:
    """Add up what activations contribute to the weights of `count` taps."""
    for r, k in np.ndindex(starts.size, count):
        total = out[at + r * steps[0] + k * steps[1] :][:PIECE]
        if new:
            total[:] = 0
        for j in range(starts[r], stops[r]):
            total += values[j] * g[(rows[j] + shift - k * gap) * PIECE :][:PIECE]


def add_run(
    bounds: Indices,
    cells: tuple[int, int, int],
    rows: Indices,
    values: Floats,
    run: Places,
    g: Floats,
    band: tuple[int, int, int, int],
    dw: Floats,
    channel: int,
) -> None:
    """Do what `conv_weight_gradient` does for one run of taps, a band of lines and a few output channels."""
    first, last, columns, N = band
    gradient = g[: (last - first) * columns * N * PIECE].reshape(last - first, columns, N, PIECE)
    if first == 0:
        dw[:, [run[3] + k * run[4] for k in range(run[5])], channel : channel + PIECE] = 0
    _add(bounds, cells, rows, values, run, gradient, first, dw[..., channel : channel + PIECE])


def _add(
    bounds: Indices,
    cells: tuple[int, int, int],
    rows: Indices,
    values: Floats,
    run: Places,
    gradient: Floats,
    first: int,
    dw: Floats,
) -> None:
    phase, down, right, tap, step, taps = run
    _, columns, N, _ = gradient.shape
    starts, stops = (part.reshape(-1, *cells) for part in (bounds[:-1], bounds[1:]))
    for ic, line, part, k in np.ndindex(len(dw), *cells[1:], taps):
        if 0 <= line + down - first < len(gradient):
            cell = ic, phase, line, part
            for place, value in zip(rows[starts[cell] : stops[cell]], values[starts[cell] : stops[cell]], strict=True):
                column, n = divmod(place - line * columns * N, N)
                dw[ic, tap + k * step] += value * gradient[line + down - first, column + right - k, n]


def conv_weight_gradient(
    bounds: Indices,
    cells: tuple[int, int, int],
    rows: Indices,
    values: Floats,
    runs: Places,
    dy: Floats,
    left: int,
    g: Floats,
    dw: Floats,
) -> None:
    """Compute the gradient of all weights of a convolution from its kept activations."""
    padding = (0, 0), (left, g.shape[1] - left - dy.shape[2]), (0, 0), (0, 0)
    whole = np.pad(dy.transpose(1, 2, 3, 0), padding)  # (OC, Ho, Wo, N) -> (Ho, columns, N, OC)
    dw[:] = 0
    for run in runs:
        _add(bounds, cells, rows, values, run, whole, 0, dw)
