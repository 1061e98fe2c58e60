"""The vector functions: instructions against the plain functions that say what they mean."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minizerofl.kernels import memory, simd
from minizerofl.kernels.jit import kernel

WIDTH = 16
SEEDS = st.integers(0, 2**32 - 1)
DTYPES = st.sampled_from([np.float32, np.float64])


@kernel
def step(a: np.ndarray, i: int, factor: float, out: np.ndarray) -> None:
    simd.store(out, i, simd.add_scaled(simd.load(out, i, WIDTH), factor, simd.load(a, i, WIDTH)))


@kernel
def step_twice(a: np.ndarray, i: int, gap: int, factor: float, out: np.ndarray) -> None:
    vector = simd.add_scaled(simd.load(out, i, 8, 1, gap), factor, simd.load(a, i, 8, 1, gap))  # of another type
    simd.store(out, i, vector, gap)
    simd.store(
        out, i + gap, simd.add_scaled(simd.load(out, i + gap, 8, 2, gap), factor, simd.load(a, i, 8, 2, gap)), gap
    )


@kernel
def compare(a: np.ndarray, i: int, cut: float) -> int:
    return simd.reaches(a, i, cut)


close_gaps = kernel(simd.close_gaps)  # what serves without AVX-512


@kernel
def compress(a: np.ndarray, i: int, bits: int, among: int, out: np.ndarray, at: int) -> None:
    simd.compress(a, i, bits, among, out, at)


@kernel
def first_bit(bits: int) -> int:
    return simd.lowest(bits)


@kernel
def number_of_bits(bits: int) -> int:
    return simd.count(bits)


@kernel
def turn(a: np.ndarray, i: int, length_a: int, out: np.ndarray, j: int, length_out: int) -> None:
    simd.transpose(a, i, length_a, out, j, length_out)


@kernel
def ask_for(a: np.ndarray, i: int) -> float:
    simd.fetch(a, i)
    return a[0]


@pytest.mark.parametrize("place", [0, 3, 10**9, -(10**9)])
def test_what_is_fetched_may_lie_anywhere(place: int) -> None:
    a = np.array([7.0, 1.0])
    simd.plain_fetch(a, place)
    assert ask_for(a, place) == 7


@given(DTYPES, st.integers(0, 5), st.integers(8, 12), st.integers(0, 5), st.integers(8, 12))
def test_transpose(dtype: type, i: int, length_a: int, j: int, length_out: int) -> None:
    a = np.arange(105, dtype=dtype)
    out, plain = np.full(105, -1, dtype), np.full(105, -1, dtype)
    turn(a, i, length_a, out, j, length_out)
    simd.plain_transpose(a, i, length_a, plain, j, length_out)
    np.testing.assert_array_equal(out, plain)
    square = np.lib.stride_tricks.sliding_window_view(out[j:], 8)[::length_out][:8]
    np.testing.assert_array_equal(square, [i + length_a * np.arange(8) + k for k in range(8)])


@given(st.sampled_from([np.float32, np.float64, np.int32]), st.integers(0, 5), st.integers(0, 5), st.data())
def test_compress_keeps_what_has_a_bit(dtype: type, i: int, at: int, data: st.DataObject) -> None:
    length = data.draw(st.integers(1, 64))
    among = 2**length - 1
    bits = data.draw(st.integers(0, among))
    a = np.arange(1, 140, dtype=dtype)
    chosen = [k for k in range(64) if bits >> k & 1]
    for function in (compress, close_gaps):
        out = np.zeros(140, dtype)
        function(a, i, np.uint64(bits), np.uint64(among), out, at)
        np.testing.assert_array_equal(out[at : at + len(chosen)], a[i:][chosen])
        assert not out[:at].any()
        assert not out[at + len(chosen) + 64 :].any()


@given(DTYPES, st.integers(0, 5), st.integers(8, 12))
def test_several_vectors_a_gap_apart(dtype: type, i: int, gap: int) -> None:
    a, out = np.arange(50, dtype=dtype), np.arange(50, dtype=dtype) % 7
    expected = out.copy()
    for to, start in ((i, i), (i + gap, i), (i + 2 * gap, i + gap)):
        expected[to : to + 8] += 2 * a[start : start + 8]
    step_twice(a, i, gap, dtype(2), out)
    np.testing.assert_array_equal(out, expected)


@given(SEEDS, DTYPES, st.integers(0, 5))
def test_a_step_is_load_multiply_add_store(seed: int, dtype: type, i: int) -> None:
    rng = np.random.default_rng(seed)
    a, out = (rng.standard_normal(30).astype(dtype) for _ in range(2))
    expected = out.copy()
    plain = simd.plain_add_scaled(simd.plain_load(out, i, WIDTH), dtype(1.5), simd.plain_load(a, i, WIDTH))
    simd.plain_store(expected, i, plain)
    step(a, i, dtype(1.5), out)
    np.testing.assert_allclose(out, expected, rtol=4 * np.finfo(dtype).eps, atol=4 * np.finfo(dtype).eps)
    np.testing.assert_array_equal(np.delete(out, range(i, i + WIDTH)), np.delete(expected, range(i, i + WIDTH)))


@given(SEEDS, DTYPES, st.integers(0, 5))
def test_reaches_and_lowest(seed: int, dtype: type, i: int) -> None:
    a = np.random.default_rng(seed).choice(np.array([0, -1, 1, 2, -3, np.nan, np.inf], dtype), 70)
    for cut in (1, 2, 3):
        bits = compare(a, i, dtype(cut))
        assert int(bits) == int(simd.plain_reaches(a, i, dtype(cut)))
        assert int(bits) == sum(1 << k for k in range(64) if abs(a[i + k]) >= cut)
        assert number_of_bits(np.uint64(bits)) == simd.plain_count(np.uint64(bits)) == int(bits).bit_count()
        if bits:
            assert (
                first_bit(np.uint64(bits))
                == simd.plain_lowest(np.uint64(bits))
                == (int(bits) & -int(bits)).bit_length() - 1
            )


@pytest.mark.skipif(os.environ.get("NUMBA_DISABLE_JIT", "0") != "0", reason="the JIT is off")
def test_with_bounds_checks_a_vector_is_checked_too(tmp_path: Path) -> None:
    code = """
import numpy as np
from minizerofl.kernels import simd
from minizerofl.kernels.jit import kernel
@kernel
def read(a):
    return simd.load(a, 1, 16)[0]
try:
    read(np.ones(16, np.float32))
except IndexError:
    print("raised")
"""
    environment = {"NUMBA_BOUNDSCHECK": "1", "NUMBA_CACHE_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | environment, capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "raised", done.stderr


@given(st.lists(st.integers(0, 7), min_size=1, max_size=3), DTYPES)
def test_memory_begins_at_a_cache_line(shape: list[int], dtype: type) -> None:
    for make in (memory.empty, memory.zeros):
        array = make(tuple(shape), dtype)
        assert (array.shape, array.dtype) == (tuple(shape), dtype)
        assert array.flags.c_contiguous
        assert array.flags.writeable
        assert array.size == 0 or array.ctypes.data % memory.LINE == 0
    assert not memory.zeros(tuple(shape), dtype).any()


@given(st.integers(0, 1000))
def test_whole_vectors_are_the_fewest_that_hold_everything(n: int) -> None:
    assert memory.whole_vectors(n) % memory.SHORT == 0
    assert 0 <= memory.whole_vectors(n) - n < memory.SHORT
