"""`minizerofl export`: what it writes, and what it refuses."""

import shutil
import sys

import numpy as np
import pytest

from minizerofl.fl import load_model, save_model
from minizerofl.fl.files.modelfile import SEAL


@pytest.fixture
def run(finished_run, tmp_path):
    """A copy of a finished run."""
    return shutil.copytree(finished_run.path, tmp_path / "run")


def test_a_run_is_written_beside_its_model(run, invoke):
    result = invoke("export", run, "--to", "npz")
    assert result.exit_code == 0, result.output
    first, weights, where = result.output.splitlines()
    assert first == "model: small_cnn, trained on femnist, SYNTHETIC data"
    assert weights.startswith("sparse weights, as in evaluation: ")
    assert where.startswith(str(run / "model.npz"))
    with np.load(run / "model.npz") as file:
        kept = np.count_nonzero(file["linear.weight"])
        assert file["conv2.weight"].shape == (32, 16, 3, 3)
    assert kept <= 0.05 * 1568 * 64 + 1
    assert invoke("export", run, "--to", "npz", "--dense").exit_code == 0
    with np.load(run / "model-dense.npz") as file:
        assert np.array_equal(file["linear.weight"], load_model(run / "model.h5").state["linear.weight"].T)


def test_an_existing_file_is_refused(run, invoke, tmp_path):
    target = tmp_path / "mine.npz"
    target.write_text("precious")
    refused = invoke("export", run, "--to", "npz", "-o", target)
    assert refused.exit_code == 2
    assert refused.output.splitlines()[-1].startswith(f"minizerofl: {target} exists already; --replace")
    assert target.read_text() == "precious"
    assert invoke("export", run, "--to", "npz", "-o", target, "--replace").exit_code == 0
    assert np.load(target)["conv1.bias"].shape == (16,)


@pytest.mark.parametrize("to", ["torch", "safetensors", "onnx"])
def test_a_missing_extra_is_one_line_with_its_own_exit_code(to, run, invoke, monkeypatch):
    monkeypatch.setitem(sys.modules, to, None)  # Python then says that there is no such module.
    monkeypatch.delitem(sys.modules, f"{to}.numpy", raising=False)
    result = invoke("export", run, "--to", to)
    assert result.exit_code == 2
    assert result.output.splitlines()[-1] == (
        f"minizerofl: --to {to} needs the package {to}, which is not installed; pip install 'minizerofl[{to}]'"
    )


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ((), 2, "Missing option '--to'"),
        (("--to", "onx"), 2, "did you mean 'onnx'?"),
        (("--to", "npz", "-o", "/dev/null/model.npz"), 6, "/dev/null"),
    ],
)
def test_wrong_options_are_one_line(arguments, code, message, run, invoke):
    result = invoke("export", run, *arguments)
    assert result.exit_code == code
    assert message in result.output.splitlines()[-1]


def test_there_is_nothing_to_export(invoke, tmp_path):
    for path in (tmp_path, tmp_path / "none.h5"):
        result = invoke("export", path, "--to", "npz")
        assert (result.exit_code, len(result.output.splitlines())) == (3, 1)


def test_a_model_that_diverged_or_does_not_belong_together_is_refused(run, invoke):
    saved = load_model(run / "model.h5")
    saved.state["linear.bias"][0] = np.nan
    save_model(run / "model.h5", saved)
    result = invoke("export", run, "--to", "npz")
    assert (result.exit_code, "not finite (linear.bias" in result.output) == (5, True)
    SEAL.write(
        run / "model.h5", lambda file: file.attrs.update(model='{"name": "os:system", "arguments": {}, "about": {}}')
    )
    result = invoke("export", run, "--to", "npz")
    assert result.exit_code == 3
    assert not (run / "model.npz").exists()
