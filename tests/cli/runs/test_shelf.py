"""The list of runs: all of them, in their states, and a line for what is not a whole run."""

import csv
import io
import json
from pathlib import Path

from minizerofl.fl.files.rundir import RunDirectory
from minizerofl_cli.runs.lock import locked
from minizerofl_cli.runs.shelf import COLUMNS, read_shelf, shelf_csv, shelf_lines


def _run(
    root: Path, name: str, begun: str, status: str = "finished", source: str = "synthetic", **more: object
) -> Path:
    summary = {"dataset": "femnist", "rounds": 30, **more}
    run = RunDirectory(
        root, name, source=source, config={"run": {}}, environment={}, partition={"a": (1, 1)}, summary=summary
    )
    if status != "running":
        run.finish(status)
    file = run.path / "summary.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "begun": begun, **more}))
    return run.path


SCORES = {"test_accuracy": 0.6891, "balanced_accuracy": 0.339, "cum_uplink_bytes": 134_800_000, "cum_seconds": 24.4}


def _shelf(root: Path) -> Path:
    _run(root, "old-full-seed0", "2026-01-02T03:04:05+00:00", "failed", source="real")
    _run(root, "new-topk-seed0", "2026-11-26T23:50:00+00:00", rounds_done=30, **SCORES)
    _run(root, "mid-topk-seed0", "2026-11-26T12:00:00+02:00", "interrupted", source="real", dataset="my-scans")
    _run(root, "dead-topk-seed0", "2026-03-01T00:00:00+00:00", "running")
    _run(root / "sweep-ratios", "mask_ratio=0.1", "2026-02-01T00:00:00+00:00", **SCORES)
    return root


def test_runs_stand_newest_first_in_their_states(tmp_path):
    shelf = read_shelf(_shelf(tmp_path))
    assert [(entry.name, entry.state, entry.kind) for entry in shelf.entries] == [
        ("new-topk-seed0", "finished", "SYNTHETIC"),
        ("mid-topk-seed0", "interrupted", "imported"),
        ("dead-topk-seed0", "killed", "SYNTHETIC"),
        ("sweep-ratios/mask_ratio=0.1", "finished", "SYNTHETIC"),
        ("old-full-seed0", "failed", "real"),
    ]
    assert shelf.problems == []
    with locked(tmp_path / "dead-topk-seed0"):
        assert read_shelf(tmp_path).entries[2].state == "running"


def test_the_table_fits_80_columns_and_a_wide_screen_has_a_line_a_run(tmp_path):
    shelf = read_shelf(_shelf(tmp_path))
    narrow, wide = (list(shelf_lines(tmp_path, shelf, width)) for width in (80, 200))
    assert max(map(len, narrow)) <= 80
    assert (len(narrow), len(wide)) == (12, 6)
    assert " ".join(wide[0].split()) == "name state data rounds accuracy balanced MB sent s begun (UTC)"
    row = "new-topk-seed0 finished SYNTHETIC 30/30 68.9 % 33.9 % 134.8 24 11-26 23:50"
    assert " ".join(wide[1].split()) == " ".join([*narrow[2].split(), *narrow[3].split()]) == row
    assert "11-26 10:00" in wide[2]  # in UTC, wherever it ran


def test_what_is_damaged_or_foreign_is_named_in_one_line(tmp_path):
    _shelf(tmp_path)
    (tmp_path / "mid-topk-seed0" / "summary.json").write_text("{")
    (tmp_path / "dead-topk-seed0" / "summary.json").write_text('{"status": "asleep", "source": "real"}')
    odd = '{"status": "failed", "source": "real", "rounds_done": "x"}'
    (tmp_path / "old-full-seed0" / "summary.json").write_text(odd)
    (tmp_path / "holiday").mkdir()
    (tmp_path / "results.csv").write_text("")
    shelf = read_shelf(tmp_path)
    assert [entry.name for entry in shelf.entries] == ["new-topk-seed0", "sweep-ratios/mask_ratio=0.1"]
    assert [line.split(":")[0] for line in shelf.problems] == [
        *("dead-topk-seed0", "mid-topk-seed0", "old-full-seed0", "holiday"),
    ]
    lines = list(shelf_lines(tmp_path, shelf, 200))
    assert sum(line.startswith("Note: ") for line in lines) == 4


def test_numbers_that_are_none_are_blank(tmp_path):
    _run(tmp_path, "odd-seed0", "yesterday", test_accuracy="good", cum_seconds=None, balanced_accuracy=float("nan"))
    shelf = read_shelf(tmp_path)
    assert list(shelf_lines(tmp_path, shelf, 200))[1].split() == ["odd-seed0", "finished", "SYNTHETIC", "0/30", "0.0"]


def test_the_csv_holds_every_run_unrounded(tmp_path):
    shelf = read_shelf(_shelf(tmp_path))
    rows = list(csv.DictReader(io.StringIO(shelf_csv(shelf.entries))))
    assert tuple(rows[0]) == COLUMNS
    assert len(rows) == 5
    assert {name: float(rows[0][name]) for name in SCORES} == SCORES
    assert Path(rows[3]["directory"]) == tmp_path / "sweep-ratios" / "mask_ratio=0.1"


def test_a_run_by_itself_and_an_empty_folder(tmp_path):
    _shelf(tmp_path / "runs")
    (entry,) = read_shelf(tmp_path / "runs" / "new-topk-seed0").entries
    assert entry.name == "new-topk-seed0"
    (tmp_path / "empty").mkdir()
    assert list(shelf_lines(Path("empty"), read_shelf(tmp_path / "empty"), 80)) == ["No runs in empty."]
