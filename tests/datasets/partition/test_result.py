"""A partition checks itself, has a hash, and survives a trip through its file."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minizerofl_datasets import DataError
from minizerofl_datasets.partition import Partition, deal_like, label_counts, read_partition, split


@pytest.mark.parametrize("rows", [[[0, 1], [1]], [[0, 2], [3]], [[0], [2]], [[-1, 0], [1]]])
def test_a_row_missing_or_used_twice_is_refused(rows):
    with pytest.raises(ValueError, match="exactly once"):
        Partition({str(i): np.array(part) for i, part in enumerate(rows)}, "natural")


@given(st.lists(st.integers(0, 5), min_size=1, max_size=60), st.integers(0, 99))
def test_a_file_gives_back_what_was_written(tmp_path_factory, owners, seed):
    dealt = split(np.zeros(len(owners), np.int64), "natural", owners=[f"zoë {owner}" for owner in owners], seed=seed)
    path = tmp_path_factory.mktemp("split") / "partition.json"
    dealt.write(path)
    back = read_partition(path)
    assert (back.clients, back.method, back.seed, back.sha256()) == (
        dealt.clients,
        "natural",
        seed,
        dealt.sha256(),
    )


def test_a_changed_file_is_refused(tmp_path):
    path = tmp_path / "partition.json"
    split(np.arange(10), "iid", num_clients=2).write(path)
    content = json.loads(path.read_text())
    one, other = content["clients"].values()
    one[0], other[0] = other[0], one[0]
    path.write_text(json.dumps(content))
    with pytest.raises(DataError, match="was changed"):
        read_partition(path)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"version": 1}', '{"version": 2}', "[" * 100_000])
def test_what_is_no_partition_is_refused(tmp_path, content):
    path = tmp_path / "partition.json"
    path.write_text(content)
    with pytest.raises(DataError, match=r"partition\.json") as error:
        read_partition(path)
    assert "\n" not in str(error.value)


@given(st.integers(0, 2**32), st.integers(1, 30))
def test_the_test_set_is_dealt_like_the_training_samples(seed, clients):
    y = np.random.default_rng(seed).choice(4, 400, p=[0.6, 0.2, 0.15, 0.05])
    y_test = np.random.default_rng(seed + 1).choice(5, 100)  # class 4 is nobody's
    train = split(y, "dirichlet", num_clients=clients, seed=seed, alpha=0.3)
    test = deal_like(train, y, y_test, seed)
    assert test.clients == train.clients
    assert test.num_samples == 100
    have, got = label_counts(train, y, 5), label_counts(test, y_test, 5)
    expected = np.bincount(y_test, minlength=5) * have / np.maximum(have.sum(axis=0), 1)
    assert np.abs(got - expected)[:, :4].max() <= 1
    assert test.sha256() == deal_like(train, y, y_test, seed).sha256()
