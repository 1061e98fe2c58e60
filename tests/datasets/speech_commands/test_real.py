"""The real recordings: 1,019 clips of bed, cat and happy, ten of each other word, six background noises."""

import numpy as np
import pytest

from minizerofl_datasets import load
from minizerofl_datasets.speech_commands.speakers import speaker_of, split_of

pytestmark = pytest.mark.realdata


@pytest.fixture(scope="module")
def folder(real_data):
    folder = real_data / "speech_commands_v0.01"
    if not folder.is_dir():
        pytest.skip(f"{real_data} has no speech_commands_v0.01")
    return folder


@pytest.fixture(scope="module")
def three_words(folder, real_data, tmp_path_factory):
    """The real clips of three words, with either kind of features."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MINIZEROFL_CACHE", str(tmp_path_factory.mktemp("cache")))
        return {
            name: load(
                "speech_commands", data_dir=real_data, words=("bed", "cat", "happy"), num_clients=20, features=name
            )
            for name in ("log-mel", "mfcc")
        }


@pytest.fixture(scope="module")
def data(three_words):
    return three_words["log-mel"]


def test_counts_are_those_of_the_folder(data, folder):
    files = [path.name for word in data.class_names for path in (folder / word).glob("*.wav")]
    splits = [split_of(speaker_of(name)) for name in files]
    assert len(files) == 1019
    assert len(data.labels["train"]) == splits.count("train") == 797
    assert len(data.labels["test"]) == splits.count("test") == 95
    assert len(data.official_validation()[1]) == splits.count("validation") == 127
    assert len({speaker_of(name) for name in files}) == 183
    assert np.bincount(data.labels["train"]).tolist() == [262, 271, 264]


def test_features_are_scaled_to_the_set(data):
    x = np.concatenate([data.train(client)[0] for client in data.clients])
    assert x.min() == -2
    assert x.max() == 2
    assert abs(x.mean()) < 0.4
    assert 0.9 < x.std() < 1.1


def test_mfcc_are_scaled_to_the_set(three_words):
    data = three_words["mfcc"]
    x = np.concatenate([data.train(client)[0] for client in data.clients])
    assert abs(x.mean()) < 0.2
    assert 0.8 < x.std() < 1.1
    assert 0.3 < x[:, :, 31].std() < x[:, :, 1].std() < 3


def test_the_papers_classes_and_clients_by_speaker(data, real_data):
    twelve = load("speech_commands", data_dir=real_data, partition="natural")
    assert np.bincount(twelve.labels["train"]).tolist() == [6, 5, 6, 6, 5, 7, 6, 5, 6, 6, 917, 97]
    assert len(twelve.labels["test"]) == 145
    assert len(twelve.clients) == 164
    assert all(split_of(client) == "train" for client in twelve.clients)


def test_background_noises_become_energies(data):
    frames = sorted(noise.shape[1] for noise in data.background())
    assert frames == [1876, 1876, 1912, 1915, 1932, 2975]
    x, _ = data.train(data.clients[0])
    assert data.augment(x, np.random.default_rng(0)).max() == 2


@pytest.mark.parametrize("features", ["log-mel", "mfcc"])
def test_three_words_can_be_told_apart(three_words, features):
    """A linear rule on unseen speakers: far above a third."""
    data = three_words[features]
    parts = [data.train(client) for client in data.clients]
    x = np.concatenate([x for x, _ in parts]).reshape(-1, 1024)
    y = np.concatenate([y for _, y in parts])
    test_x, test_y = data.test()
    mean = x.mean(axis=0)
    a, b = x - mean, test_x.reshape(-1, 1024) - mean
    targets = np.eye(3, dtype=np.float32)[y] - np.float32(1 / 3)
    weights = np.linalg.solve(a.T @ a + 3000 * np.eye(1024, dtype=np.float32), a.T @ targets)
    assert ((b @ weights).argmax(axis=1) == test_y).mean() > 0.55
