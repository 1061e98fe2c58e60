"""The exact top-k: how many, which, ties, zeros and NaN."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from minizerofl.sparse import selection
from minizerofl.sparse.selection import count_kept, top_k

SMALLEST = float(np.nextafter(np.float32(0), np.float32(1)))
SPECIAL = st.sampled_from([0.0, -0.0, 1.0, -1.0, 2.0, np.inf, -np.inf, np.nan, SMALLEST, 3.0])
TIED = hnp.arrays(np.float32, hnp.array_shapes(max_dims=4, max_side=5), elements=SPECIAL)


def naive(x: np.ndarray, k: int) -> np.ndarray:
    """Sort by falling magnitude, stably, and take the first k that count."""
    magnitude = np.abs(x.reshape(-1).astype(np.float64))
    magnitude[np.isnan(magnitude)] = 0
    order = np.argsort(-magnitude, kind="stable")
    return np.sort(order[magnitude[order] > 0][:k])


@given(TIED, st.integers(0, 30))
def test_top_k_among_ties_zeros_and_nan(x: np.ndarray, k: int) -> None:
    positions = top_k(x, k)
    assert positions.dtype == np.int32
    np.testing.assert_array_equal(positions, naive(x, k))


@given(st.integers(0, 2**32 - 1), st.sampled_from([np.float32, np.float64]), st.sampled_from([0, 1, 7, 5000, 90_000]))
def test_top_k_of_more_values_than_the_sample(seed: int, dtype: type, k: int) -> None:
    x = np.random.default_rng(seed).standard_normal(90_000).astype(dtype)
    np.testing.assert_array_equal(top_k(x, k), naive(x, k))


@pytest.mark.parametrize("kind", ["constant", "rectified", "background", "rows", "sorted", "misleading"])
def test_top_k_of_large_buffers_as_training_makes_them(kind: str) -> None:
    rng = np.random.default_rng(1)
    x = rng.standard_normal(200_000).astype(np.float32)
    if kind == "constant":
        x[:] = 1
    elif kind == "rectified":
        x = np.maximum(x, 0)
    elif kind == "background":
        x = np.where(x > -0.5, np.float32(1), x)
    elif kind == "rows":  # trained weights are skewed: few rows hold most of the largest
        x = (x.reshape(200, 1000) * np.geomspace(1, 1e4, 200)[:, None]).astype(np.float32)
    elif kind == "sorted":
        x = np.sort(x)
    else:  # what the strided sample sees is the largest: the cut is too high, and a second pass is needed
        step = max(1, x.size // selection.SAMPLE) | 1
        x[::step] = 100
    for k in (10, 10_000, 150_000):
        np.testing.assert_array_equal(top_k(x, k), naive(x, k))


def test_top_k_does_not_mind_memory_order() -> None:
    x = np.random.default_rng(0).standard_normal((30, 40)).astype(np.float32)
    np.testing.assert_array_equal(top_k(x.T, 50), naive(x.T.copy(), 50))
    np.testing.assert_array_equal(top_k(x[::2, ::3], 50), naive(x[::2, ::3].copy(), 50))


@pytest.mark.parametrize(
    ("numel", "sparsity", "ratio", "kept"),
    [(100, 0.95, 0, 5), (100, 0.95, 0.2, 25), (101, 0.95, 0, 6), (7, 0, 0, 7), (10, 0.1, 0.5, 10), (0, 0.5, 0, 0)],
)
def test_count_kept(numel: int, sparsity: float, ratio: float, kept: int) -> None:
    assert count_kept(numel, sparsity, ratio) == kept


@given(st.integers(0, 10**7), st.sampled_from([0.5, 0.8, 0.9, 0.95, 0.99]))
def test_count_kept_has_no_rounding_noise(hundreds: int, sparsity: float) -> None:
    assert count_kept(100 * hundreds, sparsity) == round(100 * (1 - sparsity)) * hundreds


@pytest.mark.parametrize(("sparsity", "ratio"), [(1.0, 0), (-0.1, 0), (float("nan"), 0), (0.5, -0.1), (0.5, 1.1)])
def test_count_kept_refuses_what_makes_no_sense(sparsity: float, ratio: float) -> None:
    with pytest.raises(ValueError, match="expected 0 <="):
        count_kept(10, sparsity, ratio)
