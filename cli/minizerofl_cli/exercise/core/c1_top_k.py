"""The checks of exercise c1, and the mistakes that they know: the top-k mask."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.random import Generator

from minizerofl.kernels.types import Array
from minizerofl.sparse.rules import TopK
from minizerofl.sparse.selection import Positions, top_k
from minizerofl_cli.exercise.properties import Given, Property


def plain(x: Array, k: int) -> Positions:
    """Take the first k of a stable sort by falling magnitude, and leave out zeros."""
    flat = x.reshape(-1)
    largest_first = np.argsort(-np.abs(flat), kind="stable")
    kept = largest_first[:k]
    return np.sort(kept[flat[kept] != 0]).astype(np.int32)


def example(rng: Generator) -> Iterator[Given]:
    """Yield the example of the text."""
    yield {"x": np.array([0.5, -3.0, 2.0, 0.1, -2.5, 0.0]), "k": 3}


def distinct(rng: Generator) -> Iterator[Given]:
    """Yield vectors without zeros and without ties."""
    for size in (1, 2, 3, 5, 8, 12):
        x = (rng.permutation(size) + 1.0) * rng.choice([-1, 1], size)
        yield {"x": x, "k": int(rng.integers(1, size + 1))}


def matrices(rng: Generator) -> Iterator[Given]:
    """Yield arrays with rows and columns."""
    for shape in ((2, 2), (2, 3), (4, 3), (2, 3, 2)):
        x = (rng.permutation(int(np.prod(shape))) + 1.0).reshape(shape)
        yield {"x": x * rng.choice([-1, 1], shape), "k": x.size // 2}


def ties(rng: Generator) -> Iterator[Given]:
    """Yield vectors of few different magnitudes."""
    for size in (2, 3, 4, 6, 9, 40):
        yield {"x": rng.choice([-2.0, -1.0, 1.0, 2.0], size), "k": (size + 1) // 2}


def extremes(rng: Generator) -> Iterator[Given]:
    """Yield nothing is to be kept, or more than there is."""
    yield {"x": np.array([1.0, -2.0]), "k": 0}
    yield {"x": np.array([0.0, -2.0, 0.0]), "k": 2}
    yield {"x": rng.choice([-1.0, 0.0, 1.0], 8), "k": 8}
    yield {"x": np.zeros(3), "k": 1}


def layers(rng: Generator) -> Iterator[Given]:
    """Yield two layers, each with a budget of its own."""
    for size in (2, 4, 6):
        values = {name: rng.standard_normal((size, 2)).round(2) for name in ("layer 1", "layer 2")}
        yield {**values, "k 1": 1, "k 2": size}


def ask(x: Array, k: int) -> Positions:
    """Ask the function itself."""
    return top_k(x, k)


def ask_rule(**given: Any) -> dict[str, Positions]:
    """Ask the rule of selection, which the layers and the uplink ask."""
    values = {name: given[name] for name in ("layer 1", "layer 2")}
    return TopK().select(values, {"layer 1": given["k 1"], "layer 2": given["k 2"]})


def expected_rule(**given: Any) -> dict[str, Positions]:
    """Select in each layer."""
    return {f"layer {i}": plain(given[f"layer {i}"], given[f"k {i}"]) for i in (1, 2)}


FORMULA = "top_k(x, k) = positions of the k largest abs(x[i]) with x[i] != 0, ascending"
PROPERTIES = (
    Property("the example of the text comes out.", FORMULA, example, ask, plain),
    Property("the k entries of largest magnitude are selected, in ascending order.", FORMULA, distinct, ask, plain),
    Property("positions count through the whole array, row after row.", FORMULA, matrices, ask, plain),
    Property("of equal magnitudes the first are taken, and never more than k.", FORMULA, ties, ask, plain),
    Property("zeros are never taken, and k may be 0 or larger than needed.", FORMULA, extremes, ask, plain),
    Property("the library's rule selects in each layer on its own.", FORMULA, layers, ask_rule, expected_rule),
)


def values(x: Array, k: int) -> Array:
    """Sort the values and not their magnitudes, so that a large negative number is never taken."""
    return np.sort(np.argsort(-x.reshape(-1), kind="stable")[:k])


def smallest(x: Array, k: int) -> Array:
    """Sort in ascending order and take the first k, which are the smallest magnitudes."""
    return np.sort(np.argsort(np.abs(x.reshape(-1)), kind="stable")[:k])


def unsorted(x: Array, k: int) -> Array:
    """Return the positions by falling magnitude, not in ascending order."""
    return np.argsort(-np.abs(x.reshape(-1)), kind="stable")[:k]


def by_rows(x: Array, k: int) -> Array:
    """Sort along the last axis only, so that each row is ranked alone and positions count within a row."""
    return np.sort(np.argsort(-np.abs(x), axis=-1, kind="stable").reshape(-1)[:k])


def threshold(x: Array, k: int) -> Array:
    """Take all that reach the k-th largest magnitude, which are more than k where magnitudes are equal."""
    magnitudes = np.abs(x.reshape(-1))
    return np.flatnonzero((magnitudes >= np.sort(magnitudes)[::-1][max(0, min(k, x.size) - 1)]) & (magnitudes > 0))


def last_of_ties(x: Array, k: int) -> Array:
    """Take the end of an ascending sort, where of equal magnitudes the last stand."""
    flat = x.reshape(-1)
    kept = np.argsort(np.abs(flat), kind="stable")[flat.size - k :]
    return np.sort(kept[flat[kept] != 0])


def zeros(x: Array, k: int) -> Array:
    """Take zeros where there is nothing else left to take."""
    return np.sort(np.argsort(-np.abs(x.reshape(-1)), kind="stable")[:k])


def minus_zero(x: Array, k: int) -> Array:
    """Take the slice [-k:], which is the whole array for k = 0."""
    flat = x.reshape(-1)
    kept = np.argsort(-np.abs(flat), kind="stable")[::-1][-k:]
    return np.sort(kept[flat[kept] != 0])


MUTANTS = (values, smallest, unsorted, by_rows, threshold, last_of_ties, zeros, minus_zero)
