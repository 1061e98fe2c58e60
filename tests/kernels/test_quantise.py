"""The quantisers against their reference kernels, and what they promise: right on average, and the same everywhere."""

import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from minizerofl.fl.codecs.eden import CENTRES
from minizerofl.kernels import quantise
from minizerofl.kernels.reference import quantise as reference

SEEDS = st.integers(0, 2**32 - 1)
SIZES = st.sampled_from([0, 1, 2, 31, 32, 33, 100, 256, 300])


def draw(seed: int, n: int, scale: float = 1.0) -> np.ndarray:
    """Draw values with a heavy tail, some of them zero."""
    rng = np.random.default_rng(seed)
    return (scale * rng.standard_normal(n) ** 3 * (rng.random(n) < 0.9)).astype(np.float32)


def tables(bits: int) -> tuple[np.ndarray, np.ndarray]:
    centres = np.array(CENTRES[bits], np.float32)
    return (centres[1:] + centres[:-1]) / np.float32(2), np.concatenate([centres, -centres])


def code(values: np.ndarray, bits: int, seed: int, module=quantise) -> tuple[np.ndarray, np.ndarray]:
    blocks, rest = divmod(values.size, quantise.BLOCK)
    entries = blocks * quantise.BLOCK + (quantise.block_length(rest) if rest else 0)
    scales, words = np.zeros(blocks + (rest > 0), np.float32), np.zeros(entries * bits // 32, np.uint32)
    module.eden_encode(values, bits, *tables(bits), seed, scales, words)
    return scales, words


def sent(values: np.ndarray, bits: int, seed: int, module=quantise) -> np.ndarray:
    scales, words = code(values, bits, seed, module)
    back = np.empty_like(values)
    module.eden_decode(words, bits, tables(bits)[1], seed, scales, back)
    return back


@given(SEEDS, st.integers(0, 2000))
def test_random_numbers_equal_their_reference(seed: int, i: int) -> None:
    assert quantise.mix(seed, i) == reference.mix(seed, i)


def test_random_bits_are_fair_and_differ_by_seed() -> None:
    bits = np.array([[quantise.mix(seed, i) >> 30 for i in range(500)] for seed in (0, 1, 2**32 - 1)])
    assert all(abs(np.bincount(row, minlength=4) - 125).max() < 40 for row in bits)
    assert all((a == b).mean() < 0.35 for a, b in ((bits[0], bits[1]), (bits[1], bits[2])))


@given(st.integers(1, quantise.BLOCK))
def test_the_length_of_a_block_equals_its_reference(n: int) -> None:
    assert quantise.block_length(n) == reference.block_length(n)


@given(SEEDS, SIZES)
def test_the_largest_magnitude_equals_its_reference(seed: int, n: int) -> None:
    values = draw(seed, n)
    assert quantise.largest(values) == reference.largest(values)


@given(SEEDS, SIZES)
def test_int8_equals_its_reference_and_is_at_most_a_step_away(seed: int, n: int) -> None:
    values = draw(seed, n)
    step = max(reference.largest(values), 1e-3) / 127
    ours, theirs = np.zeros(n, np.int8), np.zeros(n, np.int8)
    quantise.int8_encode(values, 1 / step, seed, ours)
    reference.int8_encode(values, 1 / step, seed, theirs)
    # In float32 a value may fall on the other side of a whole number.
    assert np.abs(ours.astype(int) - theirs).max(initial=0) <= 1
    assert np.count_nonzero(ours != theirs) <= 1
    back, twin = np.empty(n, np.float32), np.empty(n, np.float32)
    quantise.int8_decode(ours, step, back)
    reference.int8_decode(ours, step, twin)
    np.testing.assert_array_equal(back, twin)
    assert np.abs(back - values).max(initial=0) <= 1.0001 * step
    assert (back[values == 0] == 0).all()


def test_int8_never_leaves_its_range() -> None:
    values = np.array([1, -1, 0.999999, -0.999999], np.float32)
    codes = np.zeros(4, np.int8)
    for seed in range(300):
        quantise.int8_encode(values, 127.0001, seed, codes)  # as if the rounding of the step went the wrong way
        assert (np.abs(codes.astype(int)) >= 126).all()
        assert (np.sign(codes) == np.sign(values)).all()
        assert codes.min() >= -127


@given(SEEDS, st.sampled_from([8, 16, 32, 256]))
def test_the_transform_equals_its_reference_and_is_its_own_inverse(seed: int, d: int) -> None:
    x = np.random.default_rng(seed).standard_normal(d).astype(np.float32)
    found, expected = x.copy(), x.copy()
    quantise.hadamard(found)
    reference.hadamard(expected)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
    quantise.hadamard(found)
    np.testing.assert_allclose(found / d, x, rtol=1e-4, atol=1e-5)


# Two values have only a few sums, which may all lie on a border; EDEN is for 16 values and more.
@given(SEEDS, SIZES.filter(lambda n: not 0 < n < 16), st.sampled_from([1, 2, 4]), st.sampled_from([1.0, 0.0]))
@example(0, 100, 1, 0.0)  # nothing but zeros
def test_eden_equals_its_reference(seed: int, n: int, bits: int, scale: float) -> None:
    values = draw(seed, n, scale)
    ours, theirs = code(values, bits, seed), code(values, bits, seed, reference)
    np.testing.assert_allclose(ours[0], theirs[0], rtol=1e-3)
    # A value that lies on the border of two intervals may fall to either side.
    assert sum(int(a ^ b).bit_count() for a, b in zip(ours[1], theirs[1], strict=True)) <= 2
    back, twin = np.empty(n, np.float32), np.empty(n, np.float32)
    quantise.eden_decode(ours[1], bits, tables(bits)[1], seed, ours[0], back)
    reference.eden_decode(ours[1], bits, tables(bits)[1], seed, ours[0], twin)
    np.testing.assert_allclose(back, twin, rtol=1e-3, atol=1e-4 * max(1, np.abs(values).max(initial=0)))


def test_several_blocks_are_independent() -> None:
    values = draw(3, 2 * quantise.BLOCK + 40)
    values[quantise.BLOCK : 2 * quantise.BLOCK] *= 1000
    back = sent(values, 4, seed=5)
    for first, last in ((0, 4096), (4096, 8192), (8192, 8232)):
        part = slice(first, last)
        assert np.linalg.norm(back[part] - values[part]) < 0.15 * np.linalg.norm(values[part])
    np.testing.assert_allclose(sent(values[:4096], 4, seed=5), back[:4096])


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_the_error_is_that_of_the_best_quantiser_of_its_bits(bits: int) -> None:
    """Mean square errors of Max (1960), over the square of the values: D / (1 - D) for a scale without bias."""
    lost = {1: 0.3634, 2: 0.1175, 4: 0.009497}[bits]
    values = draw(1, 2 * quantise.BLOCK)
    errors = [np.sum((sent(values, bits, seed) - values) ** 2) for seed in range(10)]
    assert math.isclose(np.mean(errors) / np.sum(values**2), lost / (1 - lost), rel_tol=0.05)


@pytest.mark.parametrize("value", [0.0, 1e-45, 1e-38, 3e38, -3e38])
@pytest.mark.parametrize("bits", [1, 2, 4])
def test_extreme_values_are_never_nan(value: float, bits: int) -> None:
    values = np.full(50, value, np.float32)
    values[3] = 0
    with np.errstate(over="ignore"):  # without JIT, NumPy warns of an infinity
        assert not np.isnan(sent(values, bits, 1)).any()
    back, step = np.empty(50, np.float32), abs(value) / 127
    codes = np.zeros(50, np.int8)
    quantise.int8_encode(values, 1 / step if step > 1e-30 else 0.0, 1, codes)
    quantise.int8_decode(codes, step, back)
    assert np.isfinite(back).all()
