"""`minizerofl runs`, and which run a command takes when it is given a folder, `latest` or nothing."""

import csv
import io
import json
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest


@pytest.fixture
def folder(finished_run, tmp_path, monkeypatch) -> Path:
    """A folder with runs/: a finished run, and a newer one that was interrupted and has no model."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(finished_run.path, tmp_path / "runs" / "done-seed3")
    shutil.copytree(finished_run.path, tmp_path / "runs" / "stopped-seed3")
    file = tmp_path / "runs" / "stopped-seed3" / "summary.json"
    changes = {"status": "interrupted", "begun": "2999-01-01T00:00:00+00:00"}
    file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))
    (file.parent / "model.h5").unlink()
    return tmp_path


def test_the_table_of_a_real_run(invoke, finished_run):
    result = invoke("runs", finished_run.path.parent)
    assert result.exit_code == 0, result.output
    assert max(map(len, result.output.splitlines())) <= 80
    assert finished_run.path.name in result.output
    assert "finished  SYNTHETIC     2/2" in result.output
    (row,) = csv.DictReader(io.StringIO(invoke("runs", finished_run.path, "--csv", "-").stdout))
    assert row["test_accuracy"] == str(json.loads((finished_run.path / "summary.json").read_text())["test_accuracy"])


def test_csv_goes_to_a_file_and_notes_to_stderr(start, folder):
    (folder / "runs" / "holiday").mkdir()
    process = start("runs", "--csv", "runs.csv", cwd=folder)
    assert process.communicate() == ("", "Note: holiday: holds no run\n")
    assert process.returncode == 0
    rows = csv.DictReader(io.StringIO(Path("runs.csv").read_text()))
    assert [row["name"] for row in rows] == ["stopped-seed3", "done-seed3"]


def test_no_such_folder(invoke, tmp_path):
    result = invoke("runs", tmp_path / "none")
    assert (result.exit_code, len(result.output.splitlines())) == (2, 1)


def test_eval_takes_the_newest_run_that_has_a_model_and_says_which(invoke, folder):
    result = invoke("eval")
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    assert lines[0] == f"Newest run: {Path('runs/done-seed3')} (SYNTHETIC data)"
    assert lines[1:] == invoke("eval", "runs/done-seed3").output.splitlines()


def test_resume_takes_the_newest_run_that_is_not_done(invoke, folder):
    result = invoke("resume")
    assert result.exit_code == 0, result.output
    assert result.output.startswith(f"Newest run: {Path('runs/stopped-seed3')} (SYNTHETIC data)")
    assert (folder / "runs" / "stopped-seed3" / "model.h5").exists()
    again = invoke("resume")
    assert (again.exit_code, len(again.output.splitlines())) == (2, 1)
    assert "found no run that has stopped before its end" in again.output


@pytest.mark.parametrize("command", ["eval", "resume"])
def test_without_runs_a_path_must_be_named(invoke, tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    result = invoke(command)
    assert (result.exit_code, len(result.output.splitlines())) == (2, 1)
    assert "name a run directory" in result.output


@pytest.mark.parametrize("command", [("eval",), ("resume",), ("trace", "--weights")])
def test_a_folder_of_runs_offers_the_newest(invoke, folder, command):
    result = invoke(*command, "runs")
    assert (result.exit_code, len(result.output.splitlines())) == (2, 1)
    assert str(Path("runs/stopped-seed3")) in result.output


@pytest.mark.parametrize("link", [True, False])
def test_latest_is_taken_for_the_run_itself(invoke, folder, link):
    if link:
        Path("runs/latest").symlink_to("done-seed3")
    else:
        Path("runs/latest").write_text("done-seed3\n")
    assert invoke("eval", "runs/latest").output == invoke("eval", "runs/done-seed3").output
    resumed = invoke("resume", "runs/latest", "--extend-rounds", 1)
    assert resumed.exit_code == 0, resumed.output
    assert str(Path("runs/done-seed3")) in resumed.output  # not the pointer, which may move meanwhile
    assert "runs/latest" not in resumed.output


@pytest.mark.long
def test_train_lets_latest_point_to_it_and_two_runs_at_once_have_two_names(start, small, tmp_path, invoke):
    processes = [start("train", *small, "--rounds", 1, "--runs-dir", tmp_path / "runs") for _ in range(2)]
    waits = [threading.Thread(target=process.communicate) for process in processes]
    for wait in waits:
        wait.start()
    for wait in waits:
        wait.join()
    assert [process.returncode for process in processes] == [0, 0]
    name = "femnist-synthetic-topk-weights-seed3"
    assert sorted(path.name for path in (tmp_path / "runs").glob("*-*")) == [name, f"{name}-2"]
    assert (tmp_path / "runs" / "latest").resolve().name.startswith(name)


def test_a_run_may_keep_no_checkpoint(invoke, small, tmp_path):
    result = invoke("train", *small, "--keep-checkpoints", 0, "--runs-dir", tmp_path)
    assert result.exit_code == 0, result.output
    (run,) = tmp_path.glob("*-*")
    assert not (run / "checkpoints").exists()
    assert "keep_checkpoints = 0" in (run / "config.toml").read_text()
    assert invoke("eval", run).exit_code == 0
    before = {file: file.read_bytes() for file in run.rglob("*") if file.is_file()}
    done = invoke("resume", run)
    assert (done.exit_code, "All 2 rounds are done." in done.output) == (0, True)
    refused = invoke("resume", run, "--extend-rounds", 1)
    assert (refused.exit_code, "--keep-checkpoints 0" in refused.output) == (2, True)
    assert {file: file.read_bytes() for file in run.rglob("*") if file.is_file()} == before


def test_a_run_may_keep_one_or_more_checkpoints(invoke, small, tmp_path):
    options = ("--rounds", 4, "--validation-samples", 0, "--runs-dir", tmp_path)
    result = invoke("train", *small, *options, "--keep-checkpoints", 1)
    assert result.exit_code == 0, result.output
    (run,) = tmp_path.glob("*-*")
    assert [path.name for path in (run / "checkpoints").iterdir()] == ["round-000004.h5"]
    assert invoke("resume", run, "--extend-rounds", 3, "--keep-checkpoints", 3).exit_code == 0
    assert sorted(path.name for path in (run / "checkpoints").iterdir()) == [f"round-00000{i}.h5" for i in (5, 6, 7)]
    config = (run / "config.toml").read_text()
    (run / "config.toml").write_text(config.replace("keep_checkpoints = 3", "keep_checkpoints = -1"))
    wrong = invoke("resume", run)
    assert (wrong.exit_code, "run.keep_checkpoints is -1, expected at least 0" in wrong.output) == (2, True)


def test_a_sweep_keeps_what_it_is_told(invoke, tmp_path):
    text = 'source = "synthetic"\nclients = 2\nclients_per_round = 2\nrounds = 1\nkeep_checkpoints = 2\nseed = [0]\n'
    (tmp_path / "s.toml").write_text(text)
    result = invoke("sweep", tmp_path / "s.toml", "--runs-dir", tmp_path / "runs", "--keep-checkpoints", 0)
    assert result.exit_code == 0, result.output
    assert not list((tmp_path / "runs").rglob("round-*.h5"))
    assert (tmp_path / "runs" / "latest").resolve().name == "seed=0"


def test_a_model_of_an_imported_set_is_traced(invoke, tmp_path):
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "dots.npz", x=rng.integers(0, 256, (60, 28, 28), np.uint8), y=np.arange(60) % 3)
    assert invoke("data", "import", tmp_path / "dots.npz", "--name", "dots").exit_code == 0
    options = ("--num-clients", 2, "--clients-per-round", 2, "--rounds", 1, "--model", "femnist_cnn")
    trained = invoke("train", "--dataset", "dots", *options, "--runs-dir", tmp_path / "runs")
    assert trained.exit_code == 0, trained.output
    result = invoke("trace", "--weights", tmp_path / "runs" / "latest", "--batch-size", 2)
    assert result.exit_code == 0, result.output
    assert result.output.startswith("dots: imported data")
