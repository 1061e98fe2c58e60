"""The checks of exercise e7, and the mistakes that they know: a sparse matrix times a dense one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.random import Generator

from minizerofl.kernels.reference.linear import gather_rows
from minizerofl.kernels.types import Array
from minizerofl_cli.exercise.properties import Given, Property


def plain(indptr: Array, indices: Array, values: Array, x: Array, out: Array, n: int) -> None:
    """Go through the rows, and through the entries of each."""
    rows, result = x.reshape(-1, n), out.reshape(-1, n)
    for r in range(indptr.size - 1):
        result[r] = 0
        for j in range(indptr[r], indptr[r + 1]):
            result[r] += values[j] * rows[indices[j]]


def example(rng: Generator) -> Iterator[Given]:
    """Yield the example of the text."""
    matrix = np.array([[0, 2, 0], [0, 0, 0], [1, 0, 3]], float)
    yield _given(matrix, np.array([[1, 10], [2, 20], [3, 30]], float))


def _given(matrix: Array, x: Array, before: float = 0.0) -> Given:
    rows, columns = np.nonzero(matrix)
    return {
        "indptr": np.searchsorted(rows, np.arange(len(matrix) + 1)).astype(np.int32),
        "indices": columns.astype(np.int32),
        "values": matrix[rows, columns],
        "x": x,
        "out before": before,
    }


def _draw(rng: Generator, shape: tuple[int, int], n: int, keep: float, before: float = 0.0) -> Given:
    matrix = rng.integers(1, 9, shape) * (rng.random(shape) < keep).astype(float)
    return _given(matrix, rng.integers(1, 9, (shape[1], n)).astype(float), before)


def vectors(rng: Generator) -> Iterator[Given]:
    """Yield full matrices and one sample."""
    for shape in ((1, 1), (1, 2), (2, 2), (3, 2)):
        yield _draw(rng, shape, 1, 1.0)


def samples(rng: Generator) -> Iterator[Given]:
    """Yield full matrices and several samples."""
    for shape, n in (((1, 1), 2), ((2, 3), 2), ((3, 2), 4)):
        yield _draw(rng, shape, n, 1.0)


def gaps(rng: Generator) -> Iterator[Given]:
    """Yield matrices with empty rows and columns."""
    yield _given(np.array([[0.0], [2.0]]), np.array([[3.0]]))
    yield _given(np.array([[1.0, 0.0], [0.0, 0.0]]), np.array([[3.0], [4.0]]))
    yield _given(np.zeros((2, 2)), np.ones((2, 2)))
    for shape in ((4, 5), (8, 6)):
        yield _draw(rng, shape, 3, 0.2)


def used(rng: Generator) -> Iterator[Given]:
    """Yield results that hold other numbers before."""
    yield _draw(rng, (1, 1), 1, 1.0, before=7.0)
    yield _draw(rng, (4, 4), 2, 0.3, before=7.0)


def ask(**given: Any) -> Array:
    """Multiply."""
    x, rows = given["x"], given["indptr"].size - 1
    out = np.full(rows * x.shape[1], given["out before"])
    gather_rows(given["indptr"], given["indices"], given["values"], x.reshape(-1), out, x.shape[1])
    return out.reshape(rows, -1)


def expected(**given: Any) -> Array:
    """Multiply by the dense matrix."""
    x, indptr = given["x"], given["indptr"]
    matrix = np.zeros((indptr.size - 1, len(x)))
    matrix[np.repeat(np.arange(indptr.size - 1), np.diff(indptr)), given["indices"]] = given["values"]
    product: Array = matrix @ x
    return product


FORMULA = "out[r] = sum over j in indptr[r] ... indptr[r + 1] - 1 of values[j] x[indices[j]]"
PROPERTIES = (
    Property("the example of the text comes out.", FORMULA, example, ask, expected),
    Property("with one sample it is a matrix times a vector.", FORMULA, vectors, ask, expected),
    Property("each of n samples is multiplied.", FORMULA, samples, ask, expected),
    Property("rows and columns without entries give nothing.", FORMULA, gaps, ask, expected),
    Property("what the result held before does not matter.", FORMULA, used, ask, expected),
)


def not_cleared(indptr: Array, indices: Array, values: Array, x: Array, out: Array, n: int) -> None:
    """Add to what the result held before."""
    before = out.copy()
    plain(indptr, indices, values, x, out, n)
    out += before


def last_left_out(indptr: Array, indices: Array, values: Array, x: Array, out: Array, n: int) -> None:
    """Leave out the last entry of each row."""
    rows, result = x.reshape(-1, n), out.reshape(-1, n)
    result[:] = 0
    for r in range(indptr.size - 1):
        for j in range(indptr[r], indptr[r + 1] - 1):
            result[r] += values[j] * rows[indices[j]]


def first_sample(indptr: Array, indices: Array, values: Array, x: Array, out: Array, n: int) -> None:
    """Multiply the first sample only."""
    plain(indptr, indices, values, x, out, n)
    out.reshape(-1, n)[:, 1:] = 0


def scattered(indptr: Array, indices: Array, values: Array, x: Array, out: Array, n: int) -> None:
    """Multiply by the transpose: rows and columns are exchanged."""
    result, rows = out.reshape(-1, n), x.reshape(-1, n)
    result[:] = 0
    for r in range(indptr.size - 1):
        for j in range(indptr[r], indptr[r + 1]):
            result[indices[j]] += values[j] * rows[r]


def assigned(indptr: Array, indices: Array, values: Array, x: Array, out: Array, n: int) -> None:
    """Assign in the place of adding, so that the last entry of a row is left."""
    result, rows = out.reshape(-1, n), x.reshape(-1, n)
    result[:] = 0
    for r in range(indptr.size - 1):
        for j in range(indptr[r], indptr[r + 1]):
            result[r] = values[j] * rows[indices[j]]


def value_by_column(indptr: Array, indices: Array, values: Array, x: Array, out: Array, n: int) -> None:
    """Look a value up by its column; values are counted through all rows."""
    result, rows = out.reshape(-1, n), x.reshape(-1, n)
    result[:] = 0
    for r in range(indptr.size - 1):
        for j in range(indptr[r], indptr[r + 1]):
            result[r] += values[indices[j] % values.size] * rows[indices[j]]


def skips_zeros(indptr: Array, indices: Array, values: Array, x: Array, out: Array, n: int) -> None:
    """Write only rows that have entries; the others keep what they held before."""
    before = out.reshape(-1, n).copy()
    plain(indptr, indices, values, x, out, n)
    empty = np.diff(indptr) == 0
    out.reshape(-1, n)[empty] = before[empty]


MUTANTS = (not_cleared, last_left_out, first_sample, scattered, assigned, value_by_column, skips_zeros)
