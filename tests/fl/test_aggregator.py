"""Aggregation: weights by samples, one division, and updates that are refused whole."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minizerofl.fl import Aggregator, Codec, Kept, Payload, RefusedError, Schema, TopKDiff, Update


def update(state: dict, n: int, payload: Payload) -> Update:
    return Update("c", n, Codec().encode(payload, Schema.of(state)), 0.0)


@given(st.integers(0, 2**32 - 1), st.integers(1, 6))
def test_the_average_is_weighted_by_samples(seed: int, clients: int) -> None:
    rng = np.random.default_rng(seed)
    values = [rng.standard_normal((2, 3)).astype(np.float32) for _ in range(clients)]
    counts = rng.integers(1, 1000, clients)
    state = {"w": np.zeros((2, 3), np.float32)}
    aggregator = Aggregator(state)
    for n, value in zip(counts, values, strict=True):
        aggregator.fold(update(state, int(n), {"w": value}))
    np.testing.assert_allclose(aggregator.average()["w"], np.average(values, axis=0, weights=counts), atol=1e-6)
    assert (aggregator.num_samples, aggregator.accepted) == (counts.sum(), clients)


STATE = {"a": np.zeros((2, 2), np.float32), "running_var": np.full(2, 0.5, np.float32)}
GOOD = {"a": np.ones((2, 2), np.float32), "running_var": np.ones(2, np.float32)}
BAD: dict[str, tuple[Payload, int, str]] = {
    "nan": ({**GOOD, "a": np.array([[1, np.nan], [1, 1]], np.float32)}, 5, "not finite"),
    "inf, sparse": (
        {**GOOD, "a": Kept((2, 2), np.array([3], np.int32), np.array([np.inf], np.float32))},
        5,
        "not finite",
    ),
    "variance": ({**GOOD, "running_var": np.array([1, -0.1], np.float32)}, 5, "negative variance"),
    "variance in part": (
        {**GOOD, "running_var": Kept((2,), np.array([1], np.int32), np.ones(1, np.float32))},
        5,
        "schema",
    ),
    "no samples": (GOOD, 0, "no samples"),
    "fewer than none": (GOOD, -3, "no samples"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_right_is_refused_whole(case: str) -> None:
    payload, n, reason = BAD[case]
    aggregator = Aggregator(STATE)
    with pytest.raises(RefusedError) as refused:
        aggregator.fold(update(STATE, n, payload))
    assert refused.value.reason == reason
    aggregator.fold(update(STATE, 1, GOOD))
    assert (aggregator.accepted, aggregator.num_samples) == (1, 1)
    for name, value in aggregator.average().items():
        np.testing.assert_array_equal(value, GOOD[name])


def test_a_variance_may_fall_but_not_below_zero() -> None:
    falls = {"a": GOOD["a"], "running_var": np.array([-0.4, -0.5], np.float32)}
    aggregator = Aggregator(STATE, differences=True)
    aggregator.fold(update(STATE, 1, falls))
    with pytest.raises(RefusedError, match="negative variance"):
        aggregator.fold(update(STATE, 1, {**falls, "running_var": np.array([-0.6, 0], np.float32)}))


@given(st.floats(1e-6, 1e6), st.floats(0, 9e-4), st.integers(1, 3))
def test_a_new_variance_is_never_negative(variance: float, excess: float, clients: int) -> None:
    state = {"running_var": np.array([variance, 1.0], np.float32)}
    falls = {"running_var": np.array([-variance * (1 + excess), 0.5], np.float32)}  # the first a little too far
    aggregator = Aggregator(state, differences=True)
    for n in range(1, clients + 1):
        aggregator.fold(update(state, n, falls))
    new = TopKDiff({}).apply(state, aggregator.average())["running_var"]
    assert 0 <= new[0] < 1e-5 * variance
    assert new[1] == 1.5


def test_sums_are_not_rounded_before_the_end() -> None:
    state = {"w": np.zeros(1, np.float32)}
    aggregator = Aggregator(state)
    for value in [1.0, *[2.0**-25] * 1024]:  # in float32 the small ones would vanish beside the first
        aggregator.fold(update(state, 1, {"w": np.array([value], np.float32)}))
    assert aggregator.average()["w"] == np.float32((1 + 1024 * 2.0**-25) / 1025)


def test_entries_that_were_kept_are_counted() -> None:
    aggregator = Aggregator(STATE)
    for positions in ([0], [1, 2, 3]):
        kept = Kept((2, 2), np.array(positions, np.int32), np.ones(len(positions), np.float32))
        aggregator.fold(update(STATE, 1, {**GOOD, "a": kept}))
    assert aggregator.kept == {"a": 4}
