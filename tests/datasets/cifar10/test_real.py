"""The reader on real CIFAR-10 (MINIZEROFL_DATA): counts, labels, the channels' means, a first batch."""

import numpy as np
import pytest

from minizerofl_datasets import load

pytestmark = pytest.mark.realdata


@pytest.fixture(scope="module")
def cifar(real_data):
    return load("cifar10", source="real", data_dir=real_data)


def test_counts_and_labels(cifar):
    assert len(cifar.labels["train"]) in (20_000, 50_000)
    assert np.bincount(cifar.labels["test"]).tolist() == [1000] * 10
    assert cifar.labels["train"][:5].tolist() == [6, 9, 9, 4, 1]  # frog, truck, truck, deer, automobile
    assert cifar.labels["test"][:5].tolist() == [3, 8, 8, 0, 6]


def test_normalisation_centres_the_training_pictures(cifar):
    some = np.concatenate([cifar.train(client)[0] for client in cifar.clients[:20]])
    np.testing.assert_allclose(some.mean(axis=(0, 2, 3)), 0, atol=0.1)
    np.testing.assert_allclose(some.std(axis=(0, 2, 3)), 1, atol=0.1)


def test_a_batch_is_a_client_of_its_own(cifar):
    sizes = {cifar.num_train(client) + len(cifar.validation(client)[1]) for client in cifar.clients}
    assert sizes == {len(cifar.labels["train"]) // 100}
    assert len(cifar.test()[1]) == 10_000
