"""`minizerofl train` on every set: the right model, the set's recipe, and what resume and eval need to go on."""

import csv
import inspect
import json
import re
import tomllib

import numpy as np
import pytest

from minizerofl.fl import load_model
from minizerofl.fl.recipes import RECIPES
from minizerofl_cli.screen.options import NAMES, take_options
from minizerofl_datasets import load
from minizerofl_datasets.catalogue import CATALOGUE

FEW = ("--rounds", 1, "--clients-per-round", 1, "--source", "synthetic", "--validation-samples", 0)
SETS = {
    "cifar10": ("--num-clients", 2000, "--clients", 12, "--alpha", 100),
    "speech_commands": ("--words", "yes,no", "--num-clients", 100, "--clients", 12, "--no-augment"),
}
SAME: dict[str, dict[str, object]] = {
    "cifar10": {"num_clients": 2000, "alpha": 100.0},
    "speech_commands": {"words": ("yes", "no"), "num_clients": 100},
}
CHANNELS, CLASSES = {"cifar10": 3, "speech_commands": 1}, {"cifar10": 10, "speech_commands": 2}


@pytest.mark.long
@pytest.mark.parametrize("dataset", SETS)
def test_a_run_and_its_evaluation(dataset, invoke, tmp_path):
    result = invoke("train", "--dataset", dataset, *SETS[dataset], *FEW, "--runs-dir", tmp_path)
    assert result.exit_code == 0, result.output
    assert result.output.startswith(f"{dataset}: SYNTHETIC data")
    (run,) = tmp_path.glob("*-*")
    config = tomllib.loads((run / "config.toml").read_text())
    quick = RECIPES[dataset]["quick"]
    assert (config["settings"]["lr_start"], config["settings"]["batch_size"]) == (quick.lr_start, quick.batch_size)
    assert config["model"]["name"] == "resnet18"
    data = load(dataset, "synthetic", clients=12, **SAME[dataset])
    assert config["data"]["division_sha256"] == data.partition.sha256()
    saved = load_model(run / "model.h5")
    assert saved.arguments["in_channels"] == CHANNELS[dataset]
    assert saved.arguments["num_classes"] == CLASSES[dataset]
    summary = json.loads((run / "summary.json").read_text())
    y = data.test()[1]
    row = next(csv.DictReader((run / "history.csv").read_text().splitlines()))
    assert summary["majority_accuracy"] == np.bincount(y).max() / y.size
    assert summary["balanced_accuracy"] == float(row["balanced_accuracy"])
    shares = (100 * summary[f"{name}_accuracy"] for name in ("majority", "balanced"))
    assert "(majority class {:.1f} %, balanced {:.1f} %)".format(*shares) in result.output
    evaluated = invoke("eval", run)
    assert evaluated.exit_code == 0, evaluated.output
    assert f"test accuracy         {100 * summary['test_accuracy']:5.1f} %" in evaluated.output
    resumed = invoke("resume", run, "--extend-rounds", 1)
    assert resumed.exit_code == 0, resumed.output
    again = tomllib.loads((run / "config.toml").read_text())
    assert {**again["data_options"], **again["data"]} == {**config["data_options"], **config["data"]}


def test_a_model_on_mfcc_knows_its_features(invoke, tmp_path):
    """They stand in the config and in the model file, and resume and eval take them from there."""
    runs = {}
    for features in ("log-mel", "mfcc"):
        options = (
            "--dataset",
            "speech_commands",
            *SETS["speech_commands"],
            *FEW,
            "--features",
            features,
            "--model",
            "small_cnn",
        )
        result = invoke("train", *options, "--runs-dir", tmp_path / features)
        assert result.exit_code == 0, result.output
        (runs[features],) = (tmp_path / features).glob("*-*")
    config = tomllib.loads((runs["mfcc"] / "config.toml").read_text())
    assert config["data_options"]["features"] == "mfcc"
    assert "DCT" in config["data"]["transform"]
    about = load_model(runs["mfcc"] / "model.h5").about
    assert about["transform"]["features"].startswith("MFCC")
    assert not np.array_equal(*(load_model(run / "model.h5").state["conv1.weight"] for run in runs.values()))
    summary = json.loads((runs["mfcc"] / "summary.json").read_text())
    assert f"{100 * summary['test_accuracy']:5.1f} %" in invoke("eval", runs["mfcc"]).output
    loss = re.search(r"test loss +(\S+) nats", invoke("eval", runs["mfcc"]).output)
    assert float(loss[1]) == round(summary["test_loss_nats"], 3)
    resumed = invoke("resume", runs["mfcc"], "--extend-rounds", 1)
    assert resumed.exit_code == 0, resumed.output


def test_augmentation_changes_what_is_learned(invoke, tmp_path):
    states = []
    for flag in ("--augment", "--no-augment"):
        options = ("--dataset", "cifar10", *SETS["cifar10"], *FEW, flag, "--model", "small_cnn")
        assert invoke("train", *options, "--runs-dir", tmp_path / flag).exit_code == 0
        (run,) = (tmp_path / flag).glob("*-*")
        states.append(load_model(run / "model.h5").state["conv1.weight"])
    assert not np.array_equal(*states)


def test_options_of_another_set_are_refused(invoke, tmp_path):
    result = invoke("train", "--words", "bed,cat", "--source", "synthetic", "--runs-dir", tmp_path)
    assert result.exit_code == 2
    assert "--words is not an option of femnist" in result.output


def test_every_option_of_a_loader_is_one_of_ours():
    for entry in CATALOGUE.values():
        options = set(inspect.signature(entry.load()).parameters)
        assert options - {"source", "data_dir", "seed", "clients", "polarity", "progress", "test_only"} <= set(NAMES)
    given = dict.fromkeys((*NAMES, "rounds"), 1)
    assert set(take_options(given)) == set(NAMES)
    assert given == {"rounds": 1}
