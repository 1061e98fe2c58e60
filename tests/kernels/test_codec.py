"""The codec kernels against the reference kernels, and decoding what no encoder wrote."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minizerofl.kernels import codec
from minizerofl.kernels.reference import codec as reference


@st.composite
def positions(draw: st.DrawFn) -> tuple[int, np.ndarray]:
    """Draw a size and ascending positions below it, of any density."""
    size = draw(st.integers(1, 400))
    density = draw(st.sampled_from([0.0, 0.01, 0.1, 0.5, 0.95, 1.0]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return size, np.flatnonzero(rng.random(size) < density).astype(np.int32)


WORDS = st.lists(st.sampled_from([0, 1, 2**31, 2**32 - 1, 0x12345678]), max_size=6).map(
    lambda words: np.array(words, np.uint32)
)
SMALL = st.lists(st.integers(-1, 6), max_size=6).map(lambda numbers: np.array(numbers, np.int32))


@given(positions(), st.integers(1, 50))
def test_rows_equal_their_reference_and_come_back(drawn: tuple[int, np.ndarray], columns: int) -> None:
    size, flat = drawn
    results = []
    for module in (codec, reference):
        indptr, indices = np.empty(-(-size // columns) + 1, np.int32), np.empty(flat.size, np.int32)
        module.split_rows(flat, columns, indptr, indices)
        back = np.empty(flat.size, np.int32)
        assert module.join_rows(indptr, indices, columns, back) == 0
        np.testing.assert_array_equal(back, flat)
        results.append((indptr, indices))
    np.testing.assert_array_equal(results[0][0], results[1][0])
    np.testing.assert_array_equal(results[0][1], results[1][1])


@given(SMALL.filter(len), SMALL)
def test_wrong_rows_are_refused_as_by_the_reference(indptr: np.ndarray, indices: np.ndarray) -> None:
    ours, theirs = np.zeros(indices.size, np.int32), np.zeros(indices.size, np.int32)
    refused = codec.join_rows(indptr, indices, 5, ours)
    assert refused == reference.join_rows(indptr, indices, 5, theirs)
    if not refused:
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(
    ("indptr", "indices"),
    [
        ([0, 3, 2], [0, 1]),
        ([1, 1, 2], [0, 1]),
        ([0, -1, 2], [0, 1]),
        ([0, 1, 3], [0, 1]),
        ([0, 2, 1, 2], [0, 1]),
        ([0, 1, 2], [0, 5]),
        ([0, 1, 2], [-1, 0]),
        ([0, 2], [1, 1]),
        ([0, 2], [2, 1]),
    ],
)
def test_rows_that_lead_outside_or_back_are_refused(indptr: list[int], indices: list[int]) -> None:
    for module in (codec, reference):
        room = np.empty(2, np.int32)
        assert module.join_rows(np.array(indptr, np.int32), np.array(indices, np.int32), 5, room) == -1


@given(positions())
def test_bits_equal_their_reference_and_come_back(drawn: tuple[int, np.ndarray]) -> None:
    size, flat = drawn
    ours, theirs = np.zeros(-(-size // 32), np.uint32), np.zeros(-(-size // 32), np.uint32)
    codec.set_bits(flat, ours)
    reference.set_bits(flat, theirs)
    np.testing.assert_array_equal(ours, theirs)
    back = np.empty(flat.size + 1, np.int32)
    assert codec.find_bits(ours, back) == flat.size
    np.testing.assert_array_equal(back[:-1], flat)


@given(WORDS, st.integers(1, 80))
def test_find_bits_equals_its_reference_in_any_room(words: np.ndarray, room: int) -> None:
    ours, theirs = np.zeros(room, np.int32), np.zeros(room, np.int32)
    n = codec.find_bits(words, ours)
    assert n == reference.find_bits(words, theirs)
    np.testing.assert_array_equal(ours[: max(n, 0)], theirs[: max(n, 0)])


@given(positions(), st.integers(-2, 2))
def test_nonzeros_are_found_as_by_the_reference_in_any_room(drawn: tuple[int, np.ndarray], spare: int) -> None:
    size, flat = drawn
    values = np.zeros(size, np.float32)
    values[flat] = np.random.default_rng(size).uniform(0.1, 1, flat.size)
    room = max(0, flat.size + 1 + spare)
    for module in (codec, reference):
        where, found = np.zeros(room, np.int32), np.zeros(room, np.float32)
        n = module.find_nonzeros(values, where, found)
        assert n == (flat.size if room > flat.size else -1)
        if n >= 0:
            np.testing.assert_array_equal(where[:n], flat)
            np.testing.assert_array_equal(found[:n], values[flat])


@given(positions(), st.sampled_from([0, 1, 2, 5, 24]))
def test_rice_code_equals_its_reference_and_comes_back(drawn: tuple[int, np.ndarray], parameter: int) -> None:
    size, flat = drawn
    bits = codec.rice_bits(flat, parameter)
    assert bits == reference.rice_bits(flat, parameter)
    ours, theirs = np.zeros(-(-bits // 32), np.uint32), np.zeros(-(-bits // 32), np.uint32)
    codec.rice_encode(flat, parameter, ours)
    reference.rice_encode(flat, parameter, theirs)
    np.testing.assert_array_equal(ours, theirs)
    for module in (codec, reference):
        back = np.empty(flat.size, np.int32)
        assert module.rice_decode(ours, parameter, size, back) == 0
        np.testing.assert_array_equal(back, flat)


@given(WORDS, st.sampled_from([0, 1, 5, 24]), st.integers(0, 70), st.sampled_from([1, 40, 10**6, 2**31 - 1]))
def test_any_words_are_read_or_refused_as_by_the_reference(
    words: np.ndarray, parameter: int, k: int, size: int
) -> None:
    ours, theirs = np.zeros(k, np.int32), np.zeros(k, np.int32)
    refused = codec.rice_decode(words, parameter, size, ours)
    assert refused == reference.rice_decode(words, parameter, size, theirs)
    if not refused:
        np.testing.assert_array_equal(ours, theirs)


@given(positions(), st.integers(1, 1000))
def test_sums_equal_their_reference(drawn: tuple[int, np.ndarray], weight: int) -> None:
    size, flat = drawn
    values = np.random.default_rng(size).standard_normal(size).astype(np.float32)
    ours, theirs = np.ones(size), np.ones(size)
    for module, sums in ((codec, ours), (reference, theirs)):
        module.add_at(sums, flat, values[: flat.size], float(weight))
        module.add_all(sums, values, float(weight))
    np.testing.assert_allclose(ours, theirs, rtol=1e-14, atol=1e-12)
    assert not np.array_equal(ours, np.ones(size))
