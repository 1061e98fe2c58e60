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
    simd.store(out, i, simd.fma(simd.load(out, i, WIDTH), factor, simd.load(a, i, WIDTH)))


@kernel
def step_twice(a: np.ndarray, i: int, gap: int, factor: float, out: np.ndarray) -> None:
    vector = simd.fma(simd.load(out, i, 8, 1, gap), factor, simd.load(a, i, 8, 1, gap))  # of another type
    simd.store(out, i, vector, gap)
    simd.store(out, i + gap, simd.fma(simd.load(out, i + gap, 8, 2, gap), factor, simd.load(a, i, 8, 2, gap)), gap)


@kernel
def count_up(numbers: np.ndarray, a: np.ndarray, b: np.ndarray, out: np.ndarray) -> float:
    """Return the total of numbers[0] + a * b where b is positive; `out` is that, more of it, and equal numbers."""
    vector = simd.fma(simd.full(numbers[0], WIDTH), simd.load(a, 0, WIDTH), simd.load(b, 0, WIDTH))
    vector = simd.where_positive(simd.load(b, 0, WIDTH), vector)
    simd.store(out, 0, vector)
    simd.store(out, WIDTH, simd.fma(simd.full(numbers[0], WIDTH, 1), numbers[1], vector))
    simd.store(out, 2 * WIDTH, simd.full(numbers[1], WIDTH, 2), WIDTH)
    return simd.reduce_add(vector)


@kernel
def turn(a: np.ndarray, i: int, length_a: int, out: np.ndarray, j: int, length_out: int) -> None:
    simd.transpose(a, i, length_a, out, j, length_out)


@kernel
def ask_for(a: np.ndarray, i: int) -> float:
    simd.prefetch(a, i)
    return a[0]


@pytest.mark.parametrize("place", [0, 3, 10**9, -(10**9)])
def test_what_is_prefetched_may_lie_anywhere(place: int) -> None:
    a = np.array([7.0, 1.0])
    simd.plain_prefetch(a, place)
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


@given(SEEDS, DTYPES)
def test_equal_numbers_products_choices_and_totals(seed: int, dtype: type) -> None:
    a, b = np.random.default_rng(seed).integers(-3, 4, (2, WIDTH)).astype(dtype)
    numbers, out = np.array([2, 5], dtype), np.empty(4 * WIDTH, dtype)
    total = count_up(numbers, a, b, out)
    expected = np.where(b <= 0, 0, 2 + a * b)
    np.testing.assert_array_equal(out.reshape(4, WIDTH), [expected, 2 + 5 * expected, 0 * a + 5, 0 * a + 5])
    assert total == expected.sum()
    assert simd.plain_reduce_add(simd.plain_load(out, 0, WIDTH)) == total
    np.testing.assert_array_equal(simd.plain_full(numbers[1], 3, 2), np.full((2, 3), dtype(5)))
    chosen = simd.plain_where_positive(b[None], a[None])[0]
    np.testing.assert_array_equal(chosen, np.where(b <= 0, 0, a))


@pytest.mark.parametrize("condition", [np.nan, 1.0, 0.0, -0.0, -1.0])
def test_nan_is_no_reason_to_leave_a_number_out(condition: float) -> None:
    b, out = np.full(WIDTH, condition), np.empty(4 * WIDTH)
    count_up(np.array([2.0, 5.0]), np.zeros(WIDTH), b, out)
    np.testing.assert_array_equal(np.nan_to_num(out[:WIDTH], nan=2.0), 0 if condition <= 0 else 2)


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
    plain = simd.plain_fma(simd.plain_load(out, i, WIDTH), dtype(1.5), simd.plain_load(a, i, WIDTH))
    simd.plain_store(expected, i, plain)
    step(a, i, dtype(1.5), out)
    np.testing.assert_allclose(out, expected, rtol=4 * np.finfo(dtype).eps, atol=4 * np.finfo(dtype).eps)
    np.testing.assert_array_equal(np.delete(out, range(i, i + WIDTH)), np.delete(expected, range(i, i + WIDTH)))


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
    assert memory.whole_vectors(n) % memory.MIN_LANES == 0
    assert 0 <= memory.whole_vectors(n) - n < memory.MIN_LANES
