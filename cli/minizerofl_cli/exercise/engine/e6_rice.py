"""The checks of exercise e6, and the mistakes that they know: Golomb-Rice code."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from minizerofl.fl.codecs.positions import Rice
from minizerofl.kernels.reference.codec import rice_encode
from minizerofl_cli.exercise.properties import Given, Property

Positions = NDArray[np.int32]
Words = NDArray[np.uint32]


def plain(positions: Positions, parameter: int, words: Words) -> None:
    """Append bit after bit, and pack them."""
    bits: list[int] = []
    for g in (np.diff(positions, prepend=-1) - 1).tolist():
        bits += [0] * (g >> parameter) + [1] + [(g >> i) & 1 for i in range(parameter)]
    bits += [0] * (32 * words.size - len(bits))
    words[:] = np.packbits(np.array(bits, np.uint8), bitorder="little").view(np.uint32)


def example(rng: Generator) -> Iterator[Given]:
    """Yield the example of the text."""
    yield {"positions": np.array([3, 7, 8, 20], np.int32), "b": 2}


def unary(rng: Generator) -> Iterator[Given]:
    """Yield codes without a remainder."""
    for positions in ([0], [2], [0, 1, 2], [1, 4, 5]):
        yield {"positions": np.array(positions, np.int32), "b": 0}


def remainders(rng: Generator) -> Iterator[Given]:
    """Yield gaps that are smaller than 2^b."""
    for positions, b in (([1], 1), ([1], 3), ([2], 2), ([6], 3), ([5, 9], 3)):
        yield {"positions": np.array(positions, np.int32), "b": b}


def long(rng: Generator) -> Iterator[Given]:
    """Yield codes that take several words."""
    for n, size, b in ((9, 40, 1), (20, 200, 3), (40, 900, 4)):
        yield {"positions": np.sort(rng.choice(size, n, replace=False)).astype(np.int32), "b": b}


def sparse(rng: Generator) -> Iterator[Given]:
    """Yield no position, and positions far apart."""
    for positions, b in (([], 2), ([70], 0), ([1000, 100_000], 12)):
        yield {"positions": np.array(positions, np.int32), "b": b}


def _words(positions: Positions, b: int) -> Words:
    length = sum((int(g) >> b) + 1 + b for g in np.diff(positions, prepend=-1) - 1)
    return np.zeros(-(-length // 32), np.uint32)


def _code(encode: Callable[..., Any], positions: Positions, b: int) -> dict[str, str]:
    """Encode, and write the bits in a row, a word after the other."""
    words = _words(positions, b)
    encode(positions, b, words)
    bits = np.unpackbits(words.view(np.uint8), bitorder="little")
    return {f"word {i}": "".join(map(str, each)) for i, each in enumerate(bits.reshape(-1, 32))}


def ask(positions: Positions, b: int) -> dict[str, str]:
    """Ask the function itself."""
    return _code(rice_encode, positions, b)


def expected(positions: Positions, b: int) -> dict[str, str]:
    """Encode with the plain version."""
    return _code(plain, positions, b)


def ask_decoder(positions: Positions, b: int) -> Positions:
    """Encode, and let the library decode."""
    words = _words(positions, b)
    rice_encode(positions, b, words)
    return Rice().decode(words, b, positions.size, (1 + int(positions.max(initial=0)),), "w")


FORMULA = "g = gap - 1; code(g) = (g >> b) zeros, a one, the b lowest bits of g"
PROPERTIES = (
    Property("the example of the text comes out.", FORMULA, example, ask, expected),
    Property("with b = 0 a gap less one is written in unary.", "g zeros, then a one", unary, ask, expected),
    Property("the remainder follows, its lowest bit first.", FORMULA, remainders, ask, expected),
    Property("the code goes on in the next word.", "bit i is bit i % 32 of word i // 32", long, ask, expected),
    Property("there may be no positions, or large gaps.", FORMULA, sparse, ask, expected),
    Property(
        "the library's decoder reads the positions back.",
        *(FORMULA, long, ask_decoder, lambda positions, b: positions),
    ),
)


def _encode(numbers: Any, parameter: int, words: Words, code: Callable[[int, int], list[int]] | None = None) -> None:
    code = code or (lambda g, b: [0] * (g >> b) + [1] + [(g >> i) & 1 for i in range(b)])
    bits = [bit for g in numbers.tolist() for bit in code(g, parameter)][: 32 * words.size]
    bits += [0] * (32 * words.size - len(bits))
    words[:] = np.packbits(np.array(bits, np.uint8), bitorder="little").view(np.uint32)


def gaps(positions: Positions, parameter: int, words: Words) -> None:
    """Encode the gaps themselves, not the gaps less one; the code is longer than needed."""
    _encode(np.diff(positions, prepend=-1), parameter, words)


def from_zero(positions: Positions, parameter: int, words: Words) -> None:
    """Count the first gap from position 0 and not from -1, so that positions 0 and 1 get one code."""
    _encode(np.maximum(np.diff(positions, prepend=0) - 1, 0), parameter, words)


def no_gaps(positions: Positions, parameter: int, words: Words) -> None:
    """Encode the positions and not the gaps."""
    _encode(positions, parameter, words)


def ones(positions: Positions, parameter: int, words: Words) -> None:
    """Write the quotient as ones and then a zero; here it is zeros and then a one."""
    numbers = np.diff(positions, prepend=-1) - 1
    _encode(numbers, parameter, words, lambda g, b: [1] * (g >> b) + [0] + [(g >> i) & 1 for i in range(b)])


def highest_first(positions: Positions, parameter: int, words: Words) -> None:
    """Write the highest bit of the remainder first."""
    numbers = np.diff(positions, prepend=-1) - 1
    _encode(numbers, parameter, words, lambda g, b: [0] * (g >> b) + [1] + [(g >> i) & 1 for i in range(b)][::-1])


def remainder_first(positions: Positions, parameter: int, words: Words) -> None:
    """Write the remainder before the quotient."""
    numbers = np.diff(positions, prepend=-1) - 1
    _encode(numbers, parameter, words, lambda g, b: [(g >> i) & 1 for i in range(b)] + [0] * (g >> b) + [1])


def big_endian(positions: Positions, parameter: int, words: Words) -> None:
    """Begin at the highest bit of a word."""
    plain(positions, parameter, words)
    bits = np.unpackbits(words.view(np.uint8), bitorder="little").reshape(-1, 32)[:, ::-1]
    words[:] = np.packbits(bits.reshape(-1), bitorder="little").view(np.uint32)


MUTANTS = (gaps, from_zero, no_gaps, ones, highest_first, remainder_first, big_endian)
