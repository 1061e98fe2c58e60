"""The majority class."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minizerofl_cli.runs.majority import majority_class
from minizerofl_datasets import DataError


@given(st.lists(st.integers(0, 5), min_size=1, max_size=120))
def test_majority_class(drawn):
    labels = np.array(drawn)
    majority = majority_class(labels)
    counts = [np.count_nonzero(labels == label) for label in range(6)]
    assert majority.label == counts.index(max(counts))
    assert majority.share == max(counts) / labels.size


def test_no_test_samples():
    with pytest.raises(DataError, match="no test images"):
        majority_class(np.empty(0, np.int64))
