"""The update kernels against the reference kernels."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minizerofl.kernels import update
from minizerofl.kernels.reference import update as reference

SIZES = st.sampled_from([0, 1, 7, 64, 1000])
SEEDS = st.integers(0, 2**32 - 1)
UNIT = st.floats(0, 1, width=32)
DTYPES = st.sampled_from([np.float32, np.float64])


def same_effect(name: str, arrays: list[np.ndarray], *numbers: object) -> None:
    """Run kernel and twin on copies: all arrays must agree afterwards, and the gradient be as it was."""
    dtype = arrays[0].dtype
    ours, theirs = [a.copy() for a in arrays], [a.copy() for a in arrays]
    getattr(update, name)(*ours, *numbers)
    getattr(reference, name)(*theirs, *numbers)
    eps = np.finfo(dtype).eps
    for a, b in zip(ours, theirs, strict=True):
        assert a.dtype == b.dtype == dtype
        np.testing.assert_allclose(a, b, rtol=20 * eps, atol=20 * eps)
    np.testing.assert_array_equal(ours[1], arrays[1])


def draw(seed: int, size: int, count: int, dtype: type) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(size).astype(dtype) for _ in range(count)]


@given(seed=SEEDS, size=SIZES, lr=UNIT, decay=UNIT, dtype=DTYPES)
def test_sgd_equals_its_reference(seed: int, size: int, lr: float, decay: float, dtype: type) -> None:
    same_effect("sgd", draw(seed, size, 2, dtype), dtype(lr), dtype(decay))


@given(seed=SEEDS, columns=SIZES, lr=UNIT, dtype=DTYPES)
def test_sgd_rows_equals_its_reference_and_leaves_all_other_rows_alone(
    seed: int, columns: int, lr: float, dtype: type
) -> None:
    rng = np.random.default_rng(seed)
    w, g = (rng.standard_normal((n, columns)).astype(dtype) for n in (9, 4))
    rows = np.sort(rng.choice(9, 4, replace=False)).astype(np.int32)
    ours, theirs = w.copy(), w.copy()
    update.sgd_rows(ours, rows, g, dtype(lr))
    reference.sgd_rows(theirs, rows, g, dtype(lr))
    np.testing.assert_allclose(ours, theirs, rtol=20 * np.finfo(dtype).eps, atol=20 * np.finfo(dtype).eps)
    np.testing.assert_array_equal(np.delete(ours, rows, 0), np.delete(w, rows, 0))


@given(seed=SEEDS, size=SIZES, lr=UNIT, momentum=UNIT, decay=UNIT, nesterov=st.booleans(), dtype=DTYPES)
def test_sgd_momentum_equals_its_reference(
    seed: int, size: int, lr: float, momentum: float, decay: float, nesterov: bool, dtype: type
) -> None:
    same_effect("sgd_momentum", draw(seed, size, 3, dtype), dtype(lr), dtype(momentum), dtype(decay), nesterov)


@given(seed=SEEDS, size=SIZES, rates=st.tuples(UNIT, UNIT, UNIT, UNIT), dtype=DTYPES)
def test_adam_equals_its_reference(seed: int, size: int, rates: tuple[float, ...], dtype: type) -> None:
    *arrays, square = draw(seed, size, 4, dtype)
    step_size, rate1, rate2, decay = rates
    numbers = update.AdamRates(*(dtype(n) for n in (step_size, rate1, rate2, 1.5, 0.1, decay)))
    same_effect("adam", [*arrays, square * square], numbers)


@pytest.mark.parametrize("name", ["sgd", "sgd_momentum"])
def test_plain_sgd_is_exact_where_nothing_rounds(name: str) -> None:
    w, g = np.array([1.0, -2.0], np.float32), np.array([4.0, 8.0], np.float32)
    zero, quarter = np.float32(0), np.float32(0.25)
    if name == "sgd":
        update.sgd(w, g, quarter, zero)
    else:
        update.sgd_momentum(w, g, np.zeros_like(w), quarter, zero, zero, False)
    np.testing.assert_array_equal(w, [0.0, -4.0])
