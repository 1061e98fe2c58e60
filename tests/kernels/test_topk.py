"""The top-k kernels against their twins."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from minizerofl.kernels import topk
from minizerofl.kernels.reference import topk as reference

SMALLEST = float(np.nextafter(np.float32(0), np.float32(1)))
# Few different values, so that ties are the rule, and everything that is special among floats.
VALUES = st.sampled_from([0.0, -0.0, 0.5, -0.5, 1.0, -2.0, np.inf, np.nan, SMALLEST])
ARRAYS = st.one_of(
    hnp.arrays(np.float32, st.integers(1, 40), elements=VALUES),
    st.integers(0, 2**32 - 1).map(lambda seed: np.random.default_rng(seed).standard_normal(1000).astype(np.float32)),
)


@given(ARRAYS, st.sampled_from([0.5, 1.0, SMALLEST]), st.integers(1, 1100))
def test_collect_at_least_is_its_twin(x: np.ndarray, cut: float, room: int) -> None:
    results = []
    for module in (topk, reference):
        positions, values = np.zeros(room, np.int32), np.zeros(room, np.float32)
        n = module.collect_at_least(x, np.float32(cut), positions, values)
        results.append((n, positions[: max(n, 0)], values[: max(n, 0)]))
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_collecting_stops_where_the_room_ends() -> None:
    x = np.ones(200, np.float32)
    for room, expected in ((199, -1), (200, 200), (70, -1), (264, 200)):
        got = topk.collect_at_least(x, np.float32(1), np.empty(room, np.int32), np.empty(room, np.float32))
        assert got == expected


@given(st.integers(0, 2**64 - 1))
def test_count_bits_is_its_twin(bits: int) -> None:
    assert topk.count_bits(np.uint64(bits)) == reference.count_bits(np.uint64(bits))


@given(ARRAYS, st.integers(0, 5), st.sampled_from([0.5, 1.0]))
def test_keep_largest_is_its_twin(values: np.ndarray, ties: int, threshold: float) -> None:
    positions = np.arange(values.size, dtype=np.int32) * 3
    results = []
    for module in (topk, reference):
        kept_positions, kept_values = np.zeros(values.size, np.int32), np.zeros(values.size, np.float32)
        module.keep_largest(positions, values, np.float32(threshold), ties, kept_positions, kept_values)
        results.append((kept_positions, kept_values))
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_array_equal(ours, theirs)
