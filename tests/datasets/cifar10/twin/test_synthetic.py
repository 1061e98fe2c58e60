"""The synthetic twin of CIFAR-10: deterministic, shaped like the real set, learnable but not linearly, by client."""

import numpy as np
import pytest

from minizerofl_datasets import load
from minizerofl_datasets.cifar10.twin.things import PARTS, things


@pytest.fixture(scope="module")
def twin():
    return load("cifar10", source="synthetic", partition="iid")


def test_shapes_and_names(twin):
    assert twin.clients[0] == "synthetic-0000"
    assert len(twin.clients) == 100
    assert twin.describe().startswith("cifar10: SYNTHETIC data, drawn by a program (not photographs)")
    x, y = twin.train("synthetic-0000")
    assert (x.shape, x.dtype, y.dtype) == ((180, 3, 32, 32), np.float32, np.int64)
    assert -2.5 < x.min() < -1
    assert 1 < x.max() < 2.8
    assert sum(twin.num_test(client) for client in twin.clients) == 2000


def test_a_client_is_the_same_whenever_it_is_asked_for(twin):
    again = load("cifar10", source="synthetic", partition="iid", clients=9)
    other = load("cifar10", source="synthetic", partition="iid", seed=1, clients=9)
    for call in ("train", "validation", "test"):
        x = getattr(twin, call)("synthetic-0007")[0]
        np.testing.assert_array_equal(getattr(again, call)("synthetic-0007")[0], x)
        theirs = getattr(other, call)("synthetic-0007")[0]
        assert theirs.shape != x.shape or not np.array_equal(theirs, x)


def test_training_and_test_pictures_differ(twin):
    train, test = (getattr(twin, call)("synthetic-0003")[0] for call in ("train", "test"))
    distance = np.abs(test[:, None] - train[None]).mean(axis=(2, 3, 4))
    assert distance.min() > 0.1
    rows = np.arange(10)  # the same labels in both pools
    assert not np.array_equal(*(twin.pixels(split, rows, "synthetic-0003") for split in ("train", "test")))


def test_all_things_are_there_and_fit():
    table = things()
    assert table.count.min() >= 2
    assert np.abs(table.centre).max() <= 1
    visible = np.abs(np.linalg.det(table.axes)) > 0
    assert 7 <= visible.sum(axis=1).min() <= visible.sum(axis=1).max() <= PARTS


def ridge(train, y, test):
    """Guess labels by least squares on standardised features."""
    mean, spread = train.mean(axis=0), train.std(axis=0) + 1e-3
    a, b = (np.hstack([(part - mean) / spread, np.ones((len(part), 1))]) for part in (train, test))
    weights = np.linalg.solve(a.T @ a + 300 * np.eye(a.shape[1]), a.T @ (2 * np.eye(10)[y] - 1))
    return (b @ weights).argmax(axis=1)


def one_layer(x, filters):
    """A convolution with fixed filters, ReLU, and the mean over each quarter of the picture."""
    patches = np.lib.stride_tricks.sliding_window_view(x, (6, 6), axis=(2, 3))[:, :, ::2, ::2]
    patches = patches.transpose(0, 2, 3, 1, 4, 5).reshape(-1, 108)  # (n, 3, 14, 14, 6, 6) -> (n * 196, 108)
    patches = patches - patches.mean(axis=1, keepdims=True)
    patches /= np.sqrt(patches.var(axis=1, keepdims=True) + 0.05)
    out = np.maximum(patches @ filters - 3, 0).reshape(len(x), 2, 7, 2, 7, -1)
    return out.mean(axis=(2, 4)).reshape(len(x), -1)  # (n, 2, 7, 2, 7, filters) -> (n, 4 * filters)


@pytest.fixture(scope="module")
def samples(twin):
    parts = [twin.train(client) for client in twin.clients[:18]]
    return np.concatenate([x for x, _ in parts]), np.concatenate([y for _, y in parts])


def test_a_linear_classifier_is_clearly_worse_than_one_layer_of_a_network(samples):
    """On clients it has not seen. Real CIFAR-10 with as many pictures: about .35 and .50."""
    x, y = samples
    seen = np.arange(len(x)) < 14 * 180
    rng = np.random.default_rng(0)
    filters = np.stack(
        [x[rng.integers(2000), :, r : r + 6, c : c + 6].ravel() for r, c in rng.integers(0, 27, (150, 2))]
    )
    filters = filters - filters.mean(axis=1, keepdims=True)
    filters = (filters / (np.linalg.norm(filters, axis=1, keepdims=True) + 1e-3)).T
    small = x.reshape(len(x), 3, 16, 2, 16, 2).mean(axis=(3, 5)).reshape(len(x), -1)  # -> (n, 768): halved
    linear = (ridge(small[seen], y[seen], small[~seen]) == y[~seen]).mean()
    layer = np.concatenate([one_layer(part, filters) for part in np.split(x, 18)])
    network = (ridge(layer[seen], y[seen], layer[~seen]) == y[~seen]).mean()
    assert 0.2 < linear < 0.5
    assert network > linear + 0.1


def test_clients_differ(samples):
    """The mean colours of one client's halves are more alike than those of two clients."""
    colours = samples[0].mean(axis=(2, 3)).reshape(18, 2, 90, 3).mean(axis=2)
    within = np.linalg.norm(colours[:, 0] - colours[:, 1], axis=1).mean()
    between = np.linalg.norm(colours[:, None, 0] - colours[None, :, 1], axis=2)[~np.eye(18, dtype=bool)].mean()
    assert between > 3 * within


def test_a_small_client_may_have_no_test_pictures():
    data = load("cifar10", source="synthetic", num_clients=2000, clients=12)
    without = [client for client in data.clients if data.num_test(client) == 0]
    assert without
    assert data.test(without[0])[0].shape == (0, 3, 32, 32)
    assert len(data.test()[1]) == sum(map(data.num_test, data.clients))
