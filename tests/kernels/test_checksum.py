"""XXH64: published values, and the kernel against its reference."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minizerofl.kernels import checksum
from minizerofl.kernels.reference import checksum as reference

MODULES = [checksum, reference]


def of(module, data: bytes, seed: int = 0) -> int:
    with np.errstate(over="ignore"):
        return int(module.xxh64(np.frombuffer(data, np.uint8), np.uint64(seed)))


@pytest.mark.parametrize("module", MODULES)
@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", 0xEF46DB3751D8E999),
        (b"abc", 0x44BC2CF5AD770999),
        (b"Nobody inspects the spammish repetition", 0xFBCEA83C8A378BF1),
    ],
)
def test_published_values(module, data: bytes, expected: int) -> None:
    assert of(module, data) == expected


@given(st.binary(max_size=100), st.integers(0, 2**64 - 1))
def test_the_kernel_is_the_reference(data: bytes, seed: int) -> None:
    assert of(checksum, data, seed) == of(reference, data, seed)


@given(st.binary(min_size=1, max_size=100), st.data())
def test_every_byte_counts(data: bytes, draw: st.DataObject) -> None:
    where, change = draw.draw(st.integers(0, len(data) - 1)), draw.draw(st.integers(1, 255))
    other = data[:where] + bytes([data[where] ^ change]) + data[where + 1 :]
    assert of(checksum, other) != of(checksum, data)
