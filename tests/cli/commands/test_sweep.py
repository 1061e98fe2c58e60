"""`minizerofl sweep`: every combination once, whatever interrupts it."""

import csv
import json
import os
import re
import shutil
import signal
from pathlib import Path

import pytest

from minizerofl_cli.commands.train import train
from minizerofl_cli.runs.grid import Sweep

pytestmark = pytest.mark.usefixtures("small_model")

FILE = """
model = "my_model:small_cnn"
source = "synthetic"
clients = 3
clients-per-round = 2
rounds = 2
eval-samples = 40
validation-samples = 20
mask_ratio = [0.0, 0.2]
uplink = ["topk-weights", "full"]
"""
NAMES = [f"mask_ratio={ratio},uplink={uplink}" for ratio in ("0.0", "0.2") for uplink in ("topk-weights", "full")]


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "ratios.toml"
    path.write_text(FILE)
    return path


def _results(folder) -> list[dict[str, str]]:
    return list(csv.DictReader((folder / "results.csv").read_text().splitlines()))


@pytest.mark.long
@pytest.mark.posix
def test_interrupted_and_started_again(file, start, invoke, tmp_path):
    folder = tmp_path / "runs" / "sweep-ratios"
    process = start("sweep", file, "--runs-dir", tmp_path / "runs")
    for line in process.stdout:
        if line.startswith("[2/3]"):
            break
    for line in process.stdout:
        if line.startswith("round 1/2"):
            break
    process.send_signal(signal.SIGINT)
    process.communicate()
    assert process.returncode == 130
    statuses = [row["status"] for row in _results(folder)]
    assert statuses in (["finished", end, "", end] for end in ("interrupted", "finished"))
    first = {path: path.read_bytes() for path in (folder / NAMES[0]).rglob("*") if path.is_file()}

    preview = invoke("sweep", file, "--runs-dir", tmp_path / "runs", "--dry-run").output.splitlines()
    assert re.fullmatch(r"3 runs in .*, for 4 combinations", preview[0])
    assert preview[1] == f"{NAMES[0]}: finished, 2 rounds done"
    assert preview[3:5] == [f"{NAMES[2]}: to be run", f"{NAMES[3]}: the same run as {NAMES[1]}"]
    assert re.fullmatch(r"Estimated for what is left: .* s and [1-9]\d* MB of disk, .*", preview[5])

    result = invoke("sweep", file, "--runs-dir", tmp_path / "runs")
    assert result.exit_code == 0, result.output
    assert f"[1/3] {NAMES[0]}: done before, skipped" in result.output
    assert f"{NAMES[3]}: the same run as {NAMES[1]}, not run twice" in result.output
    *_, head, first_row, _, _, last = result.output.splitlines()
    assert head.split() == ["mask_ratio,", "uplink", "test", "%", "balanced", "10th", "perc.", "MB", "up", "s", "best"]
    assert first_row.startswith("0.0, topk-weights")
    assert last == f"Results are in {folder / 'results.csv'}; next: minizerofl compare {folder}"
    assert max(map(len, (head, first_row))) <= 80
    assert {path: path.read_bytes() for path in (folder / NAMES[0]).rglob("*") if path.is_file()} == first
    rows = _results(folder)
    assert [row["directory"] for row in rows] == [*NAMES[:3], NAMES[1]]
    assert [row["same_as"] for row in rows] == ["", "", "", NAMES[1]]
    assert not (folder / NAMES[3]).exists()
    assert {row["status"] for row in rows} == {"finished"}
    assert [row["uplink"] for row in rows] == ["topk-weights", "full"] * 2
    for row in rows:
        summary = json.loads((folder / row["directory"] / "summary.json").read_text())
        assert float(row["test_accuracy"]) == summary["test_accuracy"]
        assert int(row["best_round"]) == summary["best_round"]
        history = list(csv.DictReader((folder / row["directory"] / "history.csv").read_text().splitlines()))
        for name in ("balanced_accuracy", "test_loss_nats", "client_accuracy_p10", "cum_downlink_bytes", "cum_macs"):
            assert float(row[name]) == float(history[-1][name])
        spent = [float(each["train_seconds"]) + float(each["aggregate_seconds"]) for each in history]
        assert float(row["training_seconds"]) == pytest.approx(sum(spent), abs=0.001)
    assert int(rows[0]["cum_uplink_bytes"]) < int(rows[2]["cum_uplink_bytes"]) < int(rows[1]["cum_uplink_bytes"])

    file.write_text(FILE.replace("rounds = 2", "rounds = 3"))
    result = invoke("sweep", file, "--runs-dir", tmp_path / "runs")
    assert result.exit_code == 2
    assert "settings.rounds: 2 -> 3" in result.output.splitlines()[-1]


def test_a_run_that_fails_does_not_keep_the_others_from_running(file, invoke, tmp_path):
    file.write_text(FILE.replace("mask_ratio = [0.0, 0.2]", "").replace('["topk-weights", "full"]', '"full"'))
    with file.open("a") as more:
        more.write('inject = ["nan@2:*", ""]\n')
    result = invoke("sweep", file, "--runs-dir", tmp_path / "runs")
    assert result.exit_code == 5, result.output
    rows = _results(tmp_path / "runs" / "sweep-ratios")
    assert [row["status"] for row in rows] == ["failed", "finished"]
    assert "not finite" in rows[0]["reason"]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("rounds = []", "rounds is an empty list"),
        ("ruonds = [1]", "did you mean 'rounds'?"),
        ("rounds = [1, 'many']", "'many' is not a valid integer"),
        ("sparsity = [0.5, 1.5]", "--sparsity 1.5"),
    ],
)
def test_a_wrong_value_is_found_before_anything_runs(content, expected, invoke, tmp_path):
    (tmp_path / "s.toml").write_text(content)
    result = invoke("sweep", tmp_path / "s.toml", "--runs-dir", tmp_path / "runs")
    assert result.exit_code == 2
    assert expected in result.output
    assert not (tmp_path / "runs").exists()


ONE = (
    FILE.replace("[0.0, 0.2]", "0.2")
    .replace('["topk-weights", "full"]', '["full"]')
    .replace("rounds = 2", "rounds = 1")
)


@pytest.fixture
def one(tmp_path):
    path = tmp_path / "one.toml"
    path.write_text(ONE)
    return path


def _files(folder) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_nothing_of_a_users_is_deleted(one, invoke, tmp_path):
    folder = tmp_path / "runs" / "sweep-one"
    run = folder / "uplink=full"
    run.mkdir(parents=True)
    (run / "thesis.tex").write_text("all of it")
    result = invoke("sweep", one, "--runs-dir", tmp_path / "runs")
    assert result.exit_code == 0, result.output
    assert (folder / "uplink=full.aside-1" / "thesis.tex").read_text() == "all of it"
    assert str(folder / "uplink=full.aside-1") in result.output

    (run / "notes.txt").write_text("mine")
    before = _files(run)
    (run / "summary.json").unlink()  # The run is repaired: its checkpoint has all that is needed.
    result = invoke("sweep", one, "--runs-dir", tmp_path / "runs")
    assert result.exit_code == 0, result.output
    after = _files(run)
    for name in ("notes.txt", "history.csv", "clients.csv", "config.toml", "model.h5"):
        assert after[name] == before[name]
    assert json.loads(after["summary.json"]) == {**json.loads(before["summary.json"]), "pid": os.getpid()}

    # A summary that calls the run real is put right, and so is the table of results.
    (run / "summary.json").write_bytes(after["summary.json"].replace(b'"synthetic"', b'"real"'))
    result = invoke("sweep", one, "--runs-dir", tmp_path / "runs")
    assert result.exit_code == 0, result.output
    assert json.loads((run / "summary.json").read_text())["source"] == "synthetic"
    assert _results(folder)[0]["source"] == "synthetic"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("seed = 1", "settings.seed: 0 -> 1"),
        ("partition-seed = 1", "data.partition_seed: 0 -> 1"),
        ("clients = 4", "data.clients: 3 -> 4"),
        ("", "data.clients: 3 -> 'all'"),
        ('polarity = "raw"', "data.polarity: 'ink' -> 'raw'"),
        ('source = "real"', "data.source: 'synthetic' -> 'real'"),
        ('dataset = "cifar10"', "data.dataset: 'femnist' -> 'cifar10'"),
        ("rounds = 3", "settings.rounds: 1 -> 3"),
    ],
)
def test_a_run_of_other_data_or_settings_does_not_count_as_done(one, line, expected, invoke, tmp_path, finished_sweep):
    runs = shutil.copytree(finished_sweep, tmp_path / "runs")
    before = _files(runs)
    name = line.split(" = ")[0] or "clients"
    kept = [each for each in ONE.splitlines() if not each.startswith(f"{name} =")]
    one.write_text("\n".join([*kept, line]))
    result = invoke("sweep", one, "--runs-dir", runs)
    assert result.exit_code == 2, result.output
    assert expected in result.output.splitlines()[-1]
    assert expected in invoke("sweep", one, "--runs-dir", runs, "--dry-run").output
    assert _files(runs) == before


@pytest.fixture(scope="module")
def finished_sweep(tmp_path_factory, invoke):
    folder = tmp_path_factory.mktemp("sweep")
    (folder / "one.toml").write_text(ONE)
    assert invoke("sweep", folder / "one.toml", "--runs-dir", folder / "runs").exit_code == 0
    return folder / "runs"


def test_two_values_are_two_runs(tmp_path):
    file = tmp_path / "faults.toml"
    long = ",".join(f"drop@{i}:writer" for i in range(100))
    values = ["drop@1:#0", "drop@1:*", "drop@1:a b", "drop@1:a_b", "drop@1:a/b", long, long + "s", ""]
    file.write_text(f"inject = {json.dumps(values)}")
    sweep = Sweep(file, tmp_path, train)
    names = [each.name for each in sweep.combinations]
    assert len(set(names)) == len(values)
    assert all("/" not in name and len(name.encode()) < 200 for name in names)
    assert names == [each.name for each in Sweep(file, tmp_path, train).combinations]


def test_a_value_that_stands_there_twice(invoke, tmp_path):
    (tmp_path / "s.toml").write_text("sparsity = [0.9, 0.95, 0.90]")
    result = invoke("sweep", tmp_path / "s.toml", "--runs-dir", tmp_path / "runs")
    assert (result.exit_code, "sparsity has the value 0.9 twice" in result.output) == (2, True)


def test_the_folder_of_an_earlier_version_goes_on_working(one, invoke, tmp_path, finished_sweep):
    """There, a combination may have a run of its own though another one is the same run."""
    one.write_text(ONE + "mask_ratio = [0.0, 0.2]\n".replace("mask_ratio", "mask-ratio"))
    one.write_text(one.read_text().replace("\nmask_ratio = 0.2", ""))
    sweep = Sweep(one, tmp_path / "runs", train)
    first, second = (each.name for each in sweep.combinations)
    folder = tmp_path / "runs" / "sweep-one"
    folder.mkdir(parents=True)
    shutil.copytree(finished_sweep / "sweep-one" / "uplink=full", folder / second)
    result = invoke("sweep", one, "--runs-dir", tmp_path / "runs")
    assert result.exit_code == 0, result.output
    assert f"{first}: the same run as {second}, not run twice" in result.output
    assert "[1/1]" in result.output
    assert "done before, skipped" in result.output
    assert {row["directory"] for row in _results(folder)} == {second}


def test_what_changes_a_run_in_any_way_makes_it_another_one(tmp_path):
    weights = [str(tmp_path / name) for name in ("a.npz", "b.npz")]
    for name in weights:
        Path(name).write_bytes(b"")
    ways = {
        "mask-ratio": ([0.1, 0.2], 1),
        "server-lr": ([0.0, 1.0], 1),  # 0 stands for the default, which is 1
        "recipe": (["quick", "paper"], 2),
        "workers": ([1, 2], 2),
        "alpha": ([0.5, 1.0], 2),
        "data-dir": (["here", "there"], 2),
        "init-from": (weights, 2),
        "mask-from": (weights, 2),
        "sparsity": ([0.9, 0.95], 2),
    }
    for name, (values, runs) in ways.items():
        file = tmp_path / "s.toml"
        file.write_text(f'uplink = "full"\n{name} = {json.dumps(values)}\n')
        assert len(Sweep(file, tmp_path, train).runs()) == runs, name
