"""`minizerofl trace`: its tables, files and picture."""

import csv
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from minizerofl.fl import SavedModel, save_model
from minizerofl.fl.engines.processes import AVAILABLE
from minizerofl.models import build

QUICK = ["--batch-size", 2]
ROUND = [
    "--round",
    "--model",
    "small_cnn",
    "--clients",
    "3",
    "--clients-per-round",
    "2",
    "--rounds",
    "2",
    "--workers",
    "2",
]
TURN = {"read samples", "load model", "mini-batches", "steps", "count multiply-adds", "check", "select", "encode"}
SERVER = {"encode model", "decode", "fold", "take in", "server step", "check", "record", "files"}
POST = {"hand out model", "receive model", "send", "receive"}  # between processes


def test_table_and_file(invoke, paper_run, tmp_path) -> None:
    file = tmp_path / "step.json"
    result = invoke("trace", *QUICK, "--sparsity", 0.9, "--weights", paper_run.path, "--json", file)
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    assert "SYNTHETIC" in lines[0]
    assert str(paper_run.path) in lines[1]
    report = json.loads(file.read_text())
    assert (report["sparsity"], report["batch_size"]) == (0.9, 2)
    names = [row["layer"] for row in report["rows"]]
    head = next(i for i, line in enumerate(lines) if line.startswith("layer "))
    table = lines[head + 1 : head + 2 + len(names)]
    assert max(map(len, lines[head:])) <= 80
    assert "Not shown: " in result.output
    assert [line.split("  ")[0] for line in table] == [*names, "total"]
    conv2 = next(row for row in report["rows"] if row["layer"] == "conv2")
    assert conv2["output_shape"] == [64, 14, 14, 2]
    assert conv2["weight_density"] == 0.1
    assert conv2["macs_done"]["forward"] * 10 == conv2["macs_dense"]


def test_a_dense_network_does_everything(invoke, paper_run) -> None:
    result = invoke("trace", *QUICK, "--sparsity", 0, "--weights", paper_run.path)
    assert result.exit_code == 0, result.output
    assert "100.0 % of the dense step" in result.output


@pytest.mark.parametrize("options", [["--sparsity", 1], ["--model", "vgg"], ["--batch-size", 0]])
def test_refusals_are_one_line(invoke, options: list) -> None:
    result = invoke("trace", *options)
    assert result.exit_code == 2
    assert len(result.output.splitlines()) == 1


def test_the_csv_holds_what_a_narrow_screen_does_not(invoke, paper_run, tmp_path) -> None:
    files = tmp_path / "step.csv", tmp_path / "step.json"
    options = ("--weights", paper_run.path, "--csv", files[0], "--json", files[1])
    result = invoke("trace", *QUICK, *options)
    assert result.exit_code == 0, result.output
    rows = list(csv.DictReader(io.StringIO(files[0].read_text())))
    told = json.loads(files[1].read_text())["rows"]
    assert [row["layer"] for row in rows] == [row["layer"] for row in told]
    assert [float(row["forward_seconds"]) for row in rows] == [row["forward_seconds"] for row in told]
    conv2 = next(row for row in rows if row["layer"] == "conv2")
    assert conv2["output_shape"] == "64x14x14x2"
    assert int(conv2["kept_bytes"]) > 0


@pytest.mark.parametrize("about", [{}, {"dataset": "femnist"}])
def test_a_saved_model_with_a_name_of_its_own(invoke, tmp_path, about) -> None:
    """Such a file comes from a program that registered the builder; here nobody knows the name."""
    state = build("femnist_cnn", num_classes=62, sparsity=0.9).state_dict()
    arguments = {"num_classes": 62, "sparsity": 0.9}
    save_model(tmp_path / "small.h5", SavedModel("small", arguments, state, about))
    result = invoke("trace", *QUICK, "--weights", tmp_path / "small.h5")
    assert (result.exit_code, len(result.output.splitlines())) == (2, 1), result.output
    assert "small" in result.output
    assert "internal error" not in result.output


def test_a_saved_model_that_does_not_say_its_data_is_traced_on_those_of_its_kind(invoke, tmp_path) -> None:
    state = build("femnist_cnn", num_classes=62, sparsity=0.9).state_dict()
    save_model(tmp_path / "a.h5", SavedModel("femnist_cnn", {"num_classes": 62, "sparsity": 0.9}, state, {}))
    result = invoke("trace", *QUICK, "--weights", tmp_path / "a.h5")
    assert result.exit_code == 0, result.output
    assert result.output.startswith("femnist: SYNTHETIC data")


@dataclass(frozen=True)
class RoundRun:
    """What a trace of rounds left."""

    output: str
    told: dict[str, Any]
    rows: list[dict[str, str]]
    picture: Path


@pytest.fixture(scope="module", params=["threads", "processes"])
def traced(request, invoke, tmp_path_factory) -> RoundRun:
    folder = tmp_path_factory.mktemp(request.param)
    files = folder / "round.json", folder / "round.csv", folder / "round.svg"
    result = invoke(
        "trace", *ROUND, "--engine", request.param, "--json", files[0], "--csv", files[1], "--plot", files[2]
    )
    assert result.exit_code == 0, result.output
    told = json.loads(files[0].read_text())
    return RoundRun(result.output, told, list(csv.DictReader(io.StringIO(files[1].read_text()))), files[2])


def test_every_part_of_a_round_is_there(traced: RoundRun) -> None:
    between = {part["part"] for part in traced.told["parts"]} & POST
    assert between in (set(), POST) if AVAILABLE else not between
    for places in [traced.told, *traced.told["rounds"]]:
        found = {(part["where"], part["part"]) for part in places["parts"]}
        assert found >= {("worker", name) for name in TURN | {"decode model", "evaluate", "rest of a turn"}}
        assert found >= {("server", name) for name in SERVER | {"rest of a round"}}
        assert all(part["times"] > 0 and part["cpu_seconds"] <= part["seconds"] + 0.01 for part in places["parts"])
    # It is written while the next round trains, and may end in either.
    assert {each["where"] for each in traced.told["parts"] if each["part"] == "checkpoint"} == {"writer"}
    for row in traced.rows:
        assert f"\n{row['part']} " in traced.output
        assert float(row["wall_seconds"]) >= 0
    assert [row["part"] for row in traced.rows] == [part["part"] for part in traced.told["parts"]]


def test_the_parts_of_a_client_add_up_to_its_turn(traced: RoundRun) -> None:
    for each in traced.told["rounds"]:
        assert len(each["clients"]) == 2
        for client in each["clients"]:
            parts = {part["part"]: part for part in client["parts"]}
            assert set(parts) >= TURN
            assert sum(part["seconds"] for part in parts.values()) == pytest.approx(client["seconds"])
            assert sum(part["cpu_seconds"] for part in parts.values()) == pytest.approx(client["cpu_seconds"])
            assert parts["mini-batches"]["times"] == -(-client["samples"] // 10)
            assert 0 < client["began"] <= client["began"] + client["seconds"] <= each["seconds"]
            assert client["worker"] in (1, 2)


def test_what_a_client_takes_around_its_training(traced: RoundRun) -> None:
    around = ("receive model", "read samples", "decode model", "load model", "check", "select", "encode", "send")
    wanted = {"worker": (*around, "rest of a turn"), "server": ("receive", "decode", "fold", "take in")}
    for each in traced.told["rounds"]:
        for place, names in wanted.items():
            parts = [part for part in each["parts"] if part["where"] == place and part["part"] in names]
            told = each["around_a_client_cpu_seconds"][place]
            assert told == pytest.approx(sum(part["cpu_seconds"] for part in parts) / 2)


def test_workers_are_busy_or_idle(traced: RoundRun) -> None:
    for each in traced.told["rounds"]:
        assert len(each["workers"]) == traced.told["workers"] == 2
        assert sum(worker["times"] for worker in each["workers"]) == each["server"]["times"] == 2
        for worker in each["workers"]:
            assert worker["idle_share"] == pytest.approx(1 - worker["seconds"] / each["seconds"])
        assert each["server"]["seconds"] < each["seconds"]
        assert each["share_without_workers"] + each["share_with_one_worker"] <= 1
        none, one = each["share_without_workers"], each["share_with_one_worker"]
        busy = sum(worker["seconds"] for worker in each["workers"]) / each["seconds"]
        assert busy == pytest.approx(one + 2 * (1 - none - one))


def test_what_more_workers_would_do_is_said_to_be_on_paper(traced: RoundRun) -> None:
    told = traced.told
    assert 0 < told["serial_share"] < told["serial_share_without_evaluation"] < 1
    assert [row["workers"] for row in told["forecast"]] == [1, 2, 4, 8, 16, 32, 64]
    assert [told["forecast"][0][key] for key in ("amdahl", "on_paper")] == [1, 1]
    for key in ("amdahl", "on_paper"):
        speeds = [row[key] for row in told["forecast"]]
        assert speeds == sorted(speeds)
    assert "on paper" in traced.output
    assert "Amdahl" in traced.output
    assert max(map(len, traced.output.split("Where a round goes")[1].splitlines())) <= 80


def test_the_output_says_what_was_traced(traced: RoundRun) -> None:
    told, lines = traced.told, traced.output.splitlines()
    assert "SYNTHETIC" in lines[0]
    assert lines[2].startswith("small_cnn, sp 0.95, batch 10, 2 clients, 2 workers (")
    assert told["model"] == "small_cnn"
    assert (told["settings"]["sparsity"], told["settings"]["clients_per_round"]) == (0.95, 2)
    assert [each["round"] for each in told["rounds"]] == [2, 3]  # the first one is a warm-up


def test_the_picture_names_its_parts(traced: RoundRun) -> None:
    text = traced.picture.read_text()
    for name in ("server", "worker 1", "worker 2", "writer", "SYNTHETIC", "small_cnn", "idle"):
        assert name in text
    for name in ("hand-over", "steps", "select", "encode", "decode", "fold", "server step", "evaluate", "files"):
        assert f">{name}</text>" in text


def test_rounds_begin_with_the_weights_of_a_run(invoke, finished_run) -> None:
    result = invoke("trace", *ROUND, "--rounds", 1, "--workers", 1, "--sparsity", 0.9, "--weights", finished_run.path)
    assert result.exit_code == 0, result.output
    assert f"weights: those of {finished_run.path}" in result.output.splitlines()[1]
    assert "small_cnn, sp 0.9, batch 10, 2 clients, 1 worker (thread)" in result.output


@pytest.mark.parametrize(
    ("options", "code", "word"),
    [
        (["--dataset", "femnist"], 2, "--dataset is for whole rounds; add --round"),
        (["--rounds", 2], 2, "--rounds is for whole rounds; add --round"),
        (["--plot", "a.svg"], 2, "--plot is for whole rounds; add --round"),
        (["--round", "--plot", "a.txt"], 2, "'a.txt' is not a picture file"),
        (["--round", "--rounds", 0], 2, "--rounds"),
        (["--round", "--engine", "gpu"], 2, "gpu"),
        (["--round", "--dataset", "mnist"], 2, "mnist"),
        (["--round", "--source", "real", "--data-dir", "no-such-folder"], 3, "no-such-folder"),
        (["--round", "--source", "synthetic", "--data-dir", "."], 2, "--data-dir is for real data"),
        (["--round", "--clients", 3, "--clients-per-round", 4], 4, "4"),
    ],
)
def test_options_of_rounds_that_are_refused(invoke, options: list, code: int, word: str) -> None:
    result = invoke("trace", *options)
    assert (result.exit_code, len(result.output.splitlines())) == (code, 1), result.output
    assert word in result.output
