"""What every data set promises: the validation part, the joined test set, copies, clear errors."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minizerofl_datasets.federated import FederatedDataset


class Counting(FederatedDataset):
    """A set whose sample number i of a client is the number i, so that every sample can be traced."""

    def __init__(self, sizes: dict[str, int], seed: int) -> None:
        self.sizes = sizes
        super().__init__(
            name="counting",
            source="real",
            format="none",
            origin="made up",
            clients=tuple(sorted(sizes)),
            input_shape=(1, 1, 1),
            class_names=("a",),
            transform={"polarity": "none", "formula": "x = i"},
            seed=seed,
        )

    def _read(self, client, split):
        n = self._count(client, split)
        return np.arange(n, dtype=np.float32).reshape(n, 1, 1, 1), np.arange(n)

    def _count(self, client, split):
        return self.sizes[client] if split == "train" else len(client)


names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)
sizes = st.dictionaries(names, st.integers(0, 60), min_size=1, max_size=6)
seeds = st.integers(0, 2**32)


@given(sizes, seeds)
def test_train_and_validation_are_a_partition(sizes, seed):
    data = Counting(sizes, seed)
    for client, n in sizes.items():
        kept, held_out = data.train(client)[1], data.validation(client)[1]
        assert sorted([*kept, *held_out]) == list(range(n))
        assert len(held_out) == n // 10
        assert len(kept) == data.num_train(client)
        np.testing.assert_array_equal(data.train(client)[0].ravel(), kept)


@given(sizes, seeds)
def test_the_partition_depends_on_seed_and_client_alone(sizes, seed):
    """Not on the other clients, nor on the order of calls."""
    data = Counting(sizes, seed)
    for client in reversed(data.clients):
        alone = Counting({client: sizes[client]}, seed)
        np.testing.assert_array_equal(data.validation(client)[1], alone.validation(client)[1])
        np.testing.assert_array_equal(data.train(client)[1], alone.train(client)[1])


def test_the_partition_of_a_known_client_stays_what_it_was():
    """Pinned: a new choice would change every stored run."""
    assert Counting({"f0000_14": 40}, seed=0).validation("f0000_14")[1].tolist() == [7, 8, 9, 26]


def test_seed_and_client_both_matter():
    first, other = Counting({"a": 100, "b": 100}, 0), Counting({"a": 100}, 1)
    assert first.validation("a")[1].tolist() != other.validation("a")[1].tolist()
    assert first.validation("a")[1].tolist() != first.validation("b")[1].tolist()


def test_the_test_set_is_joined_in_the_order_of_clients():
    data = Counting({"bbb": 1, "aa": 1}, 0)
    assert data.test()[1].tolist() == [0, 1, 0, 1, 2]
    assert data.test()[0].shape == (5, 1, 1, 1)
    assert data.num_test("bbb") == len(data.test("bbb")[1]) == 3


def test_a_caller_may_write_to_what_it_gets():
    data = Counting({"a": 30}, 0)
    before = data.train("a")[0].copy()
    data.train("a")[0][:] = -1
    data.validation("a")[0][:] = -1
    np.testing.assert_array_equal(data.train("a")[0], before)


@pytest.mark.parametrize("call", ["train", "validation", "test", "num_train", "num_test"])
def test_an_unknown_client_is_refused(call):
    with pytest.raises(ValueError, match="did you mean 'f0001_41'"):
        getattr(Counting({"f0001_41": 3}, 0), call)("f0001_14")
