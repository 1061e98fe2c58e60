"""The checks of exercise c9, and the mistakes that they know: the bytes of positions."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.random import Generator

from minizerofl.fl.codecs import Codec, Schema, positions
from minizerofl.fl.codecs.positions import as_matrix
from minizerofl.fl.payload import Kept
from minizerofl_cli.exercise.properties import Given, Property

Shape = tuple[int, ...]


def example(rng: Generator) -> Iterator[Given]:
    """Yield the example of the text."""
    yield {"shape": (100, 100), "count": 500}


def tensors(rng: Generator) -> Iterator[Given]:
    """Yield matrices, a vector and the weights of a convolution."""
    for shape in ((2, 2), (2, 32), (5, 13), (40,), (4, 3, 3, 8)):
        yield {"shape": shape, "count": int(rng.integers(1, math.prod(shape)))}


def extremes(rng: Generator) -> Iterator[Given]:
    """Yield nothing is kept, or everything."""
    for count in (0, 12):
        yield {"shape": (3, 4), "count": count}


def ask(shape: Shape, count: int) -> dict[str, float]:
    """Ask the function itself."""
    return positions.position_bytes(shape, count)


def expected(shape: Shape, count: int) -> dict[str, float]:
    """Compute all three."""
    return {"csr": _csr(shape, count), "bitmap": _bitmap(shape), "entropy": _entropy(shape, count)}


def _csr(shape: Shape, count: int) -> float:
    rows = shape[0] if len(shape) > 1 else 1
    return 4 * (rows + 1 + count)


def _bitmap(shape: Shape) -> float:
    return 4 * math.ceil(math.prod(shape) / 32)


def _entropy(shape: Shape, count: int) -> float:
    n = math.prod(shape)
    return sum(m * math.log2(n / m) for m in (count, n - count) if m) / 8


def pick(code: str) -> tuple[Any, Any]:
    """Return the functions that ask for one code, and compute it."""
    return lambda **given: {code: ask(**given)[code]}, lambda **given: {code: expected(**given)[code]}


def ask_messages(shape: Shape, count: int) -> dict[str, Any]:
    """Compute the bytes of messages."""
    return {code: ask(shape, count)[code] + 4 * count + 32 for code in ("csr", "bitmap")}


def expected_messages(shape: Shape, count: int) -> dict[str, Any]:
    """Encode messages and take their length; the header is 32 bytes long."""
    kept = Kept(shape, np.arange(count, dtype=np.int32), np.ones(count, np.float32))
    return {code: len(Codec(code).encode({"w": kept}, Schema({"w": shape}))) for code in ("csr", "bitmap")}


CSR, BITMAP, ENTROPY = "csr = 4 (R + 1 + m)", "bitmap = 4 ceil(n / 32)", "entropy = n H(m / n) / 8"
PROPERTIES = (
    Property("the example of the text comes out.", f"{CSR}; {BITMAP}; {ENTROPY}", example, ask, expected, 1e-6),
    Property("CSR stores a column for each entry, and where each row begins and ends.", CSR, tensors, *pick("csr")),
    Property("a bitmap has a bit for each entry, in words of 32.", BITMAP, tensors, *pick("bitmap")),
    Property("the entropy is counted over all entries, kept or not.", ENTROPY, tensors, *pick("entropy")),
    Property("nothing or everything may be kept.", ENTROPY, extremes, ask, expected),
    Property(
        "messages of the library have this length: positions, 4 bytes for each value, and 32 of header.",
        *(f"{CSR}; {BITMAP}", tensors, ask_messages, expected_messages),
    ),
)


def no_end(shape: Shape, count: int) -> dict[str, float]:
    """Store one row pointer for each row, so that the last row has no end."""
    return {**expected(shape, count), "csr": _csr(shape, count) - 4}


def no_rows(shape: Shape, count: int) -> dict[str, float]:
    """Leave out the row pointers."""
    return {**expected(shape, count), "csr": 4 * count}


def with_values(shape: Shape, count: int) -> dict[str, float]:
    """Count the values with the positions."""
    return {**expected(shape, count), "csr": _csr(shape, count) + 4 * count}


def last_axis(shape: Shape, count: int) -> dict[str, float]:
    """Take the last axis for the rows."""
    return {**expected(shape, count), "csr": 4 * (shape[-1] + 1 + count)}


def whole_bytes(shape: Shape, count: int) -> dict[str, float]:
    """Round the bitmap up to whole bytes; it is stored in words of 4 bytes."""
    return {**expected(shape, count), "bitmap": -(-math.prod(shape) // 8)}


def byte_for_bit(shape: Shape, count: int) -> dict[str, float]:
    """Store each bit of the bitmap in a byte, as an array of bool does."""
    return {**expected(shape, count), "bitmap": math.prod(shape)}


def nats(shape: Shape, count: int) -> dict[str, float]:
    """Take the natural logarithm, which counts in nats and not in bits."""
    return {**expected(shape, count), "entropy": _entropy(shape, count) * math.log(2)}


def half_entropy(shape: Shape, count: int) -> dict[str, float]:
    """Leave out the term of the entries that are not kept: that they are not kept is news too."""
    q = count / math.prod(shape)
    return {**expected(shape, count), "entropy": -count * math.log2(q) / 8 if count else 0}


def bits(shape: Shape, count: int) -> dict[str, float]:
    """Give the entropy in bits; 8 of them are a byte."""
    return {**expected(shape, count), "entropy": 8 * _entropy(shape, count)}


def log_of_zero(shape: Shape, count: int) -> dict[str, float]:
    """Take the logarithm of 0 where nothing or everything is kept."""
    q = np.float64(count / math.prod(shape))
    entropy = -q * np.log2(q) - (1 - q) * np.log2(1 - q)
    rows, _ = as_matrix(shape)
    return {"csr": 4 * (rows + 1 + count), "bitmap": _bitmap(shape), "entropy": math.prod(shape) * entropy / 8}


MUTANTS = (
    *(no_end, no_rows, with_values, last_axis, whole_bytes),
    *(byte_for_bit, nats, half_entropy, bits, log_of_zero),
)
