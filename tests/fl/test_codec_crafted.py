"""Messages made by hand, right in all but one thing: the reason for which each is refused."""

import struct

import numpy as np
import pytest

from minizerofl.fl import RefusedError, Schema, decode
from minizerofl.fl.codecs.message import HEAD, MAGIC, TENSOR, VERSION, Encoding, checksum
from minizerofl.fl.payload import draw_positions

SCHEMA = Schema({"w": (2, 5)})
ONE = struct.pack("<f", 1.0)


def craft(
    encoding: int,
    body: bytes,
    count: int,
    parameter: int = 0,
    block: int = 0,
    exact: int = 0,
    length: int | None = None,
    values: int = 4,
    schema: Schema = SCHEMA,
) -> bytes:
    head = HEAD.pack(MAGIC, VERSION, values, 1, schema.digest)
    length = len(body) if length is None else length
    rest = TENSOR.pack(encoding, parameter, block, exact, count, length) + body + bytes(-len(body) % 4)
    return head + struct.pack("<I", checksum([head, rest])) + rest


def words(*numbers: int) -> bytes:
    return struct.pack(f"<{len(numbers)}I", *numbers)


SCALE = struct.unpack("<I", ONE)
NAN, HUGE = 0x7FC00000, 0x7F7FFFFF  # as float32: not a number, and the largest number


GOOD = {
    "whole": (craft(Encoding.WHOLE, 10 * ONE, 10), list(range(10))),
    "filled": (craft(Encoding.FILLED, 9 * words(0) + ONE, 1), [9]),
    "csr": (craft(Encoding.CSR, words(0, 1, 2, 4, 0) + 2 * ONE, 2), [4, 5]),
    "csr, in blocks": (craft(Encoding.CSR, words(0, 0, 1, 0) + 5 * ONE, 5, block=5), [5, 6, 7, 8, 9]),
    "bitmap": (craft(Encoding.BITMAP, words(1 << 9) + ONE, 1), [9]),
    "rice": (craft(Encoding.RICE, words(0b01_1_0) + ONE, 1, parameter=2), [5]),  # a gap of 1 * 4 + 1
    "drawn": (craft(Encoding.DRAWN, words(5) + 2 * ONE, 2), draw_positions(5, "w", 10, 2).tolist()),
    "int8, whole": (craft(Encoding.WHOLE, ONE + 10 * b"\1", 10, values=1), list(range(10))),
    "int8, filled": (craft(Encoding.FILLED, ONE + bytes(9) + b"\1", 1, values=1), [9]),
    "int8, csr": (craft(Encoding.CSR, words(0, 1, 2, 4, 0) + ONE + 2 * b"\1", 2, values=1), [4, 5]),
    "ternary": (craft(Encoding.BITMAP, words(1 << 9) + ONE + b"\0", 1, values=3), [9]),
    "exact": (craft(Encoding.BITMAP, words(1 << 9) + ONE, 1, exact=1, values=17), [9]),
}


@pytest.mark.parametrize("case", GOOD)
def test_the_layout_is_what_the_table_says(case: str) -> None:
    message, positions = GOOD[case]
    tensor = decode(message, SCHEMA)["w"]
    if isinstance(tensor, np.ndarray):
        np.testing.assert_array_equal(tensor, np.ones((2, 5)))
    else:
        assert (tensor.positions.tolist(), tensor.values.tolist()) == (positions, [1.0] * len(positions))


WRONG = {
    "unknown encoding": (craft(7, b"", 0), "format"),
    "blocks of what is sent whole": (craft(Encoding.WHOLE, 10 * ONE, 10, block=5), "format"),
    "positions that nobody knows": (craft(Encoding.KNOWN, ONE, 1), "schema"),
    "blocks that do not fit": (craft(Encoding.CSR, words(0, 1, 2, 1, 0) + 4 * ONE, 4, block=2), "length"),
    "half a block": (craft(Encoding.CSR, words(0, 0, 1, 0) + 4 * ONE, 4, block=5), "length"),
    "a block too far": (craft(Encoding.CSR, words(0, 0, 1, 1) + 5 * ONE, 5, block=5), "index"),
    "a mark that is neither 0 nor 1": (craft(Encoding.WHOLE, 10 * ONE, 10, exact=2), "format"),
    "unknown values": (craft(Encoding.WHOLE, 10 * ONE, 10, values=9), "format"),
    "drawn, with a parameter": (craft(Encoding.DRAWN, words(5) + ONE, 1, parameter=1), "length"),
    "drawn, without a seed": (craft(Encoding.DRAWN, ONE, 1), "length"),
    "drawn, more than there are": (craft(Encoding.DRAWN, words(5) + 11 * ONE, 11), "length"),
    "int8, a step that is not finite": (craft(Encoding.WHOLE, words(NAN) + bytes(10), 10, values=1), "not finite"),
    "int8, a step that is too large": (craft(Encoding.WHOLE, words(HUGE) + 10 * b"\x7f", 10, values=1), "not finite"),
    "eden, a word too many": (craft(Encoding.WHOLE, 10 * ONE + words(0), 10, values=17), "length"),
    "eden, zeros that are not kept": (craft(Encoding.FILLED, 10 * ONE, 10, values=17), "format"),
    "ternary, not finite": (
        craft(Encoding.BITMAP, words(1, NAN) + b"\1", 1, values=3),
        "not finite",
    ),
    "whole, too few": (craft(Encoding.WHOLE, 9 * ONE, 9), "length"),
    "whole, another count": (craft(Encoding.WHOLE, 10 * ONE, 9), "length"),
    "whole, too many": (craft(Encoding.WHOLE, 11 * ONE, 10), "length"),
    "filled, another count": (craft(Encoding.FILLED, 10 * ONE, 9), "length"),
    "csr, a column too far": (craft(Encoding.CSR, words(0, 1, 2, 5, 0) + 2 * ONE, 2), "index"),
    "csr, a negative column": (craft(Encoding.CSR, words(0, 1, 2, 2**32 - 1, 0) + 2 * ONE, 2), "index"),
    "csr, a column twice": (craft(Encoding.CSR, words(0, 2, 2, 1, 1) + 2 * ONE, 2), "index"),
    "csr, rows that begin late": (craft(Encoding.CSR, words(1, 1, 2, 1, 1) + 2 * ONE, 2), "index"),
    "csr, rows that end early": (craft(Encoding.CSR, words(0, 1, 1, 1, 1) + 2 * ONE, 2), "index"),
    "csr, rows beyond the end": (craft(Encoding.CSR, words(0, 3, 2, 1, 2) + 2 * ONE, 2), "index"),
    "csr, with a parameter": (craft(Encoding.CSR, words(0, 1, 2, 4, 0) + 2 * ONE, 2, parameter=1), "length"),
    "csr, another count": (craft(Encoding.CSR, words(0, 1, 2, 4, 0) + 2 * ONE, 3), "length"),
    "bitmap, a bit too far": (craft(Encoding.BITMAP, words(1 << 10) + ONE, 1), "index"),
    "bitmap, too few bits": (craft(Encoding.BITMAP, words(1) + 2 * ONE, 2), "index"),
    "bitmap, too many bits": (craft(Encoding.BITMAP, words(7) + 2 * ONE, 2), "index"),
    "bitmap, too long": (craft(Encoding.BITMAP, words(1, 0) + ONE, 1), "length"),
    "bitmap, with a parameter": (craft(Encoding.BITMAP, words(1) + ONE, 1, parameter=1), "length"),
    "rice, a position too far": (craft(Encoding.RICE, words(1 << 10) + ONE, 1), "index"),
    "rice, ends early": (craft(Encoding.RICE, words(1) + 2 * ONE, 2), "index"),
    "rice, goes on": (craft(Encoding.RICE, words(3) + ONE, 1), "index"),
    "rice, a word too many": (craft(Encoding.RICE, words(1, 0) + ONE, 1), "index"),
    "rice, a large parameter": (craft(Encoding.RICE, words(1) + ONE, 1, parameter=25), "length"),
    "rice, more than it can hold": (craft(Encoding.RICE, words(1) + 9 * ONE, 9, parameter=3), "length"),
    "rice, more than there are": (craft(Encoding.RICE, words(2**11 - 1) + 11 * ONE, 11), "length"),
    "an odd length": (craft(Encoding.RICE, words(1) + ONE + b"\0\0\0\0", 1, length=9), "length"),
    "longer than the message": (craft(Encoding.WHOLE, 10 * ONE, 10, length=2**32 - 1), "length"),
    "bytes at the end": (craft(Encoding.WHOLE, 10 * ONE + ONE, 10, length=40), "length"),
    "nan": (craft(Encoding.BITMAP, words(1, 0x7FC00000), 1), "not finite"),
}


@pytest.mark.parametrize("case", WRONG)
def test_one_wrong_thing_is_enough(case: str) -> None:
    message, reason = WRONG[case]
    with pytest.raises(RefusedError) as refused:
        decode(message, SCHEMA)
    assert refused.value.reason == reason


@pytest.mark.parametrize(
    ("scale", "code", "reason"),
    [
        (struct.unpack("<I", ONE)[0], words(1, 2, 3, 4), ""),
        (NAN, words(1, 2, 3, 4), "not finite"),
        (HUGE, words(1, 2, 3, 4), "not finite"),
        (0, words(1, 2, 3), "length"),
        (0, words(1, 2, 3, 4, 5), "length"),
    ],
)
def test_eden_of_twenty_values_is_a_seed_a_scale_and_128_bits(scale: int, code: bytes, reason: str) -> None:
    schema = Schema({"w": (4, 5)})
    message = craft(Encoding.WHOLE, words(7, scale) + code, 20, values=17, schema=schema)
    if not reason:
        values = decode(message, schema)["w"]
        assert np.isfinite(values).all()
        assert np.count_nonzero(values) > 10
        return
    with pytest.raises(RefusedError) as refused:
        decode(message, schema)
    assert refused.value.reason == reason
