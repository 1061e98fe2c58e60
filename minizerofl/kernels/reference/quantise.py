"""Twins of `minizerofl.kernels.quantise`."""

from __future__ import annotations

import numpy as np

from minizerofl.kernels.quantise import BLOCK, SHORTEST, SMALLEST, Codes, Values, Words
from minizerofl.kernels.types import Array


def mix(seed: int, i: int) -> int:
    """Return 32 random bits, the i-th ones of a seed."""
    return int(_random(seed, 0, i + 1)[i])


def largest(values: Values) -> float:
    """Return the largest magnitude."""
    return float(np.abs(values).max(initial=0))


def int8_encode(values: Values, per_step: float, seed: int, codes: Codes) -> None:
    """Round values at random to one of the two nearest steps."""
    share = ((_random(seed, 0, values.size) >> 16) + 0.5) / 2**16
    codes[:] = np.clip(np.floor(values.astype(np.float64) * np.float32(per_step) + share), -127, 127)


def int8_decode(codes: Codes, step: float, values: Values) -> None:
    """Multiply codes by the size of a step."""
    values[:] = codes * np.float32(step)


def hadamard(x: Array) -> None:
    """Multiply by the Walsh-Hadamard matrix, as it is defined: H_2d = [[H_d, H_d], [H_d, -H_d]]."""
    matrix = np.ones((1, 1))
    while matrix.shape[0] < x.size:
        matrix = np.block([[matrix, matrix], [matrix, -matrix]])
    x[:] = matrix @ x


def block_length(n: int) -> int:
    """Return the power of two to which a block of n values is filled up."""
    return int(max(SHORTEST, 1 << (n - 1).bit_length()))


def eden_encode(
    values: Values, bits: int, cuts: Values, centres: Values, seed: int, scales: Values, words: Words
) -> None:
    """Rotate blocks and write down for each value in which interval it then is."""
    written = 0
    for block, first in enumerate(range(0, values.size, BLOCK)):
        some = values[first : first + BLOCK].astype(np.float64)
        d = block_length(some.size)
        scales[block] = 0
        if np.abs(some).max() >= SMALLEST:
            x = np.zeros(d)
            x[: some.size] = some
            y = _rotate(_rotate(x, seed, first, 31), seed, first, 30)
            codes = np.searchsorted(cuts, np.abs(y) / np.sqrt(d * (x @ x)), side="right") + (y < 0) * 2 ** (bits - 1)
            scales[block] = x @ x / (centres[codes].astype(np.float64) @ y)
            shifts = np.arange(0, 32, bits, dtype=np.uint32)[:, None]
            share = codes.astype(np.uint32).reshape(32 // bits, -1) << shifts
            words[written : written + d * bits // 32] = np.bitwise_or.reduce(share)
        written += d * bits // 32


def eden_decode(words: Words, bits: int, centres: Values, seed: int, scales: Values, values: Values) -> None:
    """Rotate back what the codes stand for."""
    read = 0
    for block, first in enumerate(range(0, values.size, BLOCK)):
        some = values[first : first + BLOCK]
        d = block_length(some.size)
        share = words[read : read + d * bits // 32]
        read += share.size
        codes = (share >> np.arange(0, 32, bits, dtype=np.uint32)[:, None]) & np.uint32(2**bits - 1)
        x = centres[codes.reshape(-1)].astype(np.float64)
        hadamard(x)
        x *= _signs(seed, first, d, 30)
        hadamard(x)
        some[:] = (x * _signs(seed, first, d, 31) * scales[block])[: some.size]


def _rotate(x: Array, seed: int, first: int, bit: int) -> Array:
    flipped = x * _signs(seed, first, x.size, bit)
    hadamard(flipped)
    return flipped


def _signs(seed: int, first: int, count: int, bit: int) -> Array:
    return 1.0 - 2.0 * ((_random(seed, first, count) >> bit) & 1)


def _random(seed: int, first: int, count: int) -> Array:
    """Return some random numbers of a seed, in arithmetic of 64 bits."""
    bits = (seed + np.arange(first, first + count) * 0x9E3779B1) & 0xFFFFFFFF
    bits = ((bits ^ (bits >> 16)) * 0x7FEB352D) & 0xFFFFFFFF
    bits = ((bits ^ (bits >> 15)) * 0x846CA68B) & 0xFFFFFFFF
    return bits ^ (bits >> 16)
