"""Rules that keep groups of weights: whole filters, whole channels, equal shares of outputs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minizerofl.sparse.structured import Channel, FanIn, Kernel

SEEDS = st.integers(0, 2**32 - 1)
SHAPES = st.tuples(st.integers(1, 5), st.integers(1, 3), st.integers(1, 3), st.integers(1, 6)) | st.tuples(
    st.integers(1, 9), st.integers(1, 9)
)
SHARES = st.floats(0, 1)


def mask(rule, w: np.ndarray, k: int) -> np.ndarray:
    kept = np.zeros(w.size, np.bool_)
    kept[rule().select({"w": w}, {"w": k})["w"]] = True
    return kept.reshape(w.shape)


@pytest.mark.parametrize("rule", [Kernel, Channel])
@given(SEEDS, SHAPES, SHARES)
def test_groups_are_kept_whole_and_the_best_first(rule, seed: int, shape: tuple[int, ...], share: float) -> None:
    w = np.random.default_rng(seed).standard_normal(shape).astype(np.float32)
    k = int(share * w.size)
    kept = mask(rule, w, k)
    axes = rule().axes(w.ndim)
    groups = kept.any(axis=axes)
    np.testing.assert_array_equal(groups, kept.all(axis=axes))
    scores = (w.astype(float) ** 2).sum(axis=axes)
    assert scores[groups].min(initial=np.inf) >= scores[~groups].max(initial=0) * (1 - 1e-6)
    assert groups.sum() == k * groups.size // w.size


@given(SEEDS, SHAPES, SHARES)
def test_every_output_keeps_the_same_number_of_its_largest_weights(
    seed: int, shape: tuple[int, ...], share: float
) -> None:
    w = np.random.default_rng(seed).standard_normal(shape).astype(np.float32)
    k = int(share * w.size)
    kept = mask(FanIn, w, k).reshape(-1, shape[-1])
    assert set(kept.sum(axis=0)) == {k // shape[-1]}
    magnitude = np.abs(w).reshape(kept.shape)
    inside, outside = np.where(kept, magnitude, np.inf).min(axis=0), np.where(kept, 0, magnitude).max(axis=0)
    assert np.all(inside >= outside)


def test_zeros_and_nan_are_never_kept() -> None:
    w = np.array([[0.0, np.nan], [0.0, 2.0]], np.float32)
    np.testing.assert_array_equal(FanIn().select({"w": w}, {"w": 4})["w"], [3])
