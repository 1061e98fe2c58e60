"""A run directory: files that can be read back at any moment, and a place that no one else has."""

import csv
import json
import os
import tomllib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minizerofl.fl import Best, Evaluation, Outcome, Round, SavedModel, Settings, TooFewClientsError, load_model
from minizerofl.fl.errors import SealError
from minizerofl.fl.files.checkpoint import Checkpoint
from minizerofl.fl.files.history import HISTORY_COLUMNS, TIMING_COLUMNS
from minizerofl.fl.files.naming import begun, run_name
from minizerofl.fl.files.rundir import RunDirectory
from minizerofl.fl.files.toml import to_toml
from minizerofl.fl.round import NOT_EVALUATED
from minizerofl.models import build

scalars = st.text() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.booleans()
keys = st.from_regex(r"[a-z][a-z_]{0,9}", fullmatch=True)


def _make(root: Path, **changes: object) -> RunDirectory:
    arguments = {
        "source": "synthetic",
        "config": {"run": {"rounds": 2}},
        "environment": {"python": "3"},
        "partition": {"a": (10, 2), "b": (20, 3)},
        "summary": {"rounds": 2},
        "layers": ["conv"],
    }
    return RunDirectory(root, "run", **{**arguments, **changes})


def _open(path: Path) -> RunDirectory:
    known = {"environment": {"python": "3"}, "partition": {"a": (10, 2), "b": (20, 3)}, "summary": {"rounds": 2}}
    return RunDirectory.open(path, source="synthetic", layers=["conv"], **known)


def _round(t: int, score: Evaluation = NOT_EVALUATED) -> Round:
    return Round(
        round=t,
        lr=0.1 / 3,
        outcomes=(
            Outcome("b", "accepted", num_samples=20, train_loss=2.5, uplink_bytes=60),
            Outcome("a", "refused", "a value is not finite", num_samples=10, train_loss=float("nan"), uplink_bytes=40),
            Outcome("c", "crashed", "KeyError: 'x'", "Traceback\n  KeyError, of course\n"),
        ),
        train_loss=2.5,
        dense_bytes=190,
        kept_fraction=0.25,
        kept={"conv": 0.25},
        score=score,
        train_seconds=1.5,
        eval_seconds=0.25,
    )


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@given(st.dictionaries(keys, st.dictionaries(keys, scalars)))
def test_toml_reads_back_equal(tables):
    read = tomllib.loads(to_toml(tables))
    assert read == tables
    assert [[type(v) for v in table.values()] for table in read.values()] == [
        [type(v) for v in table.values()] for table in tables.values()
    ]


def test_a_name_that_has_no_utf8():
    text = to_toml({"data": {"folder": os.fsdecode(b"f\xff")}})
    assert tomllib.loads(text)["data"]["folder"] == "f\\udcff"


def test_a_crash_over_a_file_whose_name_is_no_utf8_is_written_down(tmp_path):
    run = _make(tmp_path)
    says = "OSError: no file " + os.fsdecode(b"f\xff")
    run.record(replace(_round(1), outcomes=(Outcome("a", "accepted"), Outcome("b", "crashed", says, says))))
    run.log(says)
    assert [row["reason"] for row in _rows(run.path / "clients.csv")] == ["", r"OSError: no file f\udcff"]
    assert (run.path / "train.log").read_text(encoding="utf-8") == "OSError: no file f\\udcff\n"


def test_the_name_says_what_the_run_is():
    settings = Settings(uplink="full", sparsity=0.9, mask_ratio=0.0, seed=3)
    assert run_name("femnist", "synthetic", settings) == "femnist-synthetic-full-seed3"
    assert run_name("femnist", "real", settings) == "femnist-full-seed3"
    own = Settings(uplink="minizerofl.fl.uplinks.paper:Full")
    assert run_name("cifar10", "real", own) == "cifar10-Full-seed0"


def test_a_taken_name_gets_a_number_and_the_earlier_run_stays(tmp_path):
    first = _make(tmp_path)
    before = {file.name: file.read_bytes() for file in first.path.iterdir()}
    assert [_make(tmp_path).path.name for _ in range(2)] == ["run-2", "run-3"]
    assert {file.name: file.read_bytes() for file in first.path.iterdir()} == before


def test_runs_that_start_at_once_get_directories_of_their_own(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        paths = list(pool.map(lambda _: _make(tmp_path).path, range(16)))
    assert len(set(paths)) == 16


def test_what_it_holds_at_once(tmp_path):
    path = _make(tmp_path / "new" / "runs").path
    assert tomllib.loads((path / "config.toml").read_text()) == {"run": {"rounds": 2}}
    assert json.loads((path / "environment.json").read_text()) == {"source": "synthetic", "python": "3"}
    partition = json.loads((path / "partition.json").read_text())
    assert partition["clients"]["b"] == {"train": 20, "test": 3}
    summary = json.loads((path / "summary.json").read_text())
    assert (summary["status"], summary["pid"], summary["rounds_done"]) == ("running", os.getpid(), 0)
    assert _rows(path / "history.csv") == _rows(path / "clients.csv") == []


def test_a_directory_that_cannot_be_filled_is_removed(tmp_path):
    with pytest.raises(TypeError):
        _make(tmp_path, environment={"not JSON": object()})
    assert list(tmp_path.iterdir()) == []


def test_each_round_is_written_at_once(tmp_path):
    run = _make(tmp_path)
    for t, score in ((1, Evaluation(5, 0.4, 2.0)), (2, NOT_EVALUATED)):
        run.record(_round(t, score))
        rows = _rows(run.path / "history.csv")
        assert len(rows) == t
        assert tuple(rows[-1]) == (*HISTORY_COLUMNS, "kept_fraction:conv")
        assert json.loads((run.path / "summary.json").read_text())["rounds_done"] == t
    first, second = rows
    assert first["source"] == "synthetic"
    assert float(first["lr"]) == 0.1 / 3
    assert (first["test_samples"], first["test_accuracy"], first["test_loss_nats"]) == ("5", "0.4", "2.0")
    assert (second["test_samples"], second["test_accuracy"], second["test_loss_nats"]) == ("", "", "")
    assert (second["uplink_bytes"], second["cum_uplink_bytes"], second["cum_dense_uplink_bytes"]) == (
        "100",
        "200",
        "380",
    )
    assert float(second["cum_seconds"]) == 3.5
    assert set(TIMING_COLUMNS) < set(HISTORY_COLUMNS)
    clients = _rows(run.path / "clients.csv")[:3]
    assert [(row["round"], row["client"], row["num_samples"], row["status"]) for row in clients] == [
        ("1", "b", "20", "accepted"),
        ("1", "a", "10", "refused"),
        ("1", "c", "0", "crashed"),
    ]
    assert clients[2]["trace"] == "Traceback\n  KeyError, of course\n"
    assert (first["clients"], first["refused"], first["crashed"], first["train_samples"]) == ("1", "1", "1", "20")
    summary = json.loads((run.path / "summary.json").read_text())
    assert (summary["evaluated_round"], summary["test_accuracy"]) == (1, 0.4)


def test_the_end(tmp_path):
    run = _make(tmp_path)
    run.log("one")
    run.log("zwölf")
    run.finish("failed", "no luck")
    summary = json.loads((run.path / "summary.json").read_text())
    assert (summary["status"], summary["reason"]) == ("failed", "no luck")
    assert (run.path / "train.log").read_text(encoding="utf-8") == "one\nzwölf\n"
    assert not list(run.path.glob("*.part"))


def test_the_model_knows_the_source_of_its_data(tmp_path):
    run = _make(tmp_path)
    state = build("femnist_cnn", num_classes=2).state_dict()
    run.save(SavedModel("femnist_cnn", {"num_classes": 2}, state, {"dataset": "femnist", "source": "?"}))
    saved = load_model(run.path / "model.h5")
    assert saved.about == {"dataset": "femnist", "source": "synthetic"}
    assert all(np.array_equal(saved.state[name], state[name]) for name in state)


def test_going_back_to_a_round(tmp_path):
    run = _make(tmp_path)
    for t, score in ((1, Evaluation(5, 0.4, 2.0)), (2, Evaluation(5, 0.6, 1.0)), (3, NOT_EVALUATED)):
        run.record(_round(t, score), Best(min(t, 2), 0.1))
    before = {name: (run.path / name).read_text().splitlines() for name in ("history.csv", "clients.csv")}
    for name in before:  # killed in the middle of a line
        with (run.path / name).open("a") as file:
            file.write('4,"ab\nc')
    (run.path / "clients.csv").write_bytes((run.path / "clients.csv").read_bytes() + b"\xff")

    again = _open(run.path)
    again.go_back_to(1, Best(1, 0.1))
    again.go_on(rounds=5)
    assert (run.path / "history.csv").read_text().splitlines() == before["history.csv"][:2]
    assert {row["round"] for row in _rows(run.path / "clients.csv")} == {"1"}
    summary = json.loads((run.path / "summary.json").read_text())
    assert (summary["rounds_done"], summary["rounds"], summary["status"]) == (1, 5, "running")
    assert (summary["evaluated_round"], summary["test_accuracy"], summary["best_round"]) == (1, 0.4, 1)
    assert summary["cum_uplink_bytes"] == 100

    again.record(_round(2, Evaluation(5, 0.6, 1.0)), Best(2, 0.1))
    again.record(_round(3), Best(2, 0.1))
    for name, lines in before.items():
        assert (run.path / name).read_text().splitlines() == lines


def test_going_back_without_opening_anew_counts_nothing_twice(tmp_path):
    run = _make(tmp_path)
    for t in (1, 2):
        run.record(_round(t))
    run.go_back_to(1, None)
    assert run.summary["cum_uplink_bytes"] == 100


def test_a_round_that_came_to_nothing_is_told(tmp_path):
    run = _make(tmp_path)
    run.record_loss(TooFewClientsError("lost", 7, _round(7).outcomes))
    assert [(row["round"], row["status"]) for row in _rows(run.path / "clients.csv")] == [
        ("7", "accepted"),
        ("7", "refused"),
        ("7", "crashed"),
    ]
    _open(run.path).go_back_to(0)
    assert _rows(run.path / "clients.csv") == []


@pytest.fixture
def three_rounds(tmp_path) -> tuple[RunDirectory, Checkpoint]:
    """A run after its third round, with the checkpoint of the second; its environment.json is as old as it is."""
    run = _make(tmp_path)
    moment = datetime.fromisoformat(begun(run.path)).timestamp()
    os.utime(run.path / "environment.json", (moment, moment))
    for t in (1, 2, 3):
        run.record(_round(t, Evaluation(5, 0.1 * t, 2.0)), Best(1, 0.5))
        if t == 2:
            checkpoint = Checkpoint(2, {}, best=Best(1, 0.5), tables=run.tables())
    return run, checkpoint


def _lose_a_line(content: bytes) -> bytes:
    lines = content.splitlines(keepends=True)
    return b"".join([lines[0], *lines[2:]])


DAMAGE = [
    _lose_a_line,
    lambda content: content.replace(b"round", b"rnd", 1),
    lambda content: content[len(content) // 3 :],
    lambda content: content[:10],
    lambda content: b"",
    lambda content: b"\x00" * len(content),
    lambda content: content.replace(b"synthetic", b"real", 1),
    lambda content: content.replace(b"100", b"900", 1),
]


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("name", ["history.csv", "clients.csv", "summary.json", "partition.json", "environment.json"])
def test_a_damaged_file_is_rebuilt_from_the_checkpoint(three_rounds, name, damage):
    run, checkpoint = three_rounds
    before = {file.name: file.read_bytes() for file in run.path.iterdir()}
    (run.path / name).write_bytes(damage(before[name]))
    again = _open(run.path)
    again.go_back_to(2, checkpoint.best, checkpoint.tables)
    assert {name: (run.path / name).read_bytes() for name in checkpoint.tables} == checkpoint.tables
    if name == "summary.json" or damage in DAMAGE[2:6]:  # What cannot be read, and what is derived, is as it was.
        again.record(_round(3, Evaluation(5, 0.1 * 3, 2.0)), Best(1, 0.5))
        for file in run.path.iterdir():
            if file.suffix == ".json":
                assert json.loads(file.read_bytes()) == json.loads(before[file.name])
            else:
                assert file.read_bytes() == before[file.name]


def test_what_is_damaged_is_named(three_rounds):
    run, checkpoint = three_rounds
    assert _open(run.path).damage(checkpoint) == []
    names = ["history.csv", "clients.csv", "environment.json", "partition.json", "summary.json"]
    for i, name in enumerate(names, 1):
        (run.path / name).write_text("{")
        assert _open(run.path).damage(checkpoint) == names[:i]


@pytest.mark.parametrize("damage", DAMAGE[:6])
def test_without_a_copy_in_the_checkpoint_a_damaged_history_is_refused(three_rounds, damage):
    run, _ = three_rounds
    history = run.path / "history.csv"
    history.write_bytes(damage(history.read_bytes()))
    with pytest.raises(SealError, match=r"history\.csv"):
        _open(run.path).go_back_to(2)
