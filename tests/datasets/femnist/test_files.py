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
