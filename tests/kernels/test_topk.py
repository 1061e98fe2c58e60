"""The top-k kernels against their twins."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from minizerofl.kernels import topk
from minizerofl.kernels.reference import topk as reference

# Few different values, so that ties are the rule, and everything that is special among floats.
VALUES = st.sampled_from([0.0, -0.0, 0.5, -0.5, 1.0, -2.0, np.inf, np.nan, 1e-45])
ARRAYS = st.one_of(
    hnp.arrays(np.float32, st.integers(1, 40), elements=VALUES),
    st.integers(0, 2**32 - 1).map(lambda seed: np.random.default_rng(seed).standard_normal(1000).astype(np.float32)),
)


@given(ARRAYS, st.sampled_from([0.5, 1.0, 1e-45]), st.integers(1, 1100))
def test_collect_at_least_is_its_twin(x: np.ndarray, cut: float, room: int) -> None:
    ours, theirs = np.zeros(room, np.int32), np.zeros(room, np.int32)
    n = topk.collect_at_least(x, np.float32(cut), ours)
    assert n == reference.collect_at_least(x, np.float32(cut), theirs)
    np.testing.assert_array_equal(ours[: max(n, 0)], theirs[: max(n, 0)])


@given(ARRAYS, st.integers(0, 5), st.sampled_from([0.5, 1.0]))
def test_keep_largest_is_its_twin(x: np.ndarray, ties: int, threshold: float) -> None:
    positions = np.flatnonzero(x).astype(np.int32)
    ours, theirs = np.zeros(x.size, np.int32), np.zeros(x.size, np.int32)
    n = topk.keep_largest(x, positions, np.float32(threshold), ties, ours)
    assert n == reference.keep_largest(x, positions, np.float32(threshold), ties, theirs)
    np.testing.assert_array_equal(ours, theirs)
