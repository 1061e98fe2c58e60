"""A pool with a partition behaves as a federated data set."""

import numpy as np
import pytest

from minizerofl_datasets.partition import split
from minizerofl_datasets.partitioned import PartitionedDataset


class Numbers(PartitionedDataset):
    """Sample i of a pool is the number i, negative in the test pool, so that every sample can be traced."""

    def _inputs(self, split, rows, client):
        x = rows.astype(np.float32).reshape(-1, 1, 1, 1)
        return x if split == "train" else -x - 1


@pytest.fixture
def make():
    def make(method="dirichlet", *, clients=None, num_clients=7, **options):
        y = np.arange(203) % 4
        return Numbers(
            name="numbers",
            source="real",
            format="none",
            origin="made up",
            input_shape=(1, 1, 1),
            class_names=("a", "b", "c", "d"),
            transform={"formula": "x = i"},
            seed=3,
            y_train=y,
            y_test=np.arange(40) % 4,
            partition=split(y, method, num_clients=num_clients, seed=3, **options),
            clients=clients,
        )

    return make


def test_all_clients_together_have_every_sample_once(make):
    data = make()
    seen = [x for client in data.clients for part in (data.train, data.validation) for x in part(client)[0].ravel()]
    assert sorted(seen) == list(range(203))
    assert sorted(data.test()[0].ravel()) == list(range(-40, 0))
    assert sum(data.num_test(client) for client in data.clients) == 40


def test_labels_go_with_their_samples(make):
    data = make()
    for client in data.clients:
        x, y = data.train(client)
        np.testing.assert_array_equal(x.ravel() % 4, y)
        x, y = data.test(client)
        np.testing.assert_array_equal((-x.ravel() - 1) % 4, y)


def test_leaving_clients_out_moves_nothing(make):
    whole, part = make(), make(clients=3)
    assert part.clients == whole.clients[:3]
    for client in part.clients:
        np.testing.assert_array_equal(part.train(client)[0], whole.train(client)[0])
        np.testing.assert_array_equal(part.test(client)[0], whole.test(client)[0])


def test_it_describes_its_partition(make):
    assert make(alpha=0.5).describe().splitlines() == [
        "numbers: real data, made up",
        "7 clients, 4 classes, input 1x1x1, x = i",
        "validation: 10 % of each client's training samples, seed 3",
        "partition: dirichlet (alpha 0.5, prior classes), 7 clients with 29 training samples each, seed 3",
    ]


def test_augment_is_the_identity(make):
    x = np.ones((2, 1, 1, 1), np.float32)
    assert make().augment(x, np.random.default_rng(0)) is x


def test_too_many_clients_are_refused(make):
    with pytest.raises(ValueError, match="clients=8, but the partition has 7"):
        make(clients=8)


def test_a_partition_of_another_pool_is_refused(make):
    data = make()
    with pytest.raises(ValueError, match="deals 203 samples, but numbers has 100"):
        Numbers(
            name="numbers",
            source="real",
            format="none",
            origin="",
            input_shape=(1, 1, 1),
            class_names=("a",),
            transform={"formula": ""},
            seed=0,
            y_train=np.zeros(100, np.int64),
            y_test=np.zeros(1, np.int64),
            partition=data.partition,
        )
