"""Fingerprints: equal content has equal ones wherever it lies, and a change of any kind has another."""

import os
import shutil

import h5py
import numpy as np
import pytest

from minizerofl_datasets import import_arrays, load
from minizerofl_datasets.federated import FederatedDataset
from minizerofl_datasets.fingerprint import array_checksum, combine, file_checksum
from minizerofl_datasets.partition import split
from minizerofl_datasets.partitioned import PartitionedDataset

X = np.random.default_rng(0).integers(0, 256, (40, 1, 4, 5), dtype=np.uint8)
Y = np.arange(40) % 3
OWNERS = np.array(["al", "bo"])[np.arange(40) // 20]
ARRAYS = {"x": X, "y": Y, "client": OWNERS, "x_test": X[:6], "y_test": Y[:6], "client_test": OWNERS[17:23]}
ARRAYS |= {"class_names": np.array(["a", "b", "c"])}


def one_changed(array, place=-1):
    """The array with one of its values changed, and that only a little."""
    changed = array.copy()
    changed.flat[place] = changed.flat[place] + 1 if changed.flat[place] < 2 else changed.flat[place] - 1
    return changed


def test_what_is_written_differently_has_another_checksum():
    same = [array_checksum(each) for each in (Y, np.asfortranarray(Y), np.repeat(Y, 2)[::2])]
    assert len(set(same)) == 1
    others = [array_checksum(each) for each in (Y, Y.astype(np.int32), Y[:, None], one_changed(Y), Y[:0])]
    assert len(set(others)) == 5
    assert combine("a\ud800") != combine("a")


def imported(tmp_path, **changed):
    np.savez(tmp_path / "a.npz", **{**ARRAYS, **changed})
    import_arrays("mine", tmp_path / "a.npz", replace=True)
    return load("mine").fingerprint()


def test_of_an_imported_set(tmp_path):
    before = imported(tmp_path)
    assert imported(tmp_path) == before
    assert {load("mine", **options).fingerprint() for options in ({"seed": 1}, {"clients": 1})} == {before}
    changes = [{key: one_changed(ARRAYS[key])} for key in ("x", "y", "x_test", "y_test")]
    changes += [{"class_names": np.array(["a", "b", "d"])}, {"client_test": OWNERS[16:22]}]
    assert len({before, *(imported(tmp_path, **change) for change in changes)}) == 7


def test_of_tff_files(tmp_path, write_tff):
    write_tff(tmp_path / "data", {"f0": 12, "f1": 13}, {"f0": 3})
    before = load("femnist", data_dir=tmp_path / "data").fingerprint()
    shutil.copytree(tmp_path / "data", tmp_path / "copy")
    assert load("femnist", data_dir=tmp_path / "copy", seed=1, polarity="raw", clients=1).fingerprint() == before
    assert (
        load("femnist", data_dir=tmp_path / "copy", holdout_writers=1).fingerprint()
        == load("femnist", data_dir=tmp_path / "data", holdout_writers=1).fingerprint()
    )
    for name, key in (("train", "pixels"), ("test", "label")):
        with h5py.File(next((tmp_path / "copy").rglob(f"fed_emnist_{name}.h5")), "r+") as file:
            file["examples"]["f0"][key][-1] = 1
        now = load("femnist", data_dir=tmp_path / "copy").fingerprint()
        assert now != before
        before = now


def test_a_file_is_read_once_and_again_when_it_changes(tmp_path, cache):
    path = tmp_path / "a"
    path.write_bytes(b"one")
    first = file_checksum(path)
    (note,) = (cache / "fingerprints").iterdir()
    note.write_text("f" * 64)
    assert file_checksum(path) == "f" * 64  # the cache is believed
    note.write_text("cut sh")
    assert file_checksum(path) == first
    status = path.stat()
    path.write_bytes(b"two")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    assert file_checksum(path) != first


def test_of_leaf_files(tmp_path, write_leaf, leaf_entry):
    def fingerprint(split="", key="", value=None, seed=0):
        parts = {"train": {"f0": 12, "f1": 13}, "test": {"f0": 3, "f1": 2}}
        users = {part: {user: leaf_entry(user, part, n) for user, n in sizes.items()} for part, sizes in parts.items()}
        if split:
            users[split]["f1"][key][-1] = value
        shutil.rmtree(tmp_path, ignore_errors=True)
        return load("femnist", data_dir=write_leaf(tmp_path, users["train"], users["test"]), seed=seed).fingerprint()

    same = {fingerprint(), fingerprint(seed=3)}
    assert len(same) == 1
    changes = [("train", "y", 7), ("test", "y", 7), ("test", "x", [0.25] * 784)]
    assert len(same | {fingerprint(*change) for change in changes}) == 4


@pytest.mark.parametrize("name", ["femnist", "cifar10", "speech_commands"])
def test_of_a_twin(name):
    prints = [load(name, source="synthetic", seed=seed).fingerprint() for seed in (0, 0, 1)]
    assert prints[0] == prints[1] != prints[2]


class Own(FederatedDataset):
    """A set of a user's own that does not tell about its content."""

    def __init__(self, x):
        super().__init__(
            name="own", source="real", format="none", origin="here", clients=("a", "b"), input_shape=(1, 1, 1),
            class_names=("one",), transform={}, seed=0,
        )  # fmt: skip
        self.x = x

    def _read(self, client, split):
        return self.x[client == "b", :, None, None, None], np.zeros(self.x.shape[1], np.int64)

    def _count(self, client, split):
        return self.x.shape[1]


class Pool(PartitionedDataset):
    """A pool of a user's own that does not tell about its content."""

    def __init__(self, x, y):
        super().__init__(
            name="pool", source="real", format="none", origin="here", input_shape=(1, 1, 1), class_names=("one",),
            transform={}, seed=0, y_train=y, y_test=y, partition=split(y, "iid", num_clients=2),
        )  # fmt: skip
        self.x = x

    def _inputs(self, split, rows, client):
        return self.x[rows, None, None, None]


def test_of_sets_that_do_not_tell():
    x = np.arange(20, dtype=np.float32)
    assert Own(x.reshape(2, 10)).fingerprint() == Own(x.reshape(2, 10)).fingerprint()
    assert Own(x.reshape(2, 10)).fingerprint() != Own(one_changed(x.reshape(2, 10))).fingerprint()
    pools = [(x, Y[:20]), (one_changed(x), Y[:20]), (x, one_changed(Y[:20]))]
    assert len({Pool(*each).fingerprint() for each in pools}) == 3
