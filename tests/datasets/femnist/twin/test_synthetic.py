"""The synthetic twin: deterministic, like the real set in shapes and statistics, neither trivial nor hopeless."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minizerofl_datasets import load


@pytest.fixture(scope="module")
def twin():
    return load("femnist", source="synthetic")


@pytest.fixture(scope="module")
def images(twin):
    """Ink images, labels and writer numbers of every second writer's training part."""
    parts = [twin.train(client) for client in twin.clients[::2]]
    x = np.concatenate([x[:, 0] for x, _ in parts])
    return x, np.concatenate([y for _, y in parts]), np.repeat(np.arange(len(parts)), [len(y) for _, y in parts])


def test_it_says_that_it_is_synthetic(twin):
    assert (twin.source, twin.format, twin.name) == ("synthetic", "synthetic", "femnist")
    assert "SYNTHETIC" in twin.describe().splitlines()[0]
    assert all(client.startswith("synthetic-") for client in twin.clients)
    assert len(twin.clients) == 300
    assert list(twin.clients) == sorted(twin.clients)


@settings(max_examples=8)
@given(st.integers(0, 2**32), st.integers(0, 40))
def test_a_writer_depends_on_seed_and_number_alone(seed, number):
    few, many = (load("femnist", source="synthetic", seed=seed, clients=n) for n in (number + 1, 60))
    client = few.clients[-1]
    many.test()  # reading others first changes nothing
    for call in ("train", "validation", "test"):
        for one, other in zip(getattr(few, call)(client), getattr(many, call)(client), strict=True):
            np.testing.assert_array_equal(one, other)
    assert few.num_train(client) == len(few.train(client)[1])
    assert few.num_test(client) == len(few.test(client)[1])


def test_another_seed_is_another_set():
    one, other = (load("femnist", source="synthetic", seed=seed, clients=1).test()[0] for seed in (0, 1))
    assert one.shape != other.shape or (one != other).any()


def test_shapes_and_ranges(twin):
    x, y = twin.test()
    assert (x.shape[1:], x.dtype, y.dtype) == ((1, 28, 28), np.float32, np.int64)
    assert x.min() == 0
    assert x.max() == 1
    assert set(y) == set(range(62))


def test_polarity_turns_grey_levels_round(twin):
    paper = load("femnist", source="synthetic", polarity="raw", clients=1)
    np.testing.assert_allclose(paper.test()[0], 1 - twin.test(twin.clients[0])[0], atol=1e-6)
    assert paper.test()[0].mean() > 0.9


def test_sizes_are_like_the_real_set(twin):
    """Real: 137.5 +- 37 training and 15.7 test images a writer."""
    train = np.array([twin.num_train(client) / 0.9 for client in twin.clients])
    test = np.array([twin.num_test(client) for client in twin.clients])
    assert 125 < train.mean() < 150
    assert 20 < train.std() < 50
    assert 14 < test.mean() < 17


def test_statistics_are_like_the_real_set(images):
    """Real: ink .0385, glyphs 10.5 +- 2.3 high and 8.4 +- 2.7 wide, 71 % digits."""
    x, y, writer = images
    inked = x > 0.3
    height, width = inked.any(axis=2).sum(axis=1), inked.any(axis=1).sum(axis=1)
    assert 0.033 < x.mean() < 0.044
    assert 9.5 < height.mean() < 11.5
    assert 1.5 < height.std() < 2.8
    assert 7.2 < width.mean() < 9.2
    assert 2.0 < width.std() < 3.2
    assert 0.66 < (y < 10).mean() < 0.76
    shares = [(y[writer == w] < 10).mean() for w in range(writer.max() + 1)]
    assert 0.02 < np.std(shares) < 0.2


def test_a_nearest_mean_is_neither_perfect_nor_hopeless(images):
    """On writers it has not seen: real .40, so the twin is a little easier."""
    x, y, writer = images
    x, seen = x.reshape(len(x), -1), writer % 4 != 0
    means = np.stack([x[seen & (y == label)].mean(axis=0) for label in range(62)])
    guess = ((means**2).sum(axis=1) - 2 * x[~seen] @ means.T).argmin(axis=1)
    assert 0.38 < (guess == y[~seen]).mean() < 0.6


def test_writers_have_hands_of_their_own(images):
    """Two images of a class by one writer are more alike than two by different writers."""
    x, y, writer = images
    three = np.flatnonzero(y == 3)
    distance = ((x[three, None] - x[None, three[:60]]) ** 2).sum(axis=(2, 3))
    same = writer[three][:, None] == writer[three[:60]][None]
    assert distance[same & (distance > 0)].mean() < 0.8 * distance[~same].mean()
