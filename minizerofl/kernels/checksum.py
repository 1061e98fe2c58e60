"""The checksum of messages: XXH64 (Collet 2014), at several times the speed of a CRC-32.

Four numbers take up eight bytes each at a time. They do not wait for each other, so that the processor multiplies
for one while another is on its way.
"""

from __future__ import annotations

import numpy as np

from minizerofl.kernels.jit import kernel
from minizerofl.kernels.types import Bytes

__all__ = ["xxh64"]

U = np.uint64
P1 = U(0x9E3779B185EBCA87)  # five prime numbers, given by the specification
P2 = U(0xC2B2AE3D27D4EB4F)
P3 = U(0x165667B19E3779F9)
P4 = U(0x85EBCA77C2B2AE63)
P5 = U(0x27D4EB2F165667C5)
STRIPE = 32  # bytes that the four numbers take up together


@kernel
def xxh64(data: Bytes, seed: U) -> U:
    """Compute the XXH64 of some bytes.

    Parameters
    ----------
    data : (n,) uint8
        The bytes.
    seed : uint64
        Another seed gives another checksum. So a checksum goes on where another one stopped.

    Returns
    -------
    uint64
        The checksum. Without the JIT, NumPy warns of the overflow, which is intended here.
    """
    done = 0
    h = seed + P5
    if data.size >= STRIPE:
        a, b, c, d = seed + P1 + P2, seed + P2, seed, seed - P1
        for stripe in range(data.size // STRIPE):
            done = stripe * STRIPE
            a = mix(a, word(data, done, 8))
            b = mix(b, word(data, done + 8, 8))
            c = mix(c, word(data, done + 16, 8))
            d = mix(d, word(data, done + 24, 8))
        done += STRIPE
        h = turn(a, 1) + turn(b, 7) + turn(c, 12) + turn(d, 18)
        for each in (a, b, c, d):
            h = (h ^ mix(U(0), each)) * P1 + P4
    h += U(data.size)
    while done + 8 <= data.size:
        h = turn(h ^ mix(U(0), word(data, done, 8)), 27) * P1 + P4
        done += 8
    if done + 4 <= data.size:
        h = turn(h ^ word(data, done, 4) * P1, 23) * P2 + P3
        done += 4
    while done < data.size:
        h = turn(h ^ word(data, done, 1) * P5, 11) * P1
        done += 1
    h = (h ^ (h >> U(33))) * P2
    h = (h ^ (h >> U(29))) * P3
    return h ^ (h >> U(32))


@kernel
def word(data: Bytes, first: int, count: int) -> U:
    """Read bytes as a number, the lowest one first; LLVM makes one load of it."""
    number = U(0)
    for i in range(count):
        number |= U(data[first + i]) << U(8 * i)
    return number


@kernel
def turn(x: U, bits: int) -> U:
    """Rotate 64 bits to the left."""
    return (x << U(bits)) | (x >> U(64 - bits))


@kernel
def mix(x: U, number: U) -> U:
    """Take up eight bytes."""
    return turn(x + number * P2, 31) * P1
