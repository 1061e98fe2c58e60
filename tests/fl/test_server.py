"""Aggregation: weights by samples, one division, updates that are not finite."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minizerofl.fl import Aggregator, Kept, Update


@given(st.integers(0, 2**32 - 1), st.integers(1, 6))
def test_the_average_is_weighted_by_samples(seed: int, clients: int) -> None:
    rng = np.random.default_rng(seed)
    values = [rng.standard_normal((2, 3)).astype(np.float32) for _ in range(clients)]
    counts = rng.integers(1, 1000, clients)
    aggregator = Aggregator({"w": np.zeros((2, 3), np.float32)})
    for n, value in zip(counts, values, strict=True):
        aggregator.fold(Update("c", int(n), {"w": value}, 0.0))
    np.testing.assert_allclose(aggregator.average()["w"], np.average(values, axis=0, weights=counts), atol=1e-6)
    assert aggregator.num_samples == counts.sum()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("sparse", [True, False])
def test_an_update_that_is_not_finite_is_refused_whole(bad: float, sparse: bool) -> None:
    state = {"a": np.zeros(2, np.float32), "b": np.zeros(2, np.float32)}
    wrong = np.array([bad], np.float32)
    payload = {
        "a": np.ones(2, np.float32),
        "b": Kept((2,), np.array([1], np.int32), wrong) if sparse else np.append(wrong, np.float32(0)),
    }
    aggregator = Aggregator(state)
    aggregator.fold(Update("bad", 5, payload, 0.0))
    aggregator.fold(Update("good", 1, {"a": np.ones(2, np.float32), "b": np.ones(2, np.float32)}, 0.0))
    assert (aggregator.refused, aggregator.accepted, aggregator.num_samples) == (["bad"], ["good"], 1)
    assert aggregator.average()["b"].tolist() == [1, 1]
