"""`minizerofl sweep`: every combination once, whatever interrupts it."""

import csv
import json
import signal

import pytest

FILE = """
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


def test_interrupted_and_started_again(file, start, invoke, tmp_path):
    folder = tmp_path / "runs" / "sweep-ratios"
    process = start("sweep", file, "--runs-dir", tmp_path / "runs")
    for line in process.stdout:
        if line.startswith("[2/4]"):
            break
    for line in process.stdout:
        if line.startswith("round 1/2"):
            break
    process.send_signal(signal.SIGINT)
    process.communicate()
    assert process.returncode == 130
    statuses = [row["status"] for row in _results(folder)]
    assert statuses in (["finished", "interrupted", "", ""], ["finished", "finished", "", ""])
    first = {path: path.read_bytes() for path in (folder / NAMES[0]).rglob("*") if path.is_file()}

    preview = invoke("sweep", file, "--runs-dir", tmp_path / "runs", "--dry-run").output.splitlines()
    assert preview[0].startswith("4 runs in ")
    assert preview[1] == f"{NAMES[0]}: finished, 2 rounds done"
    assert preview[4] == f"{NAMES[3]}: to be run"

    result = invoke("sweep", file, "--runs-dir", tmp_path / "runs")
    assert result.exit_code == 0, result.output
    assert f"[1/4] {NAMES[0]}: done before, skipped" in result.output
    assert {path: path.read_bytes() for path in (folder / NAMES[0]).rglob("*") if path.is_file()} == first
    rows = _results(folder)
    assert [row["directory"] for row in rows] == NAMES
    assert {row["status"] for row in rows} == {"finished"}
    assert [row["uplink"] for row in rows] == ["topk-weights", "full"] * 2
    for row in rows:
        summary = json.loads((folder / row["directory"] / "summary.json").read_text())
        assert float(row["test_accuracy"]) == summary["test_accuracy"]
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
        ("sparsity = [0.5, 1.5]", "sparsity is 1.5"),
    ],
)
def test_a_wrong_value_is_found_before_anything_runs(content, expected, invoke, tmp_path):
    (tmp_path / "s.toml").write_text(content)
    result = invoke("sweep", tmp_path / "s.toml", "--runs-dir", tmp_path / "runs")
    assert result.exit_code == 2
    assert expected in result.output
    assert not (tmp_path / "runs").exists()
