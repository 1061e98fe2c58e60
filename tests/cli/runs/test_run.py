"""A run: what it says, what it leaves behind, and how it fails."""

import csv
import json
import re
import tomllib
from datetime import UTC, datetime
from pathlib import Path

import h5py
import numpy as np
import pytest

from minizerofl.fl import load_model
from minizerofl.fl.files.history import CLIENT_TIMING_COLUMNS, TIMING_COLUMNS
from minizerofl_cli.screen.pictures import plot_history

NAME = "femnist-synthetic-topk-weights-seed3"


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_first_line_names_the_data(finished_run):
    assert finished_run.lines[0].startswith("femnist: SYNTHETIC data")
    assert (finished_run.path / "train.log").read_text().splitlines()[0] == finished_run.lines[0]


def test_what_was_shown_was_logged(finished_run):
    assert (finished_run.path / "train.log").read_text() == finished_run.output


def test_a_line_for_each_round_and_one_for_the_result(finished_run):
    rounds = [line for line in finished_run.lines if re.match(r"round \d/", line)]
    assert len(rounds) == 2
    for line in rounds:
        assert re.fullmatch(r"round [12]/2  accuracy .* %  loss \d.\d+ \(train \d.\d+\)  \S+ s", line)
        assert len(line) <= 80
    assert "Each client sends 0.3 MB a round (csr, float32), 1.9x less than dense." in finished_run.lines
    final, data = finished_run.lines[finished_run.lines.index(rounds[-1]) + 1 :][:2]
    assert re.fullmatch(r"Final test accuracy .* % \(majority class .* %, balanced .* %\)", final)
    assert "SYNTHETIC" in data
    assert data.endswith("with sparse weights.")
    assert finished_run.lines[-1] == f"  minizerofl eval {finished_run.path}"


def test_the_directory(finished_run):
    assert finished_run.path.name == NAME
    assert {file.name for file in finished_run.path.iterdir()} == {
        *("config.toml", "environment.json", "partition.json", "history.csv", "clients.csv", "train.log", "model.h5"),
        *("summary.json", "accuracy.png", "report.html", "checkpoints"),
    }


def test_every_file_says_that_the_data_are_synthetic(finished_run):
    path = finished_run.path
    assert tomllib.loads((path / "config.toml").read_text())["data"]["source"] == "synthetic"
    for name in ("environment.json", "partition.json", "summary.json"):
        assert json.loads((path / name).read_text())["source"] == "synthetic"
    for name in ("history.csv", "clients.csv"):
        assert {row["source"] for row in _rows(path / name)} == {"synthetic"}
    assert load_model(path / "model.h5").about["source"] == "synthetic"


def test_the_picture_carries_its_title(finished_run, tmp_path):
    history = finished_run.path / "history.csv"
    title = "femnist, {}, topk-weights, sp 0.95, r 0.2"
    majority = json.loads((finished_run.path / "summary.json").read_text())["majority_accuracy"]
    for kind in ("SYNTHETIC data", "real data"):
        plot_history(history, title.format(kind), tmp_path / f"{kind}.png", majority)
    picture = (finished_run.path / "accuracy.png").read_bytes()
    assert picture == (tmp_path / "SYNTHETIC data.png").read_bytes()
    assert picture != (tmp_path / "real data.png").read_bytes()


def test_files_agree(finished_run):
    path = finished_run.path
    rows, clients = _rows(path / "history.csv"), _rows(path / "clients.csv")
    summary = json.loads((path / "summary.json").read_text())
    partition = json.loads((path / "partition.json").read_text())["clients"]
    model = load_model(path / "model.h5")
    assert [row["round"] for row in rows] == ["1", "2"]
    assert [row["test_samples"] for row in rows] == ["40", str(sum(each["test"] for each in partition.values()))]
    assert summary["status"] == "finished"
    assert summary["rounds_done"] == summary["rounds"] == 2
    assert summary["test_accuracy"] == float(rows[-1]["test_accuracy"]) == model.about["test_accuracy"]
    assert summary["cum_uplink_bytes"] == int(rows[-1]["cum_uplink_bytes"]) == sum(int(r["uplink_bytes"]) for r in rows)
    for name in ("test_loss_nats", "balanced_accuracy", "client_accuracy", "client_accuracy_p10", "train_loss_nats"):
        assert summary[name] == float(rows[-1][name])
    for name in ("cum_macs", "cum_dense_macs", "cum_downlink_bytes", "client_accuracy_worst_5_percent"):
        assert summary[name] == float(rows[-1][name])
    assert summary["cum_seconds"] == float(rows[-1]["cum_seconds"])
    trained = sum(float(row["train_seconds"]) for row in rows)
    assert summary["cum_train_seconds"] == pytest.approx(trained, abs=1e-3)
    assert summary["best_round"] in (1, 2)
    assert datetime.fromisoformat(summary["begun"]) <= datetime.now(UTC)
    assert len(clients) == 4
    assert all(int(row["num_samples"]) == partition[row["client"]]["train"] for row in clients)
    for row in rows:
        trained = sum(int(each["num_samples"]) for each in clients if each["round"] == row["round"])
        assert trained == int(row["train_samples"])
        # The share k = 1 - sp + r of three layers, each rounded up to a whole weight.
        assert float(row["kept_fraction"]) == pytest.approx(0.25, abs=1e-5)


def test_config_is_resolved(finished_run):
    config = tomllib.loads((finished_run.path / "config.toml").read_text())
    assert config["run"]["workers"] == 2
    assert config["settings"]["schedule_rounds"] == config["settings"]["rounds"] == 2
    assert config["settings"]["lr_start"] == 0.2
    assert config["data"]["clients"] == 3
    assert config["data"]["partition_seed"] == config["settings"]["init_seed"] == config["settings"]["seed"] == 3


def test_the_result_does_not_depend_on_workers_and_no_run_is_touched(finished_run, invoke, small):
    def contents() -> dict[str, bytes]:
        return {file.name: file.read_bytes() for file in finished_run.path.rglob("*") if file.is_file()}

    before = contents()
    result = invoke("train", *small, "--runs-dir", finished_run.path.parent, "--workers", 1)
    assert result.exit_code == 0, result.output
    assert contents() == before
    (other,) = set(finished_run.path.parent.glob("*-*")) - {finished_run.path}

    def comparable(path: Path) -> list[dict[str, str]]:
        return [
            {name: value for name, value in row.items() if name not in TIMING_COLUMNS + CLIENT_TIMING_COLUMNS}
            for table in ("history.csv", "clients.csv")
            for row in _rows(path / table)
        ]

    assert comparable(other) == comparable(finished_run.path)
    one, two = (load_model(path / "model.h5").state for path in (other, finished_run.path))
    assert one.keys() == two.keys()
    assert all(np.array_equal(one[name], two[name]) for name in one)


@pytest.mark.long
def test_a_run_that_diverges(start, small, tmp_path):
    process = start("train", *small, "--lr-start", 1e30, "--lr-end", 1e30, "--runs-dir", tmp_path)
    _, err = process.communicate()
    assert process.returncode == 5
    assert len(err.splitlines()) == 1
    assert "lower the learning rate" in err
    (run,) = tmp_path.glob("*-*")
    summary = json.loads((run / "summary.json").read_text())
    assert summary["status"] == "failed"
    assert "not finite" in summary["reason"]


def test_a_server_step_that_diverges_leaves_no_model(invoke, small, tmp_path):
    result = invoke("train", *small, "--server", "fedyogi", "--server-lr", 1e300, "--runs-dir", tmp_path)
    assert result.exit_code == 5
    assert "is not finite after the server's step" in result.output.splitlines()[-1]
    (run,) = tmp_path.glob("*-*")
    assert json.loads((run / "summary.json").read_text())["rounds_done"] == 0
    assert not (run / "model.h5").exists()


@pytest.mark.parametrize("separable", [True, False])
def test_a_model_that_learned_nothing_is_told_at_the_end(invoke, tmp_path, monkeypatch, separable):
    monkeypatch.setenv("MINIZEROFL_CACHE", str(tmp_path))
    labels = np.arange(240) % 3 // 2  # two of three images are of class 0
    x = np.ones((240, 1, 28, 28), np.float32)
    if separable:
        x *= labels[:, None, None, None]
    np.savez(tmp_path / "x.npz", x=x, y=labels, client=np.arange(240) // 80, class_names=["cat", "dog"])
    assert invoke("data", "import", tmp_path / "x.npz", "--name", "mine").exit_code == 0
    few = ("--rounds", 6, "--clients-per-round", 3, "--sparsity", 0.5, "--batch-size", 10)
    result = invoke("train", "--dataset", "mine", "--model", "mlp", *few, "--runs-dir", tmp_path / "runs")
    assert result.exit_code == 0, result.output
    (run,) = (tmp_path / "runs").glob("*-*")
    said = "This model is no better than always answering 'cat': it has learned nothing useful (test loss 0."
    assert (said in result.output) == (said in (run / "train.log").read_text()) == (not separable)


def test_a_quorum_that_is_lost_keeps_everything_up_to_there(invoke, small, tmp_path):
    result = invoke("train", *small, "--rounds", 4, "--inject", "drop@3:*", "--runs-dir", tmp_path)
    assert result.exit_code == 4
    assert "0 of 2 updates could be used, the quorum is 1" in result.output.splitlines()[-1]
    (run,) = tmp_path.glob("*-*")
    summary = json.loads((run / "summary.json").read_text())
    assert (summary["status"], summary["rounds_done"]) == ("failed", 2)
    assert load_model(run / "model.h5").about["rounds"] == 2
    assert [row["status"] for row in _rows(run / "clients.csv")] == ["accepted"] * 4 + ["dropped"] * 2


def test_faults_are_said_and_written(invoke, small, tmp_path):
    result = invoke("train", *small, "--rounds", 2, "--inject", "corrupt@1:#0,crash@2:#1", "--runs-dir", tmp_path)
    assert result.exit_code == 0, result.output
    assert re.search(r"^round 1: 1 of 2 updates refused \(\S+\): checksum: ", result.output, re.MULTILINE)
    assert re.search(r"^round 2: 1 of 2 clients crashed \(\S+\): InjectedCrash: injected$", result.output, re.MULTILINE)
    (run,) = tmp_path.glob("*-*")
    rows = _rows(run / "history.csv")
    assert [(row["clients"], row["refused"], row["crashed"]) for row in rows] == [("1", "1", "0"), ("1", "0", "1")]
    (crashed,) = [row for row in _rows(run / "clients.csv") if row["status"] == "crashed"]
    assert "Traceback" in crashed["trace"]


@pytest.mark.long
@pytest.mark.posix
def test_a_full_disk(start, small, tmp_path):
    import resource

    # No file may grow beyond 300 kB; the model has more than 500.
    process = start(
        *("train", *small, "--runs-dir", tmp_path),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000)),
    )
    _, err = process.communicate()
    assert process.returncode == 6
    assert len(err.splitlines()) == 1
    (run,) = tmp_path.glob("*-*")
    assert json.loads((run / "summary.json").read_text())["status"] == "failed"
    assert len(_rows(run / "history.csv")) == 1  # the checkpoint of round 1 was the first that had no room
    assert not list(run.rglob("*.h5*"))


@pytest.mark.posix
def test_a_reader_that_goes_away_ends_the_run(start, small, tmp_path):
    process = start("train", *small, "--rounds", 100_000, "--runs-dir", tmp_path)
    process.stdout.readline()
    process.stdout.close()
    process.stdout = None
    _, err = process.communicate()
    assert process.returncode == 6
    assert err == ""


@pytest.mark.realdata
def test_real_data(invoke, real_data, tmp_path):
    options = ["--clients", "4", "--clients-per-round", "2", "--rounds", "1", "--eval-samples", "20"]
    result = invoke("train", *options, "--data-dir", real_data, "--runs-dir", tmp_path / "runs")
    assert result.exit_code == 0, result.output
    assert result.output.startswith("femnist: real data")
    (run,) = (tmp_path / "runs").glob("*-*")
    assert run.name.startswith("femnist-topk-weights-")
    assert {row["source"] for row in _rows(run / "history.csv")} == {"real"}
    assert h5py.is_hdf5(run / "model.h5")

    result = invoke("eval", run)  # its data are not named any more
    assert result.exit_code == 3
    assert "trained on real data" in result.output
    assert "--source synthetic" in result.output
    assert len(result.output.splitlines()) == 1
    assert invoke("eval", run, "--data-dir", real_data).output.startswith("femnist: real data")
