"""Damaged messages: refused, or harmless; never a crash, never more memory than the model explains."""

import math
import os
import struct
import tracemalloc

import numpy as np
import pytest

from minizerofl.fl import CODECS, VALUES, Codec, Kept, Payload, RefusedError, Schema, decode
from minizerofl.fl.codecs.message import checksum
from minizerofl.fl.payload import draw_positions

SCHEMA = Schema({"conv": (4, 3, 3, 8), "bias": (8,), "linear": (50, 100)})
ENTRIES = sum(math.prod(shape) for shape in SCHEMA.shapes.values())
DAMAGES = int(os.environ.get("MINIZEROFL_DAMAGES", "1000"))  # of the messages of each codec of values; CI has 10,000


def payload(rng: np.random.Generator) -> Payload:
    result: dict[str, np.ndarray | Kept] = {}
    for name in ("conv", "linear"):
        shape = SCHEMA.shapes[name]
        positions = np.flatnonzero(rng.random(math.prod(shape)) < 0.25).astype(np.int32)
        result[name] = Kept(shape, positions, rng.standard_normal(positions.size).astype(np.float32))
    result["bias"] = rng.standard_normal(8).astype(np.float32)
    return result


def messages(values: str) -> list[bytes]:
    rng = np.random.default_rng(0)
    found = [Codec(codec, values).encode(payload(rng), SCHEMA, rng) for codec in CODECS]
    positions = draw_positions(7, "conv", 288, 90)
    drawn = Kept(SCHEMA.shapes["conv"], positions, np.ones(90, np.float32), draw=7)
    return [*found, Codec(values=values).encode({**payload(rng), "conv": drawn}, SCHEMA, rng)]


def damage(message: bytes, rng: np.random.Generator) -> bytes:
    """Change bits or bytes, mostly in the headers, write a number that may be a count, cut, lengthen or swap."""
    broken = bytearray(message)
    where = int(rng.integers(len(broken)) if rng.random() < 0.5 else rng.integers(80))
    match rng.integers(7):
        case 0:
            broken[where] ^= 1 << int(rng.integers(8))
        case 1:
            broken[where : where + 4] = rng.bytes(4)
        case 2:
            number = int(rng.choice([0, 1, 30, 288, 5_000, 5_001, 2**16, 2**31 - 1, 2**31, 2**32 - 1]))
            broken[where // 4 * 4 : where // 4 * 4 + 4] = struct.pack("<I", number)
        case 3:
            del broken[where:]
        case 4:
            broken += rng.bytes(int(rng.integers(1, 9)))
        case 5:
            del broken[where : where + int(rng.integers(1, 9))]
        case _:
            length = int(rng.integers(1, 40))
            broken[where : where + length] = rng.bytes(length)
    return bytes(broken)


def with_right_checksum(message: bytes) -> bytes:
    if len(message) < 20:
        return message
    return message[:16] + struct.pack("<I", checksum([message[:16], message[20:]])) + message[20:]


@pytest.mark.parametrize("values", VALUES)
def test_damaged_messages_are_refused(values: str) -> None:
    rng = np.random.default_rng(1)
    whole = messages(values)
    reasons = set()
    for i in range(DAMAGES // 5):  # The checksum does not know of codecs.
        message = whole[i % len(whole)]
        broken = damage(message, rng)
        if broken == message:
            continue
        with pytest.raises(RefusedError) as refused:
            decode(broken, SCHEMA)
        reasons.add(refused.value.reason)
    assert reasons == {"format", "checksum"}


@pytest.mark.parametrize("values", VALUES)
def test_with_a_right_checksum_they_are_refused_or_harmless(values: str) -> None:
    rng = np.random.default_rng(2)
    whole = messages(values)
    assert len(list(VALUES.values())) == len(VALUES)  # a message that names another codec imports it
    for message in whole:
        decode(message, SCHEMA)  # compile outside of the measurement
    outcomes: dict[str, int] = {}
    tracemalloc.start()
    try:
        for i in range(DAMAGES):
            broken = with_right_checksum(damage(whole[i % len(whole)], rng))
            tracemalloc.reset_peak()
            before = tracemalloc.get_traced_memory()[0]
            try:
                back = decode(broken, SCHEMA)
            except RefusedError as refused:
                outcome = refused.reason
            else:
                outcome = "harmless"
                check(back)
            outcomes[outcome] = outcomes.get(outcome, 0) + 1
            # 24 bytes an entry, and a fixed amount for objects, tracebacks and two blocks of a rotation.
            assert tracemalloc.get_traced_memory()[1] - before < 60_000 + 24 * ENTRIES
    finally:
        tracemalloc.stop()
    assert set(outcomes) == {"harmless", "format", "schema", "length", "index", "not finite"}
    assert min(outcomes.values()) * 2_000 > DAMAGES, outcomes


def check(back: Payload) -> None:
    for name, tensor in back.items():
        assert tensor.shape == SCHEMA.shapes[name]
        if isinstance(tensor, Kept):
            size = math.prod(tensor.shape)
            assert (np.diff(tensor.positions) > 0).all()
            assert tensor.positions.size == 0 or 0 <= tensor.positions[0] <= tensor.positions[-1] < size
            assert tensor.positions.shape == tensor.values.shape
        values = tensor.values if isinstance(tensor, Kept) else tensor
        assert values.dtype == np.float32
        assert np.isfinite(values).all()


def test_a_message_of_another_model_is_refused() -> None:
    for shapes in ({**SCHEMA.shapes, "bias": (9,)}, {"other": (5,)}, dict(reversed(SCHEMA.shapes.items()))):
        with pytest.raises(RefusedError, match="schema: the message belongs to another model"):
            decode(messages("float32")[0], Schema(shapes))


def test_another_version_is_named() -> None:
    message = bytearray(messages("float32")[0])
    message[4] = 9
    with pytest.raises(RefusedError, match="format: version 9, this program reads version 2"):
        decode(bytes(message), SCHEMA)


@pytest.mark.parametrize("length", range(0, 69, 4))
def test_a_message_without_its_end_is_refused(length: int) -> None:
    with pytest.raises(RefusedError):
        decode(with_right_checksum(messages("float32")[0][:length]), SCHEMA)
