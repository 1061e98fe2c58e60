"""What is written: the weights that evaluation uses, and a description."""

import io
import json
import sys
from dataclasses import replace

import numpy as np
import pytest

from minizerofl.choices import RULES
from minizerofl.export import EXPORTS, ExportError, MissingExtraError, export_model, make_portable
from minizerofl.export.formats import npz
from minizerofl.export.layout import inputs_first
from minizerofl.export.portable import input_shape
from minizerofl.fl import ConfigError, SavedModel
from minizerofl.sparse import count_kept


@pytest.mark.long
@pytest.mark.parametrize("rule", RULES)
def test_the_sparse_weights_are_those_of_evaluation(rule, random_model, some_samples):
    saved = random_model("femnist_cnn", selection=rule)
    portable = make_portable(saved)
    state = inputs_first(portable.model, portable.state)
    kept = {name: np.count_nonzero(state[name]) for name in portable.metadata["sparsity"]}
    budget = {name: count_kept(state[name].size, 0.9) for name in kept}
    assert 0 < sum(kept.values()) <= sum(budget.values())
    if rule in ("top-k", "global-top-k", "random", "uniform", "fixed"):
        assert sum(kept.values()) == sum(budget.values())
        assert (kept == budget) == (rule != "global-top-k")
    assert all(np.isin(state[name], [0, *np.unique(saved.state[name])]).all() for name in ("conv1.weight",))
    dense = SavedModel(saved.name, {**saved.arguments, "sparsity": 0.0}, state)
    x = some_samples(saved)
    assert np.allclose(dense.logits(x), saved.logits(x), atol=1e-5)


def test_all_weights_if_that_is_asked_for(random_model):
    saved = random_model("femnist_cnn")
    portable = make_portable(saved, dense=True)
    state = inputs_first(portable.model, portable.state)
    assert all(np.array_equal(state[name], saved.state[name]) for name in saved.state)
    assert portable.metadata["weights"] == "dense"


def test_the_description_says_what_belongs_to_the_model(random_model):
    portable = make_portable(random_model("femnist_cnn"))
    with np.load(io.BytesIO(npz(portable)), allow_pickle=False) as file:
        about = json.loads(str(file["__metadata__"]))
    assert about["trained_on"] == "mine, SYNTHETIC data"
    assert (about["weights"], about["sparsity"]["conv1.weight"]) == ("sparse", 0.9)
    assert (about["input_shape"], len(about["class_names"])) == ([1, 28, 28], 7)
    assert about["transform"]["formula"] == "x / 255"
    assert all(isinstance(value, str) for value in portable.texts().values())


def test_an_existing_file_stays_unless_it_may_be_replaced(random_model, tmp_path):
    saved, path = random_model("femnist_cnn"), tmp_path / "there" / "model.npz"
    export_model(saved, str(path), "npz")
    before = path.read_bytes()
    with pytest.raises(ConfigError, match="exists already; --replace"):
        export_model(saved, path, "npz", dense=True)
    assert path.read_bytes() == before
    export_model(saved, path, "npz", dense=True, replace=True)
    assert path.read_bytes() != before
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("to", [name for name in EXPORTS if name != "npz"])
def test_a_missing_package_is_named_with_its_extra(to, random_model, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, to, None)  # Python then says that there is no such module.
    monkeypatch.delitem(sys.modules, f"{to}.numpy", raising=False)
    with pytest.raises(MissingExtraError, match=rf"--to {to} needs .* pip install 'minizerofl\[{to}\]'"):
        export_model(random_model("femnist_cnn"), tmp_path / "model", to)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("shape", [None, [28, 28], [1, 28, "28"], [1, 28, 0], 28])
def test_a_model_without_the_shape_of_a_sample_has_no_graph(shape, random_model):
    saved = random_model("femnist_cnn")
    about = {**saved.about, "input_shape": shape}
    with pytest.raises(ExportError, match="does not give the shape of a sample"):
        input_shape(make_portable(replace(saved, about=about)))
