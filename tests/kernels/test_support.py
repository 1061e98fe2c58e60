"""The kernels of fixed masks against the reference kernels."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from minizerofl.kernels import support
from minizerofl.kernels.reference import support as reference

SEEDS = st.integers(0, 2**32 - 1)
DTYPES = st.sampled_from([np.float32, np.float64])


def some(rng: np.random.Generator, size: int) -> np.ndarray:
    return np.flatnonzero(rng.random(size) < rng.random()).astype(np.int32)


@given(SEEDS, DTYPES, st.integers(0, 30))
def test_take_equals_its_reference(seed: int, dtype: type, size: int) -> None:
    rng = np.random.default_rng(seed)
    x, positions = rng.standard_normal(size).astype(dtype), some(rng, size)
    ours, theirs = (np.full(positions.size, np.nan, dtype) for _ in range(2))
    support.take(x, positions, ours)
    reference.take(x, positions, theirs)
    np.testing.assert_array_equal(ours, theirs)


@given(SEEDS, DTYPES, st.integers(0, 30))
def test_put_equals_its_reference(seed: int, dtype: type, size: int) -> None:
    rng = np.random.default_rng(seed)
    positions = some(rng, size)
    values, ours, theirs = (
        rng.standard_normal(positions.size).astype(dtype),
        np.zeros(size, dtype),
        np.zeros(size, dtype),
    )
    support.put(values, positions, ours)
    reference.put(values, positions, theirs)
    np.testing.assert_array_equal(ours, theirs)


@given(SEEDS, DTYPES, st.integers(0, 30), st.sampled_from([0.0, 0.5]))
def test_sgd_at_equals_its_reference(seed: int, dtype: type, size: int, decay: float) -> None:
    rng = np.random.default_rng(seed)
    w, positions = rng.standard_normal(size).astype(dtype), some(rng, size)
    g = (rng.standard_normal(positions.size) * (rng.random(positions.size) < 0.7)).astype(dtype)
    ours, theirs = (w.copy(), w[positions]), (w.copy(), w[positions])
    support.sgd_at(ours[0], positions, ours[1], g, dtype(0.1), dtype(decay))
    reference.sgd_at(theirs[0], positions, theirs[1], g, dtype(0.1), dtype(decay))
    for our, their in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(our, their, rtol=8 * np.finfo(dtype).eps, atol=8 * np.finfo(dtype).eps)
    np.testing.assert_array_equal(ours[0][positions], ours[1])
