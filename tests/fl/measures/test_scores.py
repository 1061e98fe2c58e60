"""Means over classes and clients, against loops that are plainly right."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minizerofl.fl import ConfigError
from minizerofl.fl.measures.scores import FEWEST, balanced_accuracy, client_accuracy, majority_class

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
    result = client_accuracy(*_arrays(pairs))
    assert (result.mean, result.counted) == (pytest.approx(sum(rates) / len(rates)), len(rates))
    assert result.worst_tenth == pytest.approx(min(rates))  # of at most six clients


@given(st.lists(st.integers(0, 20), min_size=20, max_size=60))
def test_the_worst_tenth(counts):
    clients = np.repeat(np.arange(len(counts)), 20)
    correct = np.concatenate([np.arange(20) < count for count in counts])
    tenth = sorted(counts)[: len(counts) // 10]
    assert client_accuracy(clients, correct).worst_tenth == pytest.approx(sum(tenth) / len(tenth) / 20)


@given(samples)
def test_majority_class(pairs):
    labels, _ = _arrays(pairs)
    majority = majority_class(labels)
    counts = [np.count_nonzero(labels == label) for label in range(6)]
    assert majority.label == counts.index(max(counts))
    assert majority.share == max(counts) / labels.size


def test_no_test_samples():
    with pytest.raises(ConfigError, match="no test samples"):
        majority_class(np.empty(0, np.int64))
