"""Means over classes and clients, against loops that are plainly right."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minizerofl.fl import ConfigError
from minizerofl.fl.measures.scores import balanced_accuracy, client_accuracy, majority_class

samples = st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=1, max_size=120)


def _arrays(pairs: list[tuple[int, bool]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([group for group, _ in pairs]), np.array([correct for _, correct in pairs])


def _rates(pairs: list[tuple[int, bool]]) -> list[float]:
    of = {group: [correct for each, correct in pairs if each == group] for group, _ in pairs}
    return [sum(correct) / len(correct) for correct in of.values()]


@given(samples)
def test_balanced_accuracy(pairs):
    rates = _rates(pairs)
    assert balanced_accuracy(*_arrays(pairs)) == (pytest.approx(sum(rates) / len(rates)), len(rates))


@given(samples)
def test_client_accuracy(pairs):
    rates = sorted(_rates(pairs))
    result = client_accuracy(*_arrays(pairs))
    assert (result.clients, result.mean) == (len(rates), pytest.approx(sum(rates) / len(rates)))
    assert result.worst_5_percent == pytest.approx(rates[0])  # of at most six clients
    below, above = rates[: len(rates) // 10 + 1][-1], rates[: len(rates) // 10 + 2][-1]
    assert below <= result.p10 <= above + 1e-12


@given(st.lists(st.integers(0, 20), min_size=1, max_size=130))
def test_the_worst_5_percent_are_whole_clients(counts):
    clients = np.repeat(np.arange(len(counts)), 20)
    correct = np.concatenate([np.arange(20) < count for count in counts])
    worst = sorted(counts)[: -(-len(counts) // 20)]
    assert client_accuracy(clients, correct).worst_5_percent == pytest.approx(sum(worst) / len(worst) / 20)


def test_clients_with_few_samples_count_like_the_others():
    """Two clients with 20 samples, all wrong, and 298 with 14, of which 10 are right."""
    clients = np.repeat(np.arange(300), [20] * 2 + [14] * 298)
    correct = np.concatenate([np.zeros(40, bool), np.tile(np.arange(14) < 10, 298)])
    result = client_accuracy(clients, correct)
    assert (result.clients, result.mean) == (300, pytest.approx(298 / 300 * 10 / 14))
    assert (result.p10, result.worst_5_percent) == (pytest.approx(10 / 14), pytest.approx(13 / 15 * 10 / 14))


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
