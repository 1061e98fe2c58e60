"""FEMNIST is found in each documented place, TFF before LEAF, and half a set is an error."""

import pytest

from minizerofl_datasets import DataError, load
from minizerofl_datasets.femnist.files import LEAF_FOLDERS, TFF_FOLDERS, search_files


@pytest.mark.parametrize("below", TFF_FOLDERS)
def test_tff_is_found(tmp_path, write_tff, below):
    write_tff(tmp_path / below, {"f1": 1}, {"f1": 1})
    found = search_files(tmp_path, "auto")
    assert found.format == "tff"
    assert [path.name for path in (*found.train, *found.test)] == ["fed_emnist_train.h5", "fed_emnist_test.h5"]


@pytest.mark.parametrize("below", LEAF_FOLDERS)
def test_leaf_is_found(tmp_path, write_leaf, leaf_entry, below):
    users = {f"f{i}": leaf_entry(f"f{i}", "train", 1) for i in range(3)}
    write_leaf(tmp_path / below, users, users)
    found = search_files(tmp_path, "auto")
    assert (found.format, len(found.train), len(found.test)) == ("leaf", 2, 2)


def test_tff_goes_first_and_leaf_can_be_asked_for(tmp_path, write_tff, write_leaf, leaf_entry):
    write_tff(tmp_path, {"f1": 1}, {"f1": 1})
    write_leaf(tmp_path, {"f2": leaf_entry("f2", "train", 1)}, {"f2": leaf_entry("f2", "test", 1)})
    assert load("femnist", data_dir=tmp_path).clients == ("f1",)
    assert load("femnist", data_dir=tmp_path, format="leaf").clients == ("f2",)
    (tmp_path / "fed_emnist_train.h5").unlink()
    (tmp_path / "fed_emnist_test.h5").unlink()
    with pytest.raises(DataError, match="in the TFF layout"):
        load("femnist", data_dir=tmp_path, format="tff")


@pytest.mark.parametrize("missing", ["train", "test"])
def test_half_of_a_set_is_an_error(tmp_path, write_tff, missing):
    write_tff(tmp_path, {"f1": 1}, {"f1": 1})
    (tmp_path / f"fed_emnist_{missing}.h5").unlink()
    with pytest.raises(DataError, match=f"but not its {missing}"):
        search_files(tmp_path, "auto")


def test_a_file_in_place_of_the_folder_is_an_error(tmp_path):
    (tmp_path / "data").touch()
    with pytest.raises(DataError, match="is not a folder"):
        load("femnist", data_dir=tmp_path / "data")


@pytest.mark.parametrize("layout", ["tff", "leaf"])
def test_test_files_alone_are_enough_to_test(tmp_path, write_tff, write_leaf, leaf_entry, layout):
    """A split by user: other writers are tested than train; the training files may be there or not."""
    sizes = {"f1": 4, "f2": 3, "f9": 2}
    if layout == "tff":
        write_tff(tmp_path, {"f0": 12}, sizes)
    else:
        users = {user: leaf_entry(user, "test", n) for user, n in sizes.items()}
        write_leaf(tmp_path, {"f0": leaf_entry("f0", "train", 12)}, users)
    with pytest.raises(DataError, match="have test images but no training images"):
        load("femnist", data_dir=tmp_path)
    there = load("femnist", data_dir=tmp_path, test_only=True)
    for path in [*tmp_path.rglob("*train*.json"), *tmp_path.rglob("*train*.h5")]:
        path.unlink()
    with pytest.raises(DataError, match="but not its training data"):
        load("femnist", data_dir=tmp_path)
    alone = load("femnist", data_dir=tmp_path, test_only=True)
    for data in (there, alone):
        assert (data.clients, data.test_clients) == ((), ("f1", "f2", "f9"))
        assert [data.num_test(client) for client in data.test_clients] == [4, 3, 2]
        assert len(data.test()[1]) == 9
        assert "test files alone" in data.describe().splitlines()[0]
    assert there.fingerprint() == alone.fingerprint()


def test_training_files_alone_are_not_enough_to_test(tmp_path, write_tff):
    write_tff(tmp_path, {"f0": 12}, {})
    next(tmp_path.rglob("fed_emnist_test.h5")).unlink()
    with pytest.raises(DataError, match="but not its test data"):
        load("femnist", data_dir=tmp_path, test_only=True)
