"""Exported models in PyTorch and onnxruntime: the same logits; and weights that come back. Needs the extras."""

import importlib
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from minizerofl import Tensor, nn, ops
from minizerofl.choices import MODELS
from minizerofl.export import ExportError, export_model, read_weights
from minizerofl.export.writing import suffix_of
from minizerofl.fl import ModelFileError, SavedModel, save_model
from minizerofl.models import build

DOCS = Path(__file__).parents[2] / "docs"
TOLERANCE = 1e-5  # of the largest logit
DENSE = pytest.mark.parametrize("dense", [False, True], ids=["sparse", "dense"])


def close(theirs: np.ndarray, ours: np.ndarray) -> bool:
    return theirs.shape == ours.shape and np.abs(theirs - ours).max() <= TOLERANCE * np.abs(ours).max()


def expected(saved: SavedModel, x: np.ndarray, dense: bool) -> np.ndarray:
    """Return our own logits."""
    arguments = {**saved.arguments, "sparsity": 0.0} if dense else saved.arguments
    return SavedModel(saved.name, arguments, saved.state, {}, saved.setup).logits(x)


@pytest.fixture
def torch_models(monkeypatch: pytest.MonkeyPatch):
    """Import the plain PyTorch networks of the docs."""
    pytest.importorskip("torch")
    monkeypatch.syspath_prepend(DOCS / "export")
    return importlib.import_module("torch_models")


@pytest.fixture
def run_onnx() -> Callable[[Path, np.ndarray], np.ndarray]:
    """Run an ONNX file on samples."""
    pytest.importorskip("onnx")
    onnxruntime = pytest.importorskip("onnxruntime")

    def run(path: Path, x: np.ndarray) -> np.ndarray:
        return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"]).run(["logits"], {"x": x})[0]

    return run


@DENSE
@pytest.mark.parametrize("name", MODELS)
def test_pytorch_gives_the_same_logits(name, dense, random_model, some_samples, torch_models, tmp_path):
    saved = random_model(name)
    export_model(saved, tmp_path / "model.pt", "torch", dense=dense)
    assert name in torch_models.NETWORKS, "docs/export/torch_models.py has a network for every registered model"
    model, about = torch_models.load(tmp_path / "model.pt")
    x = some_samples(saved)
    with torch_models.torch.no_grad():
        theirs = model(torch_models.torch.from_numpy(x)).numpy()
    assert close(theirs, expected(saved, x, dense))
    assert about["trained_on"] == "mine, SYNTHETIC data"


@DENSE
@pytest.mark.parametrize("name", MODELS)
def test_onnxruntime_gives_the_same_logits(name, dense, random_model, some_samples, run_onnx, tmp_path):
    saved = random_model(name)
    export_model(saved, tmp_path / "model.onnx", "onnx", dense=dense)
    for count in (1, 5):
        x = some_samples(saved, count)
        assert close(run_onnx(tmp_path / "model.onnx", x), expected(saved, x, dense))


def test_a_graph_says_what_belongs_to_it(random_model, tmp_path):
    onnx = pytest.importorskip("onnx")
    export_model(random_model("femnist_cnn"), tmp_path / "model.onnx", "onnx")
    proto = onnx.load(tmp_path / "model.onnx")
    assert proto.doc_string == "trained on mine, SYNTHETIC data"
    about = {each.key: each.value for each in proto.metadata_props}
    assert (about["weights"], about["input_shape"]) == ("sparse", "[1, 28, 28]")
    kinds = [node.op_type for node in proto.graph.node]
    assert kinds[:3] == ["Conv", "MaxPool", "Relu"]
    assert kinds.count("Gemm") == 2


class Mixed(nn.Module):
    """Layers and ops that the registered models do not have."""

    def __init__(self, num_classes: int, sparsity: float, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.conv = nn.SparseConv2d(2, 6, 3, stride=2, padding=1, sparsity=sparsity, rng=rng)
        self.norm = nn.GroupNorm(3, 6)
        self.norm.weight.assign_(rng.uniform(0.5, 2, 6))
        self.norm.bias.assign_(rng.normal(size=6))
        self.gain = Tensor(rng.normal(size=(6, 1, 1, 1)).astype(np.float32), requires_grad=True)
        self.pool = nn.AvgPool2d(2, stride=1)
        self.drop = nn.Dropout(0.5)
        self.linear = nn.Linear(6, num_classes, bias=False, rng=rng)

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm(self.conv(x))
        y = ops.tanh(y) * self.gain + 2 * ops.sigmoid(y) - 0.5
        z = self.drop(self.pool(y))
        z = ops.sqrt(ops.exp(z / 3) + 1) + ops.log(ops.relu(z) + 1) - (-z)
        return self.linear(ops.mean(z, axis=(1, -2)) + ops.mean(ops.mean(z, axis=2, keepdims=True), axis=(1, 2)))


@DENSE
def test_other_layers_and_a_parameter_of_ones_own(dense, run_onnx, monkeypatch, tmp_path):
    monkeypatch.setitem(MODELS, "mixed", Mixed)
    arguments = {"num_classes": 4, "sparsity": 0.5, "seed": 3}
    saved = SavedModel("mixed", arguments, Mixed(**arguments).state_dict(), {"input_shape": [2, 8, 10]})
    portable = export_model(saved, tmp_path / "m.onnx", "onnx", dense=dense)
    assert portable.metadata["layout_kept"] == ["gain"]
    x = np.random.default_rng(0).normal(size=(3, 2, 8, 10)).astype(np.float32)
    assert close(run_onnx(tmp_path / "m.onnx", x), expected(saved, x, dense))


class Batchwise(nn.Module):
    def __init__(self, sparsity: float, seed: int) -> None:
        self.linear = nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        y = self.linear(nn.Flatten()(x))
        return y - ops.mean(y, axis=1, keepdims=True)


def test_what_mixes_samples_is_refused(monkeypatch, tmp_path):
    pytest.importorskip("onnx")
    monkeypatch.setitem(MODELS, "batchwise", Batchwise)
    saved = SavedModel(
        "batchwise", {"sparsity": 0.0, "seed": 0}, Batchwise(0, 0).state_dict(), {"input_shape": [1, 2, 2]}
    )
    with pytest.raises(ExportError, match="a mean over the batch cannot be exported"):
        export_model(saved, tmp_path / "m.onnx", "onnx")
    assert not list(tmp_path.iterdir())


@DENSE
@pytest.mark.parametrize("to", ["npz", "torch", "safetensors"])
@pytest.mark.parametrize("name", MODELS)
def test_what_was_exported_comes_back_to_the_bit(name, to, dense, random_model, tmp_path):
    pytest.importorskip({"npz": "numpy"}.get(to, to))
    saved, path = random_model(name), tmp_path / f"model{suffix_of(to)}"
    portable = export_model(saved, path, to, dense=dense)
    back = read_weights(path, build(name, **saved.arguments))
    assert list(back) == list(saved.state)
    for each, value in saved.state.items():
        whole = dense or each not in portable.metadata["sparsity"]
        assert np.array_equal(back[each], value if whole else np.where(back[each] != 0, value, 0))


def test_a_state_dict_of_pytorch_becomes_ours(random_model, some_samples, torch_models, tmp_path):
    torch = torch_models.torch
    torch.manual_seed(0)
    model = torch_models.ResNet18((3, 32, 32), 7)
    with torch.no_grad():
        model(torch.randn(8, 3, 32, 32))  # moves the running statistics
    torch.save(model.state_dict(), tmp_path / "theirs.pt")
    saved = random_model("resnet18", sparsity=0.0)
    state = read_weights(tmp_path / "theirs.pt", build("resnet18", **saved.arguments))
    x = some_samples(saved)
    with torch.no_grad():
        theirs = model.eval()(torch.from_numpy(x)).numpy()
    assert close(SavedModel("resnet18", saved.arguments, state).logits(x), theirs)


class Evil:
    def __reduce__(self):
        return print, ("run",)


@pytest.mark.parametrize("what", ["a list", "an object", "a number", "bytes"])
def test_a_file_of_pytorch_with_something_else_is_refused(what, tmp_path, capsys):
    torch = pytest.importorskip("torch")
    path = tmp_path / "w.pt"
    contents = {"a list": [torch.ones(2)], "an object": {"0.weight": Evil()}, "a number": {"0.weight": 3}}
    if what in contents:
        torch.save(contents[what], path)
    else:
        path.write_bytes(b"no file of PyTorch")
    with pytest.raises(ModelFileError, match=r"w\.pt: cannot be read") as caught:
        read_weights(path, nn.Linear(2, 2))
    assert "\n" not in str(caught.value)
    assert "run" not in capsys.readouterr().out


SNIPPETS = re.findall(r"```python\n(.*?)```", (DOCS / "export.md").read_text(), re.DOTALL)
PACKAGES = ("torch", "onnxruntime", "safetensors")


@pytest.mark.parametrize("snippet", SNIPPETS, ids=range(len(SNIPPETS)))
def test_each_snippet_of_the_page_runs(snippet, random_model, some_samples, tmp_path, monkeypatch):
    for package in PACKAGES:
        if re.search(rf"^(import|from) {package}", snippet, re.MULTILINE):
            pytest.importorskip(package)
    saved = random_model("femnist_cnn")
    save_model(tmp_path / "model.h5", saved)
    for to, package in {"npz": "numpy", "torch": "torch", "safetensors": "safetensors", "onnx": "onnx"}.items():
        if f"model{suffix_of(to)}" in snippet:
            pytest.importorskip(package)
            export_model(saved, tmp_path / f"model{suffix_of(to)}", to)
    x = some_samples(saved)
    np.save(tmp_path / "samples.npy", x)
    monkeypatch.syspath_prepend(DOCS / "export")
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    exec(snippet, names)
    if "logits" in names:
        assert close(np.asarray(names["logits"]), saved.logits(x))
    if "predicted" in names:
        assert list(names["predicted"]) == [saved.about["class_names"][i] for i in saved.predict(x)]
