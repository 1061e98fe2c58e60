"""Model files: round trip, and refusing whatever is not whole."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minizerofl.fl import ModelFileError, SavedModel, load_model, save_model
from minizerofl.models import femnist_cnn


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "model.h5"
    state = {"w": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.ones(2, np.float32)}
    save_model(path, SavedModel("femnist_cnn", {"sparsity": 0.5}, state, {"source": "synthetic"}))
    return path


def test_what_was_saved_is_loaded(saved: Path) -> None:
    model = load_model(saved)
    assert (model.name, model.arguments, model.about) == ("femnist_cnn", {"sparsity": 0.5}, {"source": "synthetic"})
    assert list(model.state) == ["w", "b"] or sorted(model.state) == ["b", "w"]
    np.testing.assert_array_equal(model.state["w"], np.arange(6, dtype=np.float32).reshape(2, 3))
    assert not list(saved.parent.glob("*.part"))


def test_a_loaded_model_builds_itself(tmp_path: Path) -> None:
    model = femnist_cnn(num_classes=3, sparsity=0.9, seed=4)
    save_model(tmp_path / "m.h5", SavedModel("femnist_cnn", {"num_classes": 3, "sparsity": 0.9}, model.state_dict()))
    again = load_model(tmp_path / "m.h5").build()
    for (name, value), other in zip(model.state_dict().items(), again.state_dict().values(), strict=True):
        np.testing.assert_array_equal(value, other, err_msg=name)


@given(st.data())
def test_damage_is_found_before_hdf5_sees_the_file(
    saved: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    content = bytearray(saved.read_bytes())
    if data.draw(st.booleans(), label="truncate"):
        content = content[: data.draw(st.integers(0, len(content) - 1))]
    else:
        header = 60  # the rest of the block is padding
        at = data.draw(st.integers(0, header - 1) | st.integers(512, len(content) - 1))
        content[at] ^= data.draw(st.integers(1, 255))
    damaged = tmp_path_factory.mktemp("damaged") / "model.h5"
    damaged.write_bytes(content)
    with pytest.raises(ModelFileError, match=r"not a minizerofl model|damaged|format version"):
        load_model(damaged)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"nothing\.h5: cannot be read"):
        load_model(tmp_path / "nothing.h5")


def test_a_save_that_fails_leaves_the_older_file(saved: Path) -> None:
    before = saved.read_bytes()
    (saved.parent / "model.h5.part").mkdir()
    with pytest.raises(OSError, match=r"model\.h5\.part"):
        save_model(saved, SavedModel("femnist_cnn", {}, {"w": np.zeros(3, np.float32)}))
    assert saved.read_bytes() == before
    (saved.parent / "model.h5.part").rmdir()
