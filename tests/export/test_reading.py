"""Weights from files: what fits is taken to the bit, what does not is refused in one line."""

from pathlib import Path

import numpy as np
import pytest

from minizerofl import nn
from minizerofl.export import export_model, read_weights
from minizerofl.export.layout import outputs_first
from minizerofl.export.reading import weights_digest
from minizerofl.fl import ModelFileError, save_model
from minizerofl.models import build


@pytest.fixture
def layer() -> nn.Module:
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(8, 3))


def theirs(layer: nn.Module) -> dict[str, np.ndarray]:
    return outputs_first(layer, layer.state_dict())


@pytest.mark.parametrize("name", ["femnist_cnn", "resnet18"])
def test_a_model_file_a_run_directory_and_an_export_give_the_same(name, random_model, tmp_path):
    saved = random_model(name)
    save_model(tmp_path / "model.h5", saved)
    export_model(saved, tmp_path / "all.npz", "npz", dense=True)
    model = build(name, **saved.arguments)
    for path in (tmp_path, tmp_path / "model.h5", str(tmp_path / "all.npz")):
        state = read_weights(path, model)
        assert all(np.array_equal(state[each], saved.state[each]) for each in saved.state)
        model.load_state_dict(state)


CHANGES = {
    "lacks the tensor 3.weight, expected one of shape \\(3, 8\\)": lambda state: state.pop("3.weight"),
    "3.weight has shape \\(8, 3\\), expected \\(3, 8\\)": lambda state: state.update({"3.weight": np.ones((8, 3))}),
    "0.weight has shape \\(1, 3, 3, 2\\), expected \\(2, 1, 3, 3\\)": lambda state: state.update(
        {"0.weight": np.ones((1, 3, 3, 2))}
    ),
    "has a tensor head.weight of shape \\(2,\\)": lambda state: state.update({"head.weight": np.ones(2)}),
    "3.bias is int64, expected float32": lambda state: state.update({"3.bias": np.ones(3, np.int64)}),
    "3.bias is <U1, expected float32": lambda state: state.update({"3.bias": np.array(["a"] * 3)}),
    "3.bias has NaN or infinite": lambda state: state.update({"3.bias": np.array([np.nan, 0, 0])}),
    "3.bias has NaN or infinite values, expected": lambda state: state.update({"3.bias": np.array([1e99, 0, 0])}),
}


@pytest.mark.parametrize("message", CHANGES)
def test_what_does_not_fit_is_named(message, layer, tmp_path):
    state = theirs(layer)
    CHANGES[message](state)
    np.savez(tmp_path / "w.npz", **state)
    with pytest.raises(ModelFileError, match=message) as caught:
        read_weights(tmp_path / "w.npz", layer)
    assert "\n" not in str(caught.value)


def test_float64_and_a_counter_of_pytorch_are_taken(layer, tmp_path):
    state = {name: value.astype(np.float64) for name, value in theirs(layer).items()}
    np.savez(tmp_path / "w.npz", **state, **{"1.num_batches_tracked": np.array(5)})
    found = read_weights(tmp_path / "w.npz", layer)
    assert {value.dtype for value in found.values()} == {np.dtype(np.float32)}
    layer.load_state_dict(found)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no zip", b"\x93NUMPY"])
def test_what_cannot_be_read_is_refused(content, layer, tmp_path):
    (tmp_path / "w.npz").write_bytes(content)
    with pytest.raises(ModelFileError, match="cannot be read"):
        read_weights(tmp_path / "w.npz", layer)


def test_objects_in_a_file_are_not_unpickled(layer, tmp_path):
    np.savez(tmp_path / "w.npz", **{"0.weight": np.array([Path], object)})
    with pytest.raises(ModelFileError, match="cannot be read"):
        read_weights(tmp_path / "w.npz", layer)


@pytest.mark.parametrize("name", ["w.onnx", "w", "w.ckpt"])
def test_another_suffix_is_refused(name, layer, tmp_path):
    with pytest.raises(ModelFileError, match="expected one of these"):
        read_weights(tmp_path / name, layer)


def test_there_is_nothing(layer, tmp_path):
    for path in (tmp_path, tmp_path / "none.h5", tmp_path / "none.npz"):
        with pytest.raises(ModelFileError, match="cannot be read"):
            read_weights(path, layer)
        with pytest.raises(ModelFileError, match="cannot be read"):
            weights_digest(path)
