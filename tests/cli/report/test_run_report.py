"""The report of a run in any state: finished, failed, interrupted, of an earlier version, damaged."""

import csv
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minizerofl.fl.files.maskfile import MaskFile
from minizerofl.fl.measures.masks import pack
from minizerofl_cli.report.positions import grouped
from minizerofl_cli.report.run_report import run_report, write_report
from minizerofl_cli.report.rundata import FILES, RunData

HEADINGS = ["What was run", "Accuracy and loss", "Clients", "Sparsity", "Costs", "How to repeat it"]
SYNTHETIC = "SYNTHETIC data: drawn by a program"


@pytest.fixture
def copied(finished_run, tmp_path) -> Path:
    """A copy of a small run that may be changed."""
    return Path(shutil.copytree(finished_run.path, tmp_path / "run"))


@pytest.fixture(scope="session")
def masked_run(tmp_path_factory, invoke, small) -> Path:
    """A small run that recorded its masks in every round."""
    runs = tmp_path_factory.mktemp("masked")
    result = invoke("train", *small, "--runs-dir", runs, "--masks-every", 1)
    assert result.exit_code == 0, result.output
    (run,) = runs.glob("*-*")
    return run


def _headings(page) -> list[str]:
    return [heading for heading in HEADINGS if heading in page.words]


def _change_rows(file: Path, change) -> None:
    with file.open(newline="") as table:
        rows = change(list(csv.DictReader(table)))
    with file.open("w", newline="") as table:
        writer = csv.DictWriter(table, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def _change_summary(run: Path, **news: object) -> None:
    summary = json.loads((run / "summary.json").read_text())
    (run / "summary.json").write_text(json.dumps({**summary, **news}))


def test_train_leaves_a_report(finished_run, read_html):
    html = (finished_run.path / "report.html").read_text(encoding="utf-8")
    page = read_html(html)
    assert html.index(SYNTHETIC) < html.index("<h1>")
    assert "Finished: 2 of 2 rounds." in page.text
    assert _headings(page) == HEADINGS
    assert page.count("figure") == page.count("figcaption") >= 10
    assert page.count("table") >= page.count("figure")
    assert page.count("svg") >= page.count("figure")


def test_the_command_writes_the_same_report(finished_run, invoke, tmp_path):
    result = invoke("report", finished_run.path, "-o", tmp_path / "new" / "page.html")
    assert result.exit_code == 0, result.output
    first, second = result.output.splitlines()
    assert first == "femnist (SYNTHETIC), topk-weights, sp 0.95, r 0.2, seed 3"
    assert re.fullmatch(rf"Report: {re.escape(str(tmp_path))}/new/page.html \(\d+ kB\)", second)
    assert (tmp_path / "new" / "page.html").read_text() == (finished_run.path / "report.html").read_text()


def test_its_figures_are_those_of_the_tables(finished_run, read_html):
    page = read_html(run_report(RunData.read(finished_run.path)))
    with (finished_run.path / "history.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert f"{100 * float(rows[-1]['test_accuracy']):.1f} %" in page.words
    sent, dense = (sum(int(row[name]) for row in rows) for name in ("uplink_bytes", "dense_uplink_bytes"))
    assert f"{sent / 1e3:,.0f} kB" in page.words
    assert f"{dense / sent:.1f} times less than dense" in page.words
    kept, all_macs = (sum(int(row[name]) for row in rows) for name in ("macs", "dense_macs"))
    assert f"{all_macs / kept:.1f} times fewer than dense" in page.words
    assert "All 4 updates of the clients were accepted." in page.words


def test_real_data_are_not_called_synthetic(copied, read_html):
    for name in ("config.toml", "summary.json", "history.csv", "clients.csv", "environment.json", "partition.json"):
        text = (copied / name).read_text()
        (copied / name).write_text(text.replace('source = "synthetic"', 'source = "real"').replace("synthetic", "real"))
    assert "SYNTHETIC" not in run_report(RunData.read(copied))


@pytest.mark.parametrize(
    ("status", "reason", "said"),
    [
        ("interrupted", "", "Interrupted after 2 of 5 rounds."),
        ("failed", "the disk is <full>.", "Failed after 2 of 5 rounds: the disk is <full>."),
        ("running", "", "Not at its end: 2 of 5 rounds are complete. It is still running, or it was killed."),
        (None, "", "2 of 5 rounds are complete; summary.json does not say how the run ended."),
    ],
)
def test_how_it_ended_is_said(copied, read_html, status, reason, said):
    _change_summary(copied, status=status, reason=reason, rounds=5)
    assert said in read_html(run_report(RunData.read(copied))).words


def test_a_run_without_a_complete_round_has_a_report(invoke, small, tmp_path, read_html):
    result = invoke("train", *small, "--runs-dir", tmp_path, "--inject", "drop@1:*")
    assert result.exit_code == 4
    (run,) = tmp_path.glob("*-*")
    page = read_html((run / "report.html").read_text(encoding="utf-8"))
    assert "Failed after 0 of 2 rounds: round 1: 0 of 2 updates could be used" in page.text
    assert "No round is complete yet, so there are no results." in page.words
    assert "did not answer (injected)" in page.words


def test_one_round_without_evaluation_has_a_report(copied, read_html):
    def strip(rows):
        empty = {name: "" for name in rows[0] if "test_" in name or "validation" in name or "client_acc" in name}
        return [{**rows[0], **empty, "balanced_accuracy": ""}]

    _change_rows(copied / "history.csv", strip)
    page = read_html(run_report(RunData.read(copied)))
    assert {"not yet", "Loss by round", "Where the time went"} <= set(page.words)
    assert "Accuracy by round" not in page.words


def test_a_run_of_an_earlier_version_has_a_report(copied, read_html):
    few = ("round", "train_loss_nats", "test_accuracy", "uplink_bytes")
    _change_rows(copied / "history.csv", lambda rows: [{name: row[name] for name in few} for row in rows])
    (copied / "clients.csv").unlink()
    (copied / "summary.json").write_text('{"status": "finished"}')
    page = read_html(run_report(RunData.read(copied)))
    assert {"Accuracy by round", "Loss by round", "Bytes of all rounds"} <= set(page.words)
    assert "Missing or damaged: clients.csv. This page shows what the other files hold." in page.words
    assert "majority class" not in page.text


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("damage", ["missing", "empty", "garbage", "half", "other kind"])
def test_a_damaged_run_has_a_report(copied, read_html, name, damage):
    file = copied / name
    if damage == "missing":
        if name == "config.toml":
            return  # then it is not a run
        file.unlink()
    elif damage == "empty":
        file.write_bytes(b"")
    elif damage == "garbage":
        file.write_bytes(bytes(range(256)) * 20)
    elif damage == "half":
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    else:
        file.write_text('["a list"]' if name.endswith("json") else "a = 1\n")
    page = read_html(run_report(RunData.read(copied)))
    assert SYNTHETIC in page.text
    assert damage == "other kind" or name in page.text.split("What was run")[0]


@pytest.mark.parametrize("content", ['{"status": 3, "rounds": "x", "majority_accuracy": "y", "best_round": []}', "{}"])
def test_nonsense_in_a_summary_is_no_obstacle(copied, read_html, content):
    (copied / "summary.json").write_text(content)
    (copied / "partition.json").write_text('{"clients": {"a": {"train": "many"}, "b": 3, "c": {"train": null}}}')
    (copied / "config.toml").write_text('settings = 3\n[data]\norigin = 1\n[model]\nname = ["a"]\n')
    page = read_html(run_report(RunData.read(copied)))
    assert "Accuracy by round" in page.text


def test_names_cannot_break_the_page(copied, read_html):
    name = "</table><script>alert('猫')</script>\x1b[2J"
    _change_rows(copied / "clients.csv", lambda rows: [{**row, "client": name, "status": "refused"} for row in rows])
    _change_summary(copied, status="failed", reason=name)
    page = read_html(run_report(RunData.read(copied)))
    assert page.text.count("<script>alert('猫')</script>\\x1b[2J") == 5
    assert "4" in page.words
    assert "The 4 turns that were not accepted; clients.csv has all" in page.words


def test_masks_are_shown_with_the_initial_one_as_control(masked_run, read_html):
    page = read_html((masked_run / "report.html").read_text(encoding="utf-8"))
    for layer in ("conv2", "conv3", "linear"):
        assert f"Positions over rounds: {layer}" in page.words
    assert page.words.count("start") == 6  # in each map, and in each table
    assert {"initial mask", "recorded before", "independent"} <= set(page.words)


def test_damaged_masks_are_said(masked_run, tmp_path, read_html):
    run = Path(shutil.copytree(masked_run, tmp_path / "run"))
    whole = (run / "masks.h5").read_bytes()
    (run / "masks.h5").write_bytes(whole[: len(whole) - 10])
    page = read_html(run_report(RunData.read(run)))
    assert "The positions cannot be shown:" in page.text
    assert "Positions over rounds" not in page.text


@given(st.lists(st.lists(st.booleans(), min_size=40, max_size=40), min_size=1, max_size=5))
def test_a_map_holds_every_position_that_was_ever_kept(rows):
    masks = np.array(rows)  # (rounds, positions)
    shares = grouped(masks)
    ever = masks.any(axis=0).sum()
    assert shares.shape == (min(24, ever), len(rows))
    sizes = [ever // 24 + (i < ever % 24) for i in range(24)] if ever >= 24 else [1] * ever
    np.testing.assert_allclose(np.array(sizes) @ shares if ever else 0, masks.sum(axis=1))
    if ever and ever <= 24:
        assert (np.diff(shares[:, 1:].sum(axis=1)) <= 0).all()


def test_only_the_masks_that_are_asked_for_are_loaded(tmp_path):
    file = MaskFile(tmp_path, "synthetic")
    bits = {"a": pack(np.array([0], np.int32), 8), "b": pack(np.array([1], np.int32), 8)}
    for t in (1, 2):
        file.add(t, bits, bits, {"a": 8, "b": 8}, {})
    assert {t: sorted(layers) for t, layers in file.load().items()} == {t: ["a", "b"] for t in (0, 1, 2)}
    assert {t: sorted(layers) for t, layers in file.load({0, 2}, {"b"}).items()} == {0: ["b"], 2: ["b"]}


def test_a_long_run_gives_a_small_file(copied, read_html):
    def rounds(rows):
        return [{**rows[t % 2], "round": t} for t in range(1, 1001)]

    _change_rows(copied / "history.csv", rounds)
    _change_rows(
        copied / "clients.csv",
        lambda rows: [
            {**rows[0], "round": t, "status": "late", "reason": "r" * 80} for t in range(1, 1001) for _ in range(35)
        ],
    )
    html = run_report(RunData.read(copied))
    assert len(html.encode()) < 3_000_000
    page = read_html(html)
    assert "thinned out" in page.text
    assert page.count("tr") > 5000  # the tables are complete
    assert "The 35,000 turns that were not accepted, the first 200 of them; clients.csv has all" in page.words


def test_what_is_not_a_run_is_refused(invoke, tmp_path):
    result = invoke("report", tmp_path)
    assert result.exit_code == 2
    assert (
        result.output == f"minizerofl: {tmp_path} is not a run directory of minizerofl train: it has no config.toml\n"
    )
    result = invoke("report", tmp_path / "none")
    assert (result.exit_code, result.output.count("\n")) == (2, 1)
    assert list(tmp_path.iterdir()) == []


def test_without_a_name_it_is_the_newest_run(copied, invoke, monkeypatch):
    monkeypatch.chdir(copied.parent)
    result = invoke("report")
    assert (result.exit_code, result.output.count("\n")) == (2, 1)
    (copied.parent / "runs").mkdir()
    shutil.move(copied, copied.parent / "runs" / "mine")
    (copied.parent / "runs" / "mine" / "report.html").unlink()
    result = invoke("report")
    assert result.exit_code == 0, result.output
    assert result.output.startswith("Newest run: runs/mine (SYNTHETIC data)\n")
    assert (copied.parent / "runs" / "mine" / "report.html").is_file()


def test_a_file_that_cannot_be_written_is_said(finished_run, invoke, tmp_path):
    (tmp_path / "file").write_text("in the way")
    result = invoke("report", finished_run.path, "-o", tmp_path / "file" / "page.html")
    assert result.exit_code == 6
    assert result.output.count("\n") == 1
    assert invoke("report", finished_run.path, "-o", tmp_path).exit_code == 2


def test_resume_writes_it_again(copied, invoke, read_html):
    (copied / "report.html").write_text("old")
    result = invoke("resume", copied, "--extend-rounds", 1)
    assert result.exit_code == 0, result.output
    assert "Finished: 3 of 3 rounds." in read_html((copied / "report.html").read_text(encoding="utf-8")).words


def test_a_run_is_whole_without_its_report(copied, invoke):
    (copied / "report.html").unlink()
    (copied / "report.html").mkdir()
    result = invoke("resume", copied, "--extend-rounds", 1)
    assert result.exit_code == 0, result.output
    assert "Note: report.html cannot be written (IsADirectoryError: " in result.output


def test_it_does_not_load_matplotlib(finished_run, tmp_path):
    code = (
        "import sys; from pathlib import Path; from minizerofl_cli.report.run_report import write_report\n"
        f"write_report(Path({str(finished_run.path)!r}), Path({str(tmp_path / 'page.html')!r}))\n"
        "print('matplotlib' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_the_report_of_one_run_is_always_the_same(finished_run, tmp_path):
    pages = [write_report(finished_run.path, tmp_path / f"{i}.html")[1].read_bytes() for i in range(2)]
    assert pages[0] == pages[1]
