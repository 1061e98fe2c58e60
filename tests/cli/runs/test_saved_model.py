"""The numbers of `minizerofl eval`, and what it does when model and data do not belong together."""

import csv
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from minizerofl.fl import ConfigError, ModelFileError, SavedModel, load_model, save_model
from minizerofl_cli.runs.saved_model import _test_samples, evaluate_model
from minizerofl_datasets import DataError, load


def _number(lines: list[str], name: str) -> float:
    (line,) = [line for line in lines if line.startswith(name)]
    return float(re.search(r"\d+\.\d+", line).group())


@pytest.fixture
def changed(finished_run, tmp_path):
    """Write the run's model with another description."""

    def change(**about: object) -> Path:
        saved = load_model(finished_run.path / "model.h5")
        new = {key: value for key, value in {**saved.about, **about}.items() if value is not ...}
        save_model(tmp_path / "model.h5", SavedModel(saved.name, saved.arguments, saved.state, new))
        return tmp_path / "model.h5"

    return change


def test_numbers(finished_run):
    lines = list(evaluate_model(finished_run.path, None, None, None))
    summary = json.loads((finished_run.path / "summary.json").read_text())
    assert lines[0] == finished_run.lines[0]
    assert _number(lines, "test accuracy") == round(100 * summary["test_accuracy"], 1)
    assert _number(lines, "majority class") == round(100 * summary["majority_accuracy"], 1)
    assert _number(lines, "test loss") == round(summary["test_loss_nats"], 3)
    assert "SYNTHETIC" in lines[2]
    data = load("femnist", source="synthetic", clients=3, seed=3)
    tested = [data.num_test(client) for client in data.clients if data.num_test(client)]
    of = f"({len(tested)} of 3 clients, the median one with {np.median(tested):g} of these samples)"
    assert sum(line.endswith(of) for line in lines) == 1
    with (finished_run.path / "history.csv").open() as file:
        *_, last = csv.DictReader(file)
    assert last["test_clients"] == str(len(tested))
    assert _number(lines, "mean client accuracy") == round(100 * float(last["client_accuracy"]), 1)
    assert _number(lines, "10th percentile") == round(100 * float(last["client_accuracy_p10"]), 1)
    assert _number(lines, "worst 5 %") == round(100 * float(last["client_accuracy_worst_5_percent"]), 1)


def test_with_dense_weights(finished_run):
    lines = list(evaluate_model(finished_run.path, None, None, 40, dense=True))
    (line,) = [line for line in lines if line.startswith("with dense weights")]
    assert f"test loss {_number(lines, 'test loss'):.3f}" not in line


def test_the_best_checkpoint(finished_run, changed, tmp_path):
    summary = json.loads((finished_run.path / "summary.json").read_text())
    lines = list(evaluate_model(finished_run.path, None, None, 10, best=True))
    assert f", {summary['best_round']} rounds on" in lines[1]
    with pytest.raises(ModelFileError, match="has no best checkpoint"):
        list(evaluate_model(changed(), None, None, None, best=True))


def test_a_run_that_was_killed_has_no_model_yet(finished_run, tmp_path):
    shutil.copytree(finished_run.path / "checkpoints", tmp_path / "checkpoints")
    with pytest.raises(ModelFileError, match="continue it with minizerofl resume"):
        list(evaluate_model(tmp_path, None, None, None))


def test_a_subset(finished_run):
    (line,) = [line for line in evaluate_model(finished_run.path, None, None, 10) if line.startswith("test accuracy")]
    assert "10 samples" in line


def test_the_samples_of_a_subset_stay_with_their_clients():
    data = load("femnist", source="synthetic", clients=3)
    (x, y), clients = _test_samples(data, 10, seed=0)
    assert len(x) == len(y) == len(clients) == 10
    for image, client in zip(x, clients, strict=True):
        assert (image == data.test(data.clients[client])[0]).all(axis=(1, 2, 3)).any()


def test_a_model_whose_polarity_has_its_former_name(changed, tmp_path):
    """Models of before said "paper" where "raw" is said now; the accuracy shows that the pixels are raw."""
    lines = {
        name: list(evaluate_model(changed(transform={"polarity": name}), None, None, 40))
        for name in ("paper", "raw", "ink")
    }
    assert lines["paper"] == lines["raw"] != lines["ink"]


def test_trained_on_real_data_without_real_data(changed):
    path = changed(source="real")
    with pytest.raises(DataError, match=r"trained on real data.*--source synthetic"):
        list(evaluate_model(path, None, None, None))
    lines = list(evaluate_model(path, "synthetic", None, 10))
    assert lines[0].startswith("femnist: SYNTHETIC")
    assert "Note: the model was trained on real data and is evaluated on SYNTHETIC data." in lines


def test_trained_on_synthetic_data_with_a_data_folder(finished_run, tmp_path):
    with pytest.raises(ConfigError, match=r"trained on SYNTHETIC data.*--source real"):
        list(evaluate_model(finished_run.path, None, tmp_path, None))
    with pytest.raises(DataError, match="holds no FEMNIST"):
        list(evaluate_model(finished_run.path, "real", tmp_path, None))


def test_other_classes(changed):
    with pytest.raises(DataError, match="the model knows 2 classes"):
        list(evaluate_model(changed(class_names=["a", "b"]), None, None, None))


def test_a_model_without_description(changed):
    with pytest.raises(ModelFileError, match="does not give 'partition_seed'"):
        list(evaluate_model(changed(partition_seed=...), None, None, None))
