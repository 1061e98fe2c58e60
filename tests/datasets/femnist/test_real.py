"""The readers on real FEMNIST (MINIZEROFL_DATA): the counts, the LEAF repeats, two threads at once."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from minizerofl_datasets import load

pytestmark = pytest.mark.realdata


@pytest.fixture(scope="module")
def tff(real_data):
    return load("femnist", source="real", data_dir=real_data)


def test_the_tff_files(tff):
    assert (tff.format, len(tff.clients)) == ("tff", 300)
    parts = [len(tff.train(client)[1]) + len(tff.validation(client)[1]) for client in tff.clients]
    assert sum(parts) == 41_257
    x, y = tff.test()
    assert x.shape == (4_701, 1, 28, 28)
    assert 0.03 < x.mean() < 0.05  # ink = 1: mostly background 0
    assert 0.6 < (y < 10).mean() < 0.8


def test_two_threads_at_once(tff, real_data):
    clients = tff.clients[:60]
    fresh = load("femnist", data_dir=real_data)
    with ThreadPoolExecutor(2) as pool:
        read = list(pool.map(fresh.train, clients))
    for client, (x, y) in zip(clients, read, strict=True):
        np.testing.assert_array_equal(x, tff.train(client)[0])
        np.testing.assert_array_equal(y, tff.train(client)[1])


def test_the_leaf_files_and_their_repeats(real_data):
    """Each of the five writers has one image twice, in one file next to each other, in another not."""
    clean = load("femnist", data_dir=real_data, format="leaf")
    kept = load("femnist", data_dir=real_data, format="leaf", keep_duplicates=True)
    assert len(clean.clients) == 5
    for client in clean.clients:
        whole = len(kept.train(client)[1]) + len(kept.validation(client)[1])
        assert len(clean.train(client)[1]) + len(clean.validation(client)[1]) == whole - 1
    assert len(clean.test()[1]) == len(kept.test()[1]) == 80


def test_leaf_and_tff_show_the_same_handwriting(tff, real_data):
    leaf = load("femnist", data_dir=real_data, format="leaf")
    client = "f1859_39"
    ours = np.concatenate([leaf.train(client)[0], leaf.validation(client)[0], leaf.test(client)[0]])
    theirs = np.concatenate([tff.train(client)[0], tff.validation(client)[0], tff.test(client)[0]])
    assert ours.shape == theirs.shape
    distance = np.abs(ours[:, None] - theirs[None]).max(axis=(2, 3, 4))
    np.testing.assert_allclose(distance.min(axis=1), 0, atol=1e-5)
