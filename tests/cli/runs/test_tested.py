"""`minizerofl eval` on other data than the model's own: unseen clients of another folder, or an imported set."""

import json
import re

import numpy as np
import pytest

from minizerofl.fl import SavedModel, load_model, save_model
from minizerofl_datasets import import_arrays

X = np.random.default_rng(0).integers(0, 256, (40, 28, 28), np.uint8)
Y = np.arange(40) % 5


def write_leaf(folder, users):
    (folder / "test").mkdir(parents=True)
    content = {
        "users": list(users),
        "num_samples": list(users.values()),
        "user_data": {u: {"x": (X[:n].reshape(n, 784) / 255).tolist(), "y": Y[:n].tolist()} for u, n in users.items()},
    }
    (folder / "test" / "all_data.json").write_text(json.dumps(content))
    return folder


def write_imported(folder, **arrays):
    np.savez(folder / "scans.npz", **{"x": X, "y": Y, **arrays})
    import_arrays("scans", folder / "scans.npz", replace=True)


@pytest.fixture(scope="module")
def model(finished_run, tmp_path_factory):
    """The model of a run, said to be one of real data."""
    saved = load_model(finished_run.path / "model.h5")
    path = tmp_path_factory.mktemp("real") / "model.h5"
    save_model(path, SavedModel(saved.name, saved.arguments, saved.state, {**saved.about, "source": "real"}))
    return path


def test_clients_of_test_files_alone(model, invoke, tmp_path):
    folder = write_leaf(tmp_path / "data", {"new-a": 7, "new-b": 5})
    result = invoke("eval", model, "--data-dir", folder)
    assert result.exit_code == 0, result.output
    assert "12 samples of real data" in result.output
    assert "2 of 2 clients" in result.output
    assert "Note: other samples than those of the model's run; 2 clients are tested." in result.output.splitlines()
    (line,) = [line for line in result.output.splitlines() if line.startswith("test accuracy")]
    asked = invoke("eval", model, "--data-dir", folder, "--dataset", "femnist", "--source", "real")
    assert line in asked.output.splitlines()


def test_an_imported_set_of_the_same_classes_and_shape(finished_run, invoke, tmp_path):
    write_imported(tmp_path, client=Y, x_test=X[:9], y_test=Y[:9], client_test=np.arange(9) % 3 + 4)
    result = invoke("eval", finished_run.path, "--dataset", "scans")
    assert result.exit_code == 0, result.output
    assert result.output.startswith("scans: imported data")
    assert "9 samples of imported data" in result.output
    assert "Note: inputs are 'x = stored value / 255', the model's were 'x = 1 - pixel'." in result.output


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        ({"x": X[:, :8, :8]}, r"takes inputs of shape \(1, 28, 28\), but those of scans are \(1, 8, 8\)"),
        (
            {"class_names": np.array(list("abcde"))},
            r"knows 62 classes \(0, 1, 2, ...\), but scans has 5 classes \(a, b",
        ),
        ({"y": Y + 60}, r"knows 62 classes .* but scans has 65 classes"),
    ],
)
def test_what_the_model_cannot_read_is_refused_in_one_line(finished_run, invoke, tmp_path, arrays, says):
    write_imported(tmp_path, **arrays)
    result = invoke("eval", finished_run.path, "--dataset", "scans")
    assert result.exit_code == 3
    assert len(result.output.splitlines()) == 1
    assert re.search(says, result.output)


@pytest.mark.parametrize(("options", "code"), [(["--dataset", "nope"], 2), (["--data-dir", "nowhere"], 3)])
def test_what_is_not_there_is_one_line(model, invoke, options, code):
    result = invoke("eval", model, *options)
    assert (result.exit_code, len(result.output.splitlines())) == (code, 1)


def test_the_models_own_set_after_a_change(invoke, tmp_path):
    write_imported(tmp_path)
    options = [
        "--dataset",
        "scans",
        "--model",
        "small_cnn",
        "--clients-per-round",
        "1",
        "--rounds",
        "1",
        "--workers",
        "1",
    ]
    assert invoke("train", *options, "--runs-dir", tmp_path / "runs").exit_code == 0
    (path,) = (tmp_path / "runs").glob("*-*")
    assert "Note" not in invoke("eval", path).output
    write_imported(tmp_path, x=255 - X)
    changed = invoke("eval", path)
    assert changed.exit_code == 0
    assert "Note: the samples of scans have changed since the model was trained on them." in changed.output
