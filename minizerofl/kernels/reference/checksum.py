"""Twin of `minizerofl.kernels.checksum`: as the specification of XXH64 has it, with whole numbers modulo 2**64."""

from __future__ import annotations

from minizerofl.kernels import checksum
from minizerofl.kernels.types import Bytes

P1, P2, P3, P4, P5 = (int(p) for p in (checksum.P1, checksum.P2, checksum.P3, checksum.P4, checksum.P5))
MASK = 2**64 - 1


def xxh64(data: Bytes, seed: int) -> int:
    """Compute the XXH64 of some bytes."""
    seed, rest = int(seed), data.tobytes()
    h = (seed + P5) & MASK
    if len(rest) >= 32:
        lanes = [(seed + P1 + P2) & MASK, (seed + P2) & MASK, seed, (seed - P1) & MASK]
        while len(rest) >= 32:
            words = [rest[i : i + 8] for i in range(0, 32, 8)]
            lanes = [_mix(lane, word) for lane, word in zip(lanes, words, strict=True)]
            rest = rest[32:]
        h = sum(_turn(lane, bits) for lane, bits in zip(lanes, (1, 7, 12, 18), strict=True)) & MASK
        for lane in lanes:
            h = ((h ^ _mix(0, lane.to_bytes(8, "little"))) * P1 + P4) & MASK
    h = (h + data.size) & MASK
    while len(rest) >= 8:
        h = (_turn(h ^ _mix(0, rest[:8]), 27) * P1 + P4) & MASK
        rest = rest[8:]
    if len(rest) >= 4:
        h = (_turn(h ^ (int.from_bytes(rest[:4], "little") * P1 & MASK), 23) * P2 + P3) & MASK
        rest = rest[4:]
    for byte in rest:
        h = _turn(h ^ (byte * P5 & MASK), 11) * P1 & MASK
    h = (h ^ (h >> 33)) * P2 & MASK
    h = (h ^ (h >> 29)) * P3 & MASK
    return h ^ (h >> 32)


def _mix(lane: int, word: bytes) -> int:
    """Take up eight bytes."""
    return _turn((lane + int.from_bytes(word, "little") * P2) & MASK, 31) * P1 & MASK


def _turn(x: int, bits: int) -> int:
    """Rotate 64 bits to the left."""
    return (x << bits | x >> (64 - bits)) & MASK
