"""Quantisers: int8 with stochastic rounding, and EDEN, which rotates values at random and keeps a few bits of each.

EDEN (Vargaftik et al. 2022) works block by block. A block x of d values, d a power of two, becomes y = H D2 H D1 x: D1
and D2 flip signs at random and H is the Walsh-Hadamard matrix. Whatever x was, the entries of y are nearly normal, so
that one fixed quantiser c(y) fits all blocks. The receiver, who can draw the same signs, computes s D1 H D2 H c, and
the sender has chosen the scale s = |x|^2 / <c, y>, which makes this unbiased. The paper rotates once. We rotate twice:
a block with one entry that outweighs all others is not normal after the first rotation, but it is after the second.

No array of random numbers is needed: the i-th one is a hash of the seed and i, which both ends can compute.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from minizerofl.kernels.jit import kernel

__all__ = ["block_length", "eden_decode", "eden_encode", "hadamard", "int8_decode", "int8_encode", "largest", "mix"]

Words = NDArray[np.uint32]
Values = NDArray[np.float32]
Codes = NDArray[np.int8]

BLOCK = 4096  # values that are rotated together: two copies fit into the L1 cache of most processors
SHORTEST = 128  # a shorter last block is filled up with zeros: rotated, fewer values would not be normal
SMALLEST = 1e-30  # a block whose largest value is smaller than this is sent as zeros
MASK = 0xFFFFFFFF
NO_SIGN = 0x7FFFFFFF  # all bits of a float32 but its sign
UNIT = np.float32(2.0**-16)
HALF = np.float32(2.0**-17)
ONE = np.float32(1)
TWO = np.float32(2)
MOST = np.float32(127)


@kernel
def mix(seed: int, i: int) -> int:
    """Return 32 random bits, the i-th ones of a seed: two rounds of multiply and shift (Wellons 2018, "lowbias32")."""
    bits = (seed + i * 0x9E3779B1) & MASK
    bits = ((bits ^ (bits >> 16)) * 0x7FEB352D) & MASK
    bits = ((bits ^ (bits >> 15)) * 0x846CA68B) & MASK
    return bits ^ (bits >> 16)


@kernel
def largest(values: Values) -> float:
    """Return the largest magnitude; 0 if there are no values."""
    bits = values.view(np.int32)  # Magnitudes are ordered as their bits are, and comparing integers vectorises.
    most = 0
    for i in range(bits.size):
        most = max(most, bits[i] & NO_SIGN)
    found = np.empty(1, np.int32)
    found[0] = most
    return float(found.view(np.float32)[0])


@kernel
def int8_encode(values: Values, per_step: float, seed: int, codes: Codes) -> None:
    """Round values at random to one of the two nearest steps, so that each is right on average.

    Parameters
    ----------
    values : (n,) float32
        The values.
    per_step : float
        Steps for each unit, such that no value is more than 127 steps from zero.
    seed : int
        Decides how values are rounded, 0 to 2**32 - 1.
    codes : (n,) int8
        The result: -127 to 127.
    """
    factor = np.float32(per_step)
    for i in range(values.size):
        share = np.float32(np.int32(mix(seed, i) >> 16)) * UNIT + HALF  # between 0 and 1, never 0 or 1
        code = np.floor(values[i] * factor + share)
        codes[i] = np.int8(max(min(code, MOST), -MOST))


@kernel
def int8_decode(codes: Codes, step: float, values: Values) -> None:
    """Multiply codes by the size of a step."""
    size = np.float32(step)
    for i in range(codes.size):
        values[i] = np.float32(codes[i]) * size


@kernel
def hadamard(x: Values) -> None:
    """Multiply by the Walsh-Hadamard matrix, in place: sums and differences of partners 1, 2, 4, ..., d / 2 apart.

    Parameters
    ----------
    x : (d,) float32
        The vector, d a power of two and at least 8; overwritten.
    """
    eights = x.reshape(x.size // 8, 8)
    for i in range(eights.shape[0]):  # Loops over 1, 2 and 4 partners would not vectorise: these stay in registers.
        a, b, c, d = eights[i, 0], eights[i, 1], eights[i, 2], eights[i, 3]
        e, f, g, h = eights[i, 4], eights[i, 5], eights[i, 6], eights[i, 7]
        a, b, c, d, e, f, g, h = a + b, a - b, c + d, c - d, e + f, e - f, g + h, g - h
        a, b, c, d, e, f, g, h = a + c, b + d, a - c, b - d, e + g, f + h, e - g, f - h
        eights[i, 0], eights[i, 1], eights[i, 2], eights[i, 3] = a + e, b + f, c + g, d + h
        eights[i, 4], eights[i, 5], eights[i, 6], eights[i, 7] = a - e, b - f, c - g, d - h
    apart = 8
    while apart < x.size:
        for first in range(0, x.size, 2 * apart):
            low, high = x[first : first + apart], x[first + apart : first + 2 * apart]
            for j in range(apart):
                sum_, difference = low[j] + high[j], low[j] - high[j]
                low[j], high[j] = sum_, difference
        apart *= 2


@kernel
def flip(x: Values, seed: int, first: int, bit: int) -> None:
    """Flip signs at random: that of entry i where this bit of the random number ``first + i`` is set."""
    for i in range(x.size):
        x[i] *= ONE - TWO * np.float32(np.int32((mix(seed, first + i) >> bit) & 1))


@kernel
def block_length(n: int) -> int:
    """Return the power of two to which a block of n values is filled up."""
    d = SHORTEST
    while d < n:
        d *= 2
    return d


@kernel
def eden_encode(
    values: Values, bits: int, cuts: Values, centres: Values, seed: int, scales: Values, words: Words
) -> None:
    """Rotate blocks and write down for each value in which interval it then is.

    Parameters
    ----------
    values : (n,) float32
        The values.
    bits : int
        Bits of a code: 1, 2 or 4. The highest says that the rotated value is negative.
    cuts : (2**(bits - 1) - 1,) float32
        Where the intervals of magnitudes meet, of a quantiser for the standard normal distribution.
    centres : (2**bits,) float32
        What each code stands for.
    seed : int
        Draws the signs, 0 to 2**32 - 1.
    scales : (blocks,) float32
        Result: the scale of each block.
    words : (m,) uint32
        The result, which is zero before. Code i of a block is in word i modulo w of its w words.
    """
    rotated, sizes = np.empty(BLOCK, np.float32), np.empty(BLOCK, np.float32)
    codes = np.empty(BLOCK, np.uint32)
    per_word = 32 // bits
    written = 0
    for block in range(scales.size):
        first = block * BLOCK
        some = values[first : first + BLOCK]
        d = block_length(some.size)
        share = words[written : written + d // per_word]
        written += share.size
        most = largest(some)
        if most < SMALLEST:
            scales[block] = 0
            continue

        x = rotated[:d]
        factor = np.float32(1 / most)  # so that no sum overflows
        square = 0.0
        for i in range(some.size):
            x[i] = some[i] * factor
            square += np.float64(x[i]) * np.float64(x[i])
        x[some.size :] = 0
        flip(x, seed, first, 31)
        hadamard(x)
        flip(x, seed, first, 30)
        hadamard(x)

        factor = np.float32(1 / np.sqrt(d * square))
        match = 0.0
        for i in range(d):
            codes[i] = np.uint32(x[i] < 0) << (bits - 1)
            sizes[i] = abs(x[i]) * factor
        for cut in cuts:
            for i in range(d):
                codes[i] += np.uint32(sizes[i] >= cut)
        for i in range(d):
            match += np.float64(centres[codes[i]]) * np.float64(x[i])
        scales[block] = most * square / match
        for k in range(per_word):
            of_k = codes[k * share.size : (k + 1) * share.size]
            for j in range(share.size):
                share[j] |= of_k[j] << (k * bits)


@kernel
def eden_decode(words: Words, bits: int, centres: Values, seed: int, scales: Values, values: Values) -> None:
    """Rotate back what the codes stand for: the inverse of `eden_encode`, up to what the quantiser lost."""
    rotated = np.empty(BLOCK, np.float32)
    per_word = 32 // bits
    low = (1 << bits) - 1
    read = 0
    for block in range(scales.size):
        first = block * BLOCK
        some = values[first : first + BLOCK]
        d = block_length(some.size)
        share = words[read : read + d // per_word]
        read += share.size
        x = rotated[:d]
        for k in range(per_word):
            of_k = x[k * share.size : (k + 1) * share.size]
            for j in range(share.size):
                of_k[j] = centres[(share[j] >> (k * bits)) & low]
        hadamard(x)
        flip(x, seed, first, 30)
        hadamard(x)
        flip(x, seed, first, 31)
        scale = scales[block]
        for i in range(some.size):
            some[i] = x[i] * scale
