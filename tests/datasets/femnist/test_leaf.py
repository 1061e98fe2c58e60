"""The LEAF reader on files written here: values, repeated images, several files, malformed files."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minizerofl_datasets import DataError, load


def _everything(data, client):
    """All training labels of a client, in no particular order."""
    return sorted([*data.train(client)[1], *data.validation(client)[1]])


def test_the_same_images_come_out_as_from_tff(tmp_path, write_tff, write_leaf, leaf_entry):
    sizes = {"f3": 12, "f1": 4, "f2": 31}
    write_tff(tmp_path, sizes, sizes)
    write_leaf(
        tmp_path,
        {writer: leaf_entry(writer, "train", n) for writer, n in sizes.items()},
        {writer: leaf_entry(writer, "test", n) for writer, n in sizes.items()},
    )
    tff, leaf = (load("femnist", data_dir=tmp_path, format=format) for format in ("tff", "leaf"))
    assert leaf.clients == tff.clients
    assert "LEAF" in leaf.describe().splitlines()[0]
    for client in tff.clients:
        for call in ("train", "validation", "test"):
            for ours, theirs in zip(getattr(leaf, call)(client), getattr(tff, call)(client), strict=True):
                assert ours.dtype == theirs.dtype
                np.testing.assert_array_equal(ours, theirs)
        assert leaf.num_train(client) == tff.num_train(client)


@given(st.integers(1, 15), st.data())
def test_a_repeated_image_is_kept_once_and_first_in_training(tmp_path_factory, write_leaf, leaf_entry, n, data):
    train, test = leaf_entry("f1", "train", n), leaf_entry("f1", "test", 4)
    source, split = data.draw(st.integers(0, n - 1)), data.draw(st.sampled_from(["train", "test"]))
    target = train if split == "train" else test
    at = data.draw(st.integers(0, len(target["y"])))
    for key in "xy":
        target[key].insert(at, train[key][source])
    folder = write_leaf(tmp_path_factory.mktemp("leaf"), {"f1": train}, {"f1": test})

    clean = load("femnist", data_dir=folder)
    assert _everything(clean, "f1") == list(range(n))
    assert clean.test()[1].tolist() == [0, 1, 2, 3]
    kept = load("femnist", data_dir=folder, keep_duplicates=True)
    assert len(_everything(kept, "f1")) + len(kept.test()[1]) == n + 5


def test_equal_images_of_two_writers_or_two_labels_are_no_duplicates(tmp_path, write_leaf, leaf_entry):
    one = leaf_entry("f1", "train", 1)
    twice = {"x": one["x"] * 2, "y": [1, 2]}
    write_leaf(tmp_path, {"f1": one, "f2": twice}, {"f1": leaf_entry("f1", "test", 1)})
    data = load("femnist", data_dir=tmp_path)
    assert [data.num_train(client) for client in data.clients] == [1, 2]
    assert [data.num_test(client) for client in data.clients] == [1, 0]


def test_a_caller_may_write_to_what_it_gets(tmp_path, write_leaf, leaf_entry):
    write_leaf(tmp_path, {"f1": leaf_entry("f1", "train", 1)}, {"f1": leaf_entry("f1", "test", 3)})
    data = load("femnist", data_dir=tmp_path, polarity="raw")
    for part in data.test("f1"):
        part[:] = 9
    assert data.test("f1")[0].max() <= 1
    assert data.test("f1")[1].tolist() == [0, 1, 2]


def _spoil(content, kind):
    entry = content["user_data"]["f1"]
    if kind == "no users":
        del content["users"]
    elif kind == "a list":
        return [content]
    elif kind == "too few counts":
        content["num_samples"] = []
    elif kind == "wrong count":
        content["num_samples"] = [4]
    elif kind == "no data":
        content["user_data"] = {}
    elif kind == "short row":
        entry["x"][1] = entry["x"][1][:-1]
    elif kind == "short rows":
        entry["x"] = [row[:-1] for row in entry["x"]]
    elif kind == "words":
        entry["x"][1][0] = "ink"
    elif kind == "NaN":
        entry["x"][1][0] = float("nan")
    elif kind == "huge":
        entry["x"][1][0] = 1e300
    elif kind == "no float":
        entry["x"][1][0] = 10**400
    elif kind == "label 62":
        entry["y"][0] = 62
    elif kind == "surrogate":
        content["users"], content["user_data"] = ["f\ud800"], {"f\ud800": entry}
    elif kind == "half a label":
        entry["y"][0] = 0.5
    return content


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("no users", "is not LEAF's layout"),
        ("a list", "is not LEAF's layout"),
        ("too few counts", "is not LEAF's layout"),
        ("wrong count", "client f1: has 3 labels, but num_samples says 4"),
        ("no data", "client f1: is not LEAF's layout"),
        ("short row", "client f1: is not LEAF's layout"),
        ("short rows", r"client f1: 'x' has shape \(3, 783\)"),
        ("words", "client f1: is not LEAF's layout"),
        ("NaN", "client f1: pixels run from nan"),
        ("huge", "client f1: pixels run from 0 to inf"),
        ("no float", "client f1: is not LEAF's layout"),
        ("label 62", "client f1: labels run from 1 to 62"),
        ("surrogate", "surrogates not allowed"),
        ("half a label", "client f1: 'y' is float64"),
    ],
)
def test_a_malformed_file_is_named(tmp_path, write_leaf, leaf_entry, kind, says):
    write_leaf(tmp_path, {"f1": leaf_entry("f1", "train", 3)}, {"f1": leaf_entry("f1", "test", 1)})
    path = tmp_path / "train" / "all_data_0_train_9.json"
    path.write_text(json.dumps(_spoil(json.loads(path.read_text()), kind)))
    with pytest.raises(DataError, match=says) as error:
        load("femnist", data_dir=tmp_path)
    assert "all_data_0_train_9.json" in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("content", [b"", b'{"users": ["f1"], "num_sam', b"\xff\xfe", b"[" * 100_000])
def test_what_is_not_json_is_refused(tmp_path, write_leaf, leaf_entry, content):
    write_leaf(tmp_path, {"f1": leaf_entry("f1", "train", 3)}, {"f1": leaf_entry("f1", "test", 1)})
    (tmp_path / "train" / "all_data_0_train_9.json").write_bytes(content)
    with pytest.raises(DataError, match="cannot be read as JSON"):
        load("femnist", data_dir=tmp_path)


def test_a_user_in_two_files_is_refused(tmp_path, write_leaf, leaf_entry):
    write_leaf(tmp_path, {"f1": leaf_entry("f1", "train", 3)}, {"f1": leaf_entry("f1", "test", 1)})
    first = tmp_path / "train" / "all_data_0_train_9.json"
    (tmp_path / "train" / "all_data_1_train_9.json").write_bytes(first.read_bytes())
    with pytest.raises(DataError, match="is in an earlier file too"):
        load("femnist", data_dir=tmp_path)


def test_a_split_by_user_is_refused_with_a_hint(tmp_path, write_leaf, leaf_entry):
    write_leaf(tmp_path, {"f1": leaf_entry("f1", "train", 3)}, {"f2": leaf_entry("f2", "test", 1)})
    with pytest.raises(DataError, match="-t sample"):
        load("femnist", data_dir=tmp_path)
