"""Which model is trained when nobody names one, where it is said, and that earlier runs keep theirs."""

import re
import tomllib
from dataclasses import replace

import numpy as np
import pytest

from minizerofl.fl import load_model, save_model
from minizerofl.fl.files.checkpoint import Checkpoints, read_checkpoint, write_checkpoint
from minizerofl_cli.runs.dataset import load, model_for, model_line
from minizerofl_datasets import import_arrays

FEW = ["--rounds", 1, "--clients-per-round", 2, "--partition", "natural", "--validation-samples", 0]


def import_images(tmp_path, shape: tuple[int, ...]) -> None:
    """Import a set `mine` of three clients and three classes, each a grey level."""
    y = np.arange(36) % 3
    x = np.broadcast_to((60 * y).reshape(36, *(1 for _ in shape)), (36, *shape)).astype(np.uint8)
    np.savez(tmp_path / "mine.npz", x=x, y=y, client=np.arange(36) // 12)
    import_arrays("mine", tmp_path / "mine.npz", replace=True)


def config(run) -> dict:
    return tomllib.loads((run / "config.toml").read_text())


@pytest.mark.parametrize(
    ("shape", "expected", "why"),
    [
        ((28, 28), "femnist_cnn", "small grey images"),
        ((1, 4, 32), "femnist_cnn", "small grey images"),
        ((1, 3, 32), "resnet18", "these images"),
        ((1, 28, 33), "resnet18", "these images"),
        ((3, 8, 8), "resnet18", "these images"),
    ],
)
def test_the_default_of_an_imported_set_follows_from_its_images(shape, expected, why, tmp_path):
    import_images(tmp_path, shape)
    data = load("mine", "real", None, "ink", 0, None, options={"partition": "natural"})
    assert model_for(data) == expected
    assert model_for(data, "mlp") == "mlp"
    assert model_line(data) == f"Model: {expected}, the default for {why}; --model takes others."
    assert model_line(data, "mlp") == "Model: mlp."


def test_the_papers_sets_have_the_papers_models():
    for name, model in (("femnist", "femnist_cnn"), ("cifar10", "resnet18"), ("speech_commands", "resnet18")):
        data = load(name, "synthetic", None, "ink", 0, 2)
        assert model_line(data) == f"Model: {model}, the paper's for {name}."


def test_a_small_grey_set_from_import_to_evaluation(invoke, tmp_path):
    import_images(tmp_path, (6, 10))
    said = "Model: femnist_cnn, the default for small grey images; --model takes others."
    options = ("train", "--dataset", "mine", *FEW, "--runs-dir", tmp_path / "runs")
    assert said in invoke(*options, "--dry-run").output.splitlines()
    result = invoke(*options)
    assert result.exit_code == 0, result.output
    assert result.output.splitlines()[1] == said
    (run,) = (tmp_path / "runs").glob("*-*")
    assert said in (run / "train.log").read_text()
    assert config(run)["model"]["name"] == "femnist_cnn"
    assert config(run)["model"]["input_shape"] == [1, 6, 10]
    result = invoke("eval", run)
    assert "model: femnist_cnn" in result.output, result.output
    result = invoke("resume", run, "--extend-rounds", 1)
    assert "Model: femnist_cnn." in result.output.splitlines(), result.output
    again = invoke("train", "--config", run / "config.toml", "--dry-run").output
    assert 'name = "femnist_cnn"' in again
    assert "input_shape = [1, 6, 10]" in again


@pytest.mark.parametrize("model", ["mlp", "small_cnn"])
def test_another_model_from_training_to_evaluation(model, invoke, tmp_path):
    import_images(tmp_path, (3, 5, 7))
    result = invoke("train", "--dataset", "mine", *FEW, "--model", model, "--runs-dir", tmp_path / "runs")
    assert result.exit_code == 0, result.output
    assert result.output.splitlines()[1] == f"Model: {model}."
    (run,) = (tmp_path / "runs").glob("*-*")
    assert load_model(run / "model.h5").arguments["input_shape"] == (3, 5, 7)
    shown = invoke("eval", run).output
    assert f"model: {model}, sp 0.95" in shown
    assert re.search(r"test accuracy +\d", shown)


@pytest.mark.long
def test_a_run_of_an_earlier_version_keeps_its_model(invoke, tmp_path):
    import_images(tmp_path, (8, 8))
    sweep = tmp_path / "seeds.toml"
    text = 'dataset = "mine"\npartition = "natural"\nrounds = 1\nclients-per-round = 2\nvalidation-samples = 0\n'
    sweep.write_text(f'{text}seed = [1, 2]\nmodel = "small_cnn"\n')
    result = invoke("sweep", sweep, "--runs-dir", tmp_path)
    assert result.exit_code == 0, result.output
    one, two = (tmp_path / "sweep-seeds" / f"seed={seed}" for seed in (1, 2))
    sweep.write_text(f"{text}seed = [1, 2]\n")  # as a file of a version whose default this model was
    (two / "model.h5").unlink()
    result = invoke("sweep", sweep, "--runs-dir", tmp_path)
    assert result.exit_code == 0, result.output
    assert "seed=1: done before, skipped" in result.output
    assert "seed=2: resumed" in result.output
    assert load_model(two / "model.h5").name == "small_cnn"
    assert "model: small_cnn" in invoke("eval", one).output
    result = invoke("resume", one, "--extend-rounds", 1)
    assert result.exit_code == 0, result.output
    assert config(one)["model"]["name"] == "small_cnn"


def forget_shape(folder) -> None:
    """Make checkpoints as an earlier version wrote them."""
    for path in Checkpoints(folder).paths():
        new = read_checkpoint(path)
        model = {key: value for key, value in new.config["model"].items() if key != "input_shape"}
        write_checkpoint(path, replace(new, config={**new.config, "model": model}))


@pytest.mark.long
def test_a_run_from_before_models_knew_the_shape_of_their_input_goes_on(invoke, small, tmp_path):
    assert invoke("train", *small, "--model", "femnist_cnn", "--rounds", 1, "--runs-dir", tmp_path).exit_code == 0
    (run,) = tmp_path.glob("femnist-*")
    text = (run / "config.toml").read_text()
    (run / "config.toml").write_text(text.replace("input_shape = [1, 28, 28]\n", ""))
    saved = load_model(run / "model.h5")
    arguments = {key: value for key, value in saved.arguments.items() if key != "input_shape"}
    save_model(run / "model.h5", replace(saved, arguments=arguments))
    assert "test accuracy" in invoke("eval", run).output
    for _ in range(2):  # The second time config.toml has the shape: as if the first had ended before its checkpoint.
        forget_shape(run / "checkpoints")
        result = invoke("resume", run, "--extend-rounds", 1)
        assert result.exit_code == 0, result.output
        assert config(run)["model"]["input_shape"] == [1, 28, 28]
