"""A run belongs to its data: when they have changed, resume and sweep refuse to go on, wherever they are stored."""

import json
import re
import tomllib
from dataclasses import replace

import numpy as np
import pytest

from minizerofl.fl import load_model
from minizerofl.fl.files.checkpoint import Checkpoints, write_checkpoint
from minizerofl_datasets import import_arrays, load

TINY = [
    "--clients-per-round",
    "1",
    "--rounds",
    "1",
    "--eval-samples",
    "0",
    "--validation-samples",
    "0",
    "--workers",
    "1",
    "--model",
    "small_cnn",
]
X = (np.random.default_rng(0).integers(0, 256, (60, 28, 28)) / 255).astype(np.float32)
Y = np.arange(60) % 3
OWNERS = np.array(["al", "bo"])[np.arange(60) // 30]
ARRAYS = {"x": X, "y": Y, "client": OWNERS, "class_names": np.array(["a", "b", "c"])}


def write_imported(folder, **changed):
    np.savez(folder / "mine.npz", **{**ARRAYS, **changed})
    import_arrays("mine", folder / "mine.npz", replace=True)
    return ["--dataset", "mine"]


def write_leaf(folder, **changed):
    arrays = {**ARRAYS, **changed}
    for part, rows in (("train", range(0, 60, 2)), ("test", range(1, 60, 6))):
        users = {name: [row for row in rows if OWNERS[row] == name] for name in ("al", "bo")}
        (folder / "leaf" / part).mkdir(parents=True, exist_ok=True)
        content = {
            "users": list(users),
            "num_samples": [len(own) for own in users.values()],
            "user_data": {
                name: {"x": arrays["x"][own].reshape(-1, 784).tolist(), "y": arrays["y"][own].tolist()}
                for name, own in users.items()
            },
        }
        (folder / "leaf" / part / "all_data.json").write_text(json.dumps(content))
    return ["--data-dir", folder / "leaf"]


CHANGES = [
    (write_imported, {"x": 1 - X}),
    (write_imported, {"y": (Y + 1) % 3}),
    (write_imported, {"class_names": np.array(["a", "b", "d"])}),
    (write_leaf, {"x": 1 - X}),
    (write_leaf, {"y": (Y + 1) % 3}),
]


@pytest.fixture
def begin(invoke, tmp_path):
    """Write data and train on them for a round; return the run directory."""

    def run(write, *options):
        result = invoke("train", *write(tmp_path), *TINY, *options, "--runs-dir", tmp_path / "runs")
        assert result.exit_code == 0, result.output
        (path,) = (tmp_path / "runs").glob("*-*")
        return path

    return run


def contents(path):
    return {file: file.read_bytes() for file in path.rglob("*") if file.is_file()}


def test_config_checkpoint_and_model_hold_the_fingerprint(finished_run):
    expected = load("femnist", source="synthetic", clients=3, seed=3).fingerprint()
    config = tomllib.loads((finished_run.path / "config.toml").read_text())
    checkpoint, _ = Checkpoints(finished_run.path / "checkpoints").newest()
    about = load_model(finished_run.path / "model.h5").about
    assert config["data"]["fingerprint"] == checkpoint.config["data"]["fingerprint"] == about["fingerprint"] == expected


@pytest.mark.long
@pytest.mark.parametrize("write", [write_imported, write_leaf])
def test_resume_refuses_data_that_have_changed_and_touches_nothing(begin, invoke, tmp_path, write):
    path = begin(write)
    before = contents(path)
    for change in [each for kind, each in CHANGES if kind is write]:
        write(tmp_path, **change)
        result = invoke("resume", path, "--extend-rounds", 1)
        assert result.exit_code == 3
        name = "mine" if write is write_imported else "femnist"
        assert f"the samples, labels or class names of {name} are not those" in result.output.splitlines()[-1]
        assert contents(path) == before
    write(tmp_path)
    assert invoke("resume", path, "--extend-rounds", 1).exit_code == 0


def test_a_fingerprint_that_is_written_over_does_not_help(begin, invoke, tmp_path):
    path = begin(write_imported)
    write_imported(tmp_path, x=1 - X)
    now = load("mine").fingerprint()
    config = path / "config.toml"
    config.write_text(re.sub('fingerprint = ".*"', f'fingerprint = "{now}"', config.read_text()))
    assert invoke("resume", path, "--extend-rounds", 1).exit_code == 3  # the checkpoint tells


def test_a_run_from_before_there_were_fingerprints_goes_on(begin, invoke):
    path = begin(write_imported)
    config, checkpoints = path / "config.toml", Checkpoints(path / "checkpoints")
    config.write_text(re.sub('fingerprint = ".*"\n', "", config.read_text()))
    checkpoint, _ = checkpoints.newest()
    tables = {**checkpoint.config, "data": {**checkpoint.config["data"]}}
    del tables["data"]["fingerprint"]
    write_checkpoint(checkpoints.path(checkpoint.round), replace(checkpoint, config=tables))
    result = invoke("resume", path, "--extend-rounds", 1)
    assert result.exit_code == 0, result.output
    assert "fingerprint" in tomllib.loads(config.read_text())["data"]


def test_a_sweep_does_not_take_a_run_on_other_data_for_done(invoke, tmp_path):
    write_imported(tmp_path)
    file = tmp_path / "seeds.toml"
    file.write_text(
        'dataset = "mine"\nmodel = "small_cnn"\nrounds = 1\nclients_per_round = 1\nworkers = 1\n'
        "validation_samples = 0\nmask_ratio = [0.1]\n"
    )
    first, again = (invoke("sweep", file, "--runs-dir", tmp_path / "runs") for _ in range(2))
    assert (first.exit_code, again.exit_code) == (0, 0)
    assert "done before, skipped" in again.output
    write_imported(tmp_path, x=1 - X)
    changed = invoke("sweep", file, "--runs-dir", tmp_path / "runs")
    assert changed.exit_code == 3
    assert "of mine are not those" in changed.output.splitlines()[-1]


def test_writers_held_out_train_nothing_and_are_what_is_tested(invoke, tmp_path):
    options = ["--source", "synthetic", "--clients", 4, "--holdout-writers", 2, *TINY]
    result = invoke("train", *options, "--runs-dir", tmp_path)
    assert result.exit_code == 0, result.output
    (path,) = tmp_path.glob("*-*")
    data = load("femnist", source="synthetic", clients=4, holdout_writers=2)
    counts = json.loads((path / "partition.json").read_text())["clients"]
    trained = {client: {"train": data.num_train(client), "test": 0} for client in data.clients}
    assert counts == {**trained, **{c: {"train": 0, "test": data.num_test(c)} for c in data.test_clients}}
    assert json.loads((path / "summary.json").read_text())["test_samples"] == len(data.test()[1])
    assert tomllib.loads((path / "config.toml").read_text())["data"]["clients"] == 4
    resumed = invoke("resume", path, "--extend-rounds", 1)
    assert resumed.exit_code == 0, resumed.output
    evaluated = invoke("eval", path)
    assert "2 of 2 clients" in evaluated.output
    assert "Note" not in evaluated.output
