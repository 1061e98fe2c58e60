"""The TFF reader on files written here: values, polarity, laziness, threads, and every kind of damage it can see."""

from concurrent.futures import ThreadPoolExecutor

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minizerofl_datasets import DataError, load


@pytest.mark.parametrize("polarity", ["ink", "raw"])
def test_images_and_labels_come_back_as_stored(tmp_path, write_tff, pixels, polarity):
    write_tff(tmp_path, {"f2": 25, "f1": 7}, {"f1": 3, "f2": 0})
    data = load("femnist", data_dir=tmp_path, polarity=polarity)
    assert (data.name, data.source, data.format, data.clients) == ("femnist", "real", "tff", ("f1", "f2"))
    assert (data.input_shape, len(data.class_names), data.class_names[10]) == ((1, 28, 28), 62, "A")
    assert data.transform["polarity"] == polarity

    stored = pixels("f2", "train", 25)
    expected = (1 - stored if polarity == "ink" else stored)[:, None]
    x, y = (np.concatenate(parts) for parts in zip(data.train("f2"), data.validation("f2"), strict=True))
    assert (x.dtype, y.dtype, len(data.validation("f2")[1])) == (np.float32, np.int64, 2)
    np.testing.assert_array_equal(x[np.argsort(y)], expected)  # the labels are 0, 1, 2, ...

    assert data.test("f2")[0].shape == (0, 1, 28, 28)
    assert data.test()[1].tolist() == [0, 1, 2]
    assert "real data" in data.describe().splitlines()[0]


@given(st.integers(1, 4))
def test_the_first_clients_in_sorted_order_are_kept(tmp_path_factory, write_tff, n):
    sizes = {f"f{i}": 20 for i in (3, 0, 2, 1)}
    folder = write_tff(tmp_path_factory.mktemp("tff"), sizes, sizes)
    some, all_four = load("femnist", data_dir=folder, clients=n), load("femnist", data_dir=folder)
    assert some.clients == all_four.clients[:n]
    assert len(some.test()[1]) == 20 * n
    for client in some.clients:
        np.testing.assert_array_equal(some.train(client)[0], all_four.train(client)[0])


def test_more_clients_than_writers_is_refused(tmp_path, write_tff):
    write_tff(tmp_path, {"f1": 1}, {"f1": 1})
    with pytest.raises(ValueError, match="the files hold 1 writers"):
        load("femnist", data_dir=tmp_path, clients=2)


def test_loading_reads_no_client(tmp_path, write_tff):
    write_tff(tmp_path, {"good": 12, "bad": 12}, {"good": 1})
    with h5py.File(tmp_path / "fed_emnist_train.h5", "r+") as file:
        file["examples/bad/pixels"][0] = 7
    data = load("femnist", data_dir=tmp_path)
    assert len(data.train("good")[1]) == data.num_train("good") == 11
    assert data.num_test("bad") == len(data.test("bad")[1]) == 0
    with pytest.raises(DataError, match=r"fed_emnist_train\.h5, client bad: pixels run from 0 to 7"):
        data.train("bad")


def test_many_threads_read_the_same_as_one(tmp_path, write_tff):
    sizes = {f"f{i:02}": 15 for i in range(40)}  # more than the cache keeps
    data = load("femnist", data_dir=write_tff(tmp_path, sizes, sizes))
    alone = [data.train(client)[0].sum() for client in data.clients]
    again = load("femnist", data_dir=tmp_path)
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda client: again.train(client)[0].sum(), data.clients)) == alone


def _spoil(entry, kind):
    replacements = {
        "NaN": ("pixels", np.full((3, 28, 28), np.nan, np.float32)),
        "negative": ("pixels", np.full((3, 28, 28), -0.1, np.float32)),
        "bytes": ("pixels", np.ones((3, 28, 28), np.uint8)),
        "flat": ("pixels", np.ones((3, 784), np.float32)),
        "too few": ("pixels", np.ones((2, 28, 28), np.float32)),
        "label 62": ("label", np.array([0, 1, 62], np.int32)),
        "label -1": ("label", np.array([0, 1, -1], np.int32)),
        "float labels": ("label", np.zeros(3, np.float32)),
        "column": ("label", np.zeros((3, 1), np.int32)),
        "no pixels": ("pixels", None),
        "no labels": ("label", None),
    }
    key, value = replacements[kind]
    del entry[key]
    if value is not None:
        entry[key] = value


@pytest.mark.long
@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("NaN", "pixels run from nan"),
        ("negative", "pixels run from -0.1"),
        ("bytes", "'pixels' is uint8"),
        ("flat", r"\(3, 784\), expected float32 \(3, 28, 28\)"),
        ("too few", r"\(2, 28, 28\), expected float32 \(3, 28, 28\)"),
        ("label 62", "labels run from 0 to 62"),
        ("label -1", "labels run from -1 to 1"),
        ("float labels", "'label' is float32"),
        ("column", r"'label' is int32 \(3, 1\)"),
        ("no pixels", "needs the data sets"),
        ("no labels", "needs the data sets"),
    ],
)
@pytest.mark.parametrize("split", ["train", "test"])
def test_a_spoilt_client_is_named(tmp_path, write_tff, kind, says, split):
    write_tff(tmp_path, {"f1": 3}, {"f1": 3})
    with h5py.File(tmp_path / f"fed_emnist_{split}.h5", "r+") as file:
        _spoil(file["examples/f1"], kind)
    data = load("femnist", data_dir=tmp_path)
    with pytest.raises(DataError, match=says) as error:
        data.train("f1") if split == "train" else data.test()
    assert f"fed_emnist_{split}.h5, client f1" in str(error.value)
    assert "\n" not in str(error.value)


def test_truncated_files_are_refused_at_every_length(tmp_path, write_tff):
    write_tff(tmp_path, {"f1": 3}, {"f1": 3})
    path = tmp_path / "fed_emnist_train.h5"
    whole = path.read_bytes()
    for length in (0, 1, 8, 100, 800, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(DataError, match=r"fed_emnist_train\.h5: cannot be read as HDF5") as error:
            load("femnist", data_dir=tmp_path)
        assert "\n" not in str(error.value)


def test_a_file_that_vanishes_is_a_data_error(tmp_path, write_tff):
    data = load("femnist", data_dir=write_tff(tmp_path, {"f1": 3}, {"f1": 3}))
    (tmp_path / "fed_emnist_train.h5").unlink()
    with pytest.raises(DataError, match="does not exist"):
        data.train("f1")


@pytest.mark.parametrize(("content", "says"), [("none", "no group 'examples'"), ("empty", "hold no writers")])
def test_a_foreign_file_is_refused(tmp_path, write_tff, content, says):
    write_tff(tmp_path, {}, {})
    with h5py.File(tmp_path / "fed_emnist_train.h5", "w") as file:
        if content == "empty":
            file.create_group("examples")
    with pytest.raises(DataError, match=says):
        load("femnist", data_dir=tmp_path)


def test_writers_in_the_test_file_alone_are_refused(tmp_path, write_tff):
    write_tff(tmp_path, {"f1": 1}, {"f1": 1, "f9": 1})
    with pytest.raises(DataError, match="the first f9, have test images but no training images"):
        load("femnist", data_dir=tmp_path)


def _twist(entry, kind):
    pixels = entry["pixels"][()]
    del entry["pixels"]
    if kind == "a link":
        entry["pixels"] = h5py.SoftLink("/examples/f2/pixels")
    elif kind == "a virtual array":
        layout = h5py.VirtualLayout(pixels.shape, "f4")
        layout[:] = h5py.VirtualSource(".", "/examples/f1/pixels", pixels.shape)
        entry.create_virtual_dataset("pixels", layout)
    elif kind == "in another file":
        entry.create_dataset("pixels", pixels.shape, "f4", external=[("/etc/passwd", 0, pixels.nbytes)])
    elif kind == "not hold that much":
        entry.create_dataset("pixels", (10**9, 28, 28), "f4", chunks=(1000, 28, 28))
    elif kind == "no array":
        entry["pixels"] = h5py.Empty("f4")


@pytest.mark.parametrize("kind", ["a link", "a virtual array", "in another file", "not hold that much", "no array"])
@pytest.mark.parametrize("split", ["train", "test"])
def test_what_is_not_a_plain_array_in_the_file_is_refused_at_once(tmp_path, write_tff, kind, split):
    write_tff(tmp_path, {"f1": 3, "f2": 3}, {"f1": 3, "f2": 3})
    with h5py.File(tmp_path / f"fed_emnist_{split}.h5", "r+") as file:
        _twist(file["examples/f1"], kind)
    with pytest.raises(DataError, match=rf"fed_emnist_{split}\.h5, client f1: 'pixels' .*{kind}") as error:
        load("femnist", data_dir=tmp_path)
    assert "\n" not in str(error.value)


def test_a_writer_within_itself_is_refused(tmp_path, write_tff):
    write_tff(tmp_path, {"f1": 3}, {"f1": 3})
    with h5py.File(tmp_path / "fed_emnist_train.h5", "r+") as file:
        file["examples/f2"] = file["examples"]
    with pytest.raises(DataError, match="client f2: needs the data sets"):
        load("femnist", data_dir=tmp_path).train("f2")


def test_a_file_is_looked_through_once_and_again_when_it_changes(tmp_path, write_tff, cache):
    write_tff(tmp_path, {"f1": 3}, {"f1": 3})
    load("femnist", data_dir=tmp_path)
    marks = set((cache / "inspected").iterdir())
    assert len(marks) == 2
    load("femnist", data_dir=tmp_path)
    assert set((cache / "inspected").iterdir()) == marks
    with h5py.File(tmp_path / "fed_emnist_train.h5", "r+") as file:
        _twist(file["examples/f1"], "a virtual array")
    with pytest.raises(DataError, match="is a virtual array"):
        load("femnist", data_dir=tmp_path)
    assert set((cache / "inspected").iterdir()) == marks


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path, write_tff):
    data = load("femnist", data_dir=write_tff(tmp_path, {"f1": 3}, {"f1": 3}))
    with h5py.File(tmp_path / "fed_emnist_train.h5", "r+") as file:
        _twist(file["examples/f1"], "in another file")
    with pytest.raises(DataError, match="client f1: 'pixels' keeps its data in another file"):
        data.train("f1")
