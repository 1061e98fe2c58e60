"""load("speech_commands"): the classes, the split, every partition, and clear refusals."""

import numpy as np
import pytest

from minizerofl_datasets import DataError, load
from minizerofl_datasets.choices import METHODS


@pytest.fixture(scope="module")
def folder(tmp_path_factory, recordings, write_folder):
    folder = tmp_path_factory.mktemp("data")
    write_folder(folder / "speech_commands_v0.01", recordings)
    return folder


def read(data) -> tuple[np.ndarray, np.ndarray]:
    """All training samples, validation parts too."""
    parts = [getattr(data, part)(client) for client in data.clients for part in ("train", "validation")]
    return np.concatenate([x for x, _ in parts]), np.concatenate([y for _, y in parts])


def test_the_first_line_says_real_and_where_from(folder):
    data = load("speech_commands", data_dir=folder, num_clients=2)
    first = data.describe().splitlines()[0]
    assert (data.name, data.source, data.format) == ("speech_commands", "real", "folder")
    assert "real data" in first
    assert "v0.01" in first
    assert str(folder) in first
    assert data.input_shape == (1, 32, 32)


def test_the_papers_classes(folder):
    """13 words, 2 training speakers, twice: 40 keywords and 12 unknown, 5 silent; 20 + 6 test clips."""
    data = load("speech_commands", data_dir=folder, num_clients=3)
    assert len(data.class_names) == 12
    x, y = read(data)
    assert np.bincount(y).tolist() == [4] * 10 + [12, 5]
    assert (x.dtype, x.shape[1:]) == (np.float32, (1, 32, 32))
    assert (x[y == 11] == -2).all()
    assert np.bincount(data.test()[1]).tolist() == [2] * 10 + [6]
    x, y = data.official_validation()
    assert np.bincount(y).tolist() == [2] * 10 + [6]
    assert len(x) == 26


def test_a_choice_of_words(folder):
    data = load("speech_commands", data_dir=folder, num_clients=2, words=("happy", "bed"))
    assert data.class_names == ("happy", "bed")
    assert np.bincount(read(data)[1]).tolist() == [4, 4]
    assert np.bincount(data.test()[1]).tolist() == [2, 2]


@pytest.mark.parametrize("partition", METHODS)
def test_every_sample_is_used_once(folder, partition):
    options = {} if partition == "natural" else {"num_clients": 4}
    min_size = {"min_size": 3} if partition == "dirichlet-min" else {}
    data = load("speech_commands", data_dir=folder, partition=partition, seed=3, **options, **min_size)
    x, y = read(data)
    assert np.bincount(y).tolist() == [4] * 10 + [12, 5]
    spoken = x[y != 11].reshape(52, -1)
    assert len(np.unique(spoken, axis=0)) == 52
    assert all(data.num_train(client) > 0 for client in data.clients)
    assert sum(data.num_test(client) for client in data.clients) == len(data.test()[1]) == 26


def test_clients_by_speaker(folder):
    data = load("speech_commands", data_dir=folder, partition="natural")
    assert data.clients == ("012c8314", "01648c51")
    assert [len(data.partition.rows(client)) for client in data.clients] == [29, 28]  # 26 spoken, 3 and 2 silent


def test_a_label_belongs_to_its_features(folder):
    """The same clip has the same features under every partition, and its own label."""
    one = load("speech_commands", data_dir=folder, words=("bed", "cat", "happy"), num_clients=2)
    other = load("speech_commands", data_dir=folder, words=("bed", "cat", "happy"), partition="natural")
    known = {x.tobytes(): y for x, y in zip(*read(one), strict=True)}
    assert len(known) == 12
    for x, y in zip(*read(other), strict=True):
        assert known[x.tobytes()] == y


def test_augmentation_is_an_option(folder):
    plain, noisy = (
        load("speech_commands", data_dir=folder, num_clients=2, augment=augment) for augment in (False, True)
    )
    x, _ = plain.train(plain.clients[0])
    assert plain.augment(x, np.random.default_rng(0)) is x
    assert (noisy.augment(x, np.random.default_rng(0)) != x).any()
    assert plain.transform["augmentation"] == "none"
    assert "noise" in noisy.transform["augmentation"]


@pytest.mark.parametrize("source", ["real", "synthetic"])
def test_the_kind_of_features_is_an_option(folder, source):
    where = {"source": source, **({"data_dir": folder} if source == "real" else {})}
    where |= {"num_clients": 2 if source == "real" else 100, "clients": 1}
    kinds = {name: load("speech_commands", features=name, **where) for name in ("log-mel", "mfcc")}
    assert kinds["log-mel"].transform == load("speech_commands", **where).transform
    x, y = zip(*(data.train(data.clients[0]) for data in kinds.values()), strict=True)
    np.testing.assert_array_equal(*y)
    assert x[0].shape == x[1].shape
    assert not np.array_equal(*x)
    silent = y[1] == 11
    assert silent.any()
    assert (x[1][silent][:, :, 0] == -2).all()
    assert not x[1][silent][:, :, 1:].any()
    noisy = kinds["mfcc"].augment(x[1], np.random.default_rng(0))
    assert noisy.shape == x[1].shape
    assert (noisy != x[1]).any()
    assert "DCT" in kinds["mfcc"].transform["formula"]
    assert "MFCC" in kinds["mfcc"].transform["features"]
    assert "DCT" in kinds["mfcc"].describe()


def test_a_set_without_noises_is_only_shifted(tmp_path, recordings, write_folder):
    words = {name: content for name, content in recordings.items() if not name.startswith("_")}
    write_folder(tmp_path / "speech_commands_v0.01", words)
    data = load("speech_commands", data_dir=tmp_path, num_clients=2)
    x, _ = data.train(data.clients[0])
    assert data.augment(x, np.random.default_rng(0)).shape == x.shape


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"words": "al"}, "did you mean 'all'"),
        ({"words": ("bed", "catt")}, "did you mean 'cat'"),
        ({"version": "v0.1"}, "did you mean 'v0.01'"),
        ({"words": ("bed", "learn"), "version": "v0.01"}, "words='learn'"),
        ({"words": ("bed", "learn")}, "words='learn'"),
        ({"features": "mfc"}, "did you mean 'mfcc'"),
        ({"partition": "dirichle"}, "did you mean 'dirichlet'"),
        ({"alpha": 0.0, "num_clients": 2}, "alpha=0.0"),
        ({"polarity": "raw"}, "polarity is not an option"),
        ({"num_clients": 58}, "num_clients=58"),
    ],
)
def test_bad_arguments_are_refused_in_one_line(folder, options, says):
    with pytest.raises(ValueError, match=says) as error:
        load("speech_commands", data_dir=folder, **options)
    assert "\n" not in str(error.value)


def test_a_class_without_clips_is_refused(folder):
    with pytest.raises(DataError, match="no training clips of dog") as error:
        load("speech_commands", data_dir=folder, words=("bed", "dog"))
    assert "\n" not in str(error.value)


def test_a_set_without_test_speakers_is_refused(tmp_path, recordings, write_folder):
    files = {name: content for name, content in recordings.items() if "0c40e715" not in name}
    write_folder(tmp_path / "speech_commands_v0.01", files)
    with pytest.raises(DataError, match="no test clips"):
        load("speech_commands", data_dir=tmp_path)


@pytest.mark.parametrize("version", ["auto", "v0.02"])
def test_real_without_data_says_how_to_get_it(monkeypatch, tmp_path, version):
    monkeypatch.delenv("MINIZEROFL_DATA", raising=False)
    for where in (None, tmp_path):
        with pytest.raises(DataError) as error:
            load("speech_commands", source="real", data_dir=where, version=version)
        for word in ("speech_commands_v0.01.tar.gz", "https://", "--data-dir", "MINIZEROFL_DATA", "Speech Commands"):
            assert word in str(error.value)
        assert "\n" not in str(error.value)


def test_the_cache_is_found_without_a_folder(monkeypatch, cache, recordings, write_archive):
    monkeypatch.delenv("MINIZEROFL_DATA", raising=False)
    assert load("speech_commands", num_clients=2).source == "synthetic"
    write_archive(cache / "data" / "speech_commands_v0.01.tar.gz", recordings)
    data = load("speech_commands", num_clients=2)
    assert (data.source, data.format) == ("real", "archive")


def test_the_fastest_way_to_a_batch_reads_no_recording(folder, monkeypatch):
    load("speech_commands", data_dir=folder, num_clients=2)
    built = []
    data = load("speech_commands", data_dir=folder, num_clients=2, progress=lambda *step: built.append(step))
    assert len(data.train(data.clients[0])[1])
    assert not built


def test_the_fingerprint_is_of_the_recordings_wherever_they_lie(tmp_path, recordings, write_folder, write_archive, wav):
    def fingerprint(name, files, **options):
        write = write_archive if name.endswith(".gz") else write_folder
        write(tmp_path / name / "speech_commands_v0.01" if write is write_folder else tmp_path / name, files)
        place = tmp_path / name if write is write_folder else (tmp_path / name).parent
        return load("speech_commands", data_dir=place, num_clients=2, **options).fingerprint()

    first = fingerprint("one", recordings)
    assert fingerprint("archive/speech_commands_v0.01.tar.gz", recordings, partition="iid", seed=1) == first
    clip = next(name for name in recordings if "silence" not in name and "noise" not in name)
    changed = bytearray(recordings[clip])
    changed[-2] ^= 1  # the lowest bit of the last sample: the features are the same as float16, or nearly
    assert fingerprint("two", {**recordings, clip: bytes(changed)}) != first
