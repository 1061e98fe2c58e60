"""Means over classes and clients, against loops that are plainly right."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minizerofl_cli.scores import FEWEST, balanced_accuracy, client_accuracy, majority_class
from minizerofl_datasets import DataError

samples = st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=1, max_size=120)


def _arrays(pairs: list[tuple[int, bool]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([group for group, _ in pairs]), np.array([correct for _, correct in pairs])


def _rates(pairs: list[tuple[int, bool]], fewest: int) -> list[float]:
    of = {group: [correct for each, correct in pairs if each == group] for group, _ in pairs}
    return [sum(correct) / len(correct) for correct in of.values() if len(correct) >= fewest]


@given(samples)
def test_balanced_accuracy(pairs):
    rates = _rates(pairs, fewest=1)
    assert balanced_accuracy(*_arrays(pairs)) == (pytest.approx(sum(rates) / len(rates)), len(rates))


@given(samples)
def test_client_accuracy(pairs):
    rates = _rates(pairs, FEWEST) or _rates(pairs, fewest=1)
    assert client_accuracy(*_arrays(pairs)) == (pytest.approx(sum(rates) / len(rates)), len(rates))


@given(samples)
def test_majority_class(pairs):
    labels, _ = _arrays(pairs)
    majority = majority_class(labels)
    counts = [np.count_nonzero(labels == label) for label in range(6)]
    assert majority.label == counts.index(max(counts))
    assert majority.share == max(counts) / labels.size


def test_no_test_samples():
    with pytest.raises(DataError, match="no test images"):
        majority_class(np.empty(0, np.int64))
