"""`minizerofl resume`: the same to the bit as a run that never stopped, or refused with its reason."""

import csv
import json
import random
import re
import shutil
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

from minizerofl.fl import load_model
from minizerofl.fl.files.checkpoint import Checkpoints, read_checkpoint
from minizerofl.fl.files.history import CLIENT_TIMING_COLUMNS, TIMING_COLUMNS
from minizerofl_cli.commands.train import train
from minizerofl_cli.runs.lock import locked
from minizerofl_cli.runs.plan import make_plan
from minizerofl_cli.runs.run import conduct
from minizerofl_cli.screen.interrupts import Interrupts
from minizerofl_cli.screen.progress import PlainScreen

TINY = [
    *("--source", "synthetic", "--clients", "3", "--clients-per-round", "2", "--eval-samples", "40", "--seed", "3"),
    *("--validation-samples", "20", "--rounds", "6", "--workers", "2"),
    *("--checkpoint-every", "3"),  # so that the tables are ahead of the checkpoint most of the time
    *("--model", "my_model:small_cnn"),  # the fixture `small_model`
]

pytestmark = pytest.mark.usefixtures("small_model")

# Runs each command in a fork of a process that has imported everything, so that a run is up at once.
# A fork ends itself with SIGKILL some time after it began, or after it has recorded one more round.
FORKS = """
import glob, os, signal, sys, threading, time
from minizerofl_cli.main import main
import minizerofl_cli.runs.continuation

def size(folder):
    return sum(os.path.getsize(path) for path in glob.glob(folder + "/*/history.csv"))

def end(folder, seconds, after_a_round):
    before = size(folder)
    while after_a_round and size(folder) <= before:
        time.sleep(0.005)
    time.sleep(seconds)
    os.kill(os.getpid(), signal.SIGKILL)

for line in sys.stdin:
    folder, seconds, after_a_round, *arguments = line.split()
    pid = os.fork()
    if pid == 0:
        sys.stdin = open(os.devnull)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        if float(seconds) >= 0:
            threading.Thread(target=end, args=(folder, float(seconds), int(after_a_round)), daemon=True).start()
        sys.argv = ["minizerofl", *arguments]
        main()
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
"""


def _results(run: Path) -> list[dict[str, str]]:
    return [
        {name: value for name, value in row.items() if name not in TIMING_COLUMNS + CLIENT_TIMING_COLUMNS}
        for table in ("history.csv", "clients.csv")
        for row in csv.DictReader((run / table).read_text().splitlines())
    ]


def _assert_the_same(run: Path, other: Path) -> None:
    assert _results(run) == _results(other)
    models = [load_model(path / "model.h5") for path in (run, other)]
    assert models[0].about == models[1].about
    for name, value in models[0].state.items():
        np.testing.assert_array_equal(value, models[1].state[name])
    summaries = [json.loads((path / "summary.json").read_text()) for path in (run, other)]
    for summary in summaries:
        for name in ("pid", "begun", "cum_seconds", "cum_train_seconds"):
            assert summary.pop(name)
    assert summaries[0] == summaries[1]
    newest = [Checkpoints(path / "checkpoints") for path in (run, other)]
    one, two = (read_checkpoint(each.paths()[0]) for each in newest)
    assert one.best == two.best
    assert {part: sorted(memory) for part, memory in one.memory.items()}.keys() == two.memory.keys()
    assert (run / "model.h5").read_bytes() == (other / "model.h5").read_bytes()


@pytest.fixture(scope="module")
def straight(tmp_path_factory, invoke, small_model) -> Path:
    """A run that never stopped."""
    runs = tmp_path_factory.mktemp("straight")
    result = invoke("train", *TINY, "--runs-dir", runs)
    assert result.exit_code == 0, result.output
    (run,) = runs.glob("*-*")
    return run


@pytest.fixture
def forks():
    with subprocess.Popen(
        [sys.executable, "-c", FORKS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        process.stdin.close()


@pytest.mark.long
@pytest.mark.posix
def test_killed_at_random_moments(straight, forks, tmp_path):
    def start(seconds: float, after_a_round: bool, *arguments: object) -> int:
        forks.stdin.write(" ".join(map(str, (tmp_path, seconds, int(after_a_round), *arguments))) + "\n")
        forks.stdin.flush()
        return int(forks.stdout.readline())

    rng = random.Random(0)
    killed, finished = 0, []
    while killed < 8 or not finished:
        incomplete = [run for run in tmp_path.glob("*-*") if run not in finished and (run / "summary.json").exists()]
        command = ("resume", incomplete[0]) if incomplete else ("train", *TINY, "--runs-dir", tmp_path)
        after_a_round = killed % 2 == 0
        seconds = rng.uniform(0.0, 0.2 if after_a_round else 1.0) if killed < 8 else -1
        code = start(seconds, after_a_round, *command)
        killed += code == -signal.SIGKILL
        if code != -signal.SIGKILL:
            assert code == 0
            finished += [run for run in tmp_path.glob("*-*") if _status(run) == "finished" and run not in finished]
    for run in finished:
        _assert_the_same(run, straight)


def _status(run: Path) -> str | None:
    file = run / "summary.json"
    return json.loads(file.read_text())["status"] if file.exists() else None


@pytest.mark.long
@pytest.mark.posix
def test_after_ctrl_c(straight, start, wait_for_line, invoke, tmp_path):
    process = start("train", *TINY, "--runs-dir", tmp_path, "--checkpoint-every", 4)
    wait_for_line(process, "round 2/")
    process.send_signal(signal.SIGINT)
    process.communicate()
    assert process.returncode == 130
    (run,) = tmp_path.glob("*-*")
    assert _status(run) == "interrupted"
    assert Checkpoints(run / "checkpoints").paths()  # of the last complete round, though none was due
    result = invoke("resume", run, "--workers", 1, "--checkpoint-every", 1)
    assert result.exit_code == 0, result.output
    assert result.output.splitlines()[0].startswith("femnist: SYNTHETIC")
    assert "Resumed after round" in result.output
    _assert_the_same(run, straight)
    log = (run / "train.log").read_text()
    assert log.index("Interrupted; the model of round") < log.index("Resumed after round")


@pytest.fixture
def copy(straight, tmp_path) -> Path:
    return Path(shutil.copytree(straight, tmp_path / "copy"))


def _last_line(result) -> str:
    return result.output.splitlines()[-1]


def test_a_finished_run_stays_as_it_is(copy, invoke):
    before = {file: file.read_bytes() for file in copy.rglob("*") if file.is_file()}
    result = invoke("resume", copy)
    assert result.exit_code == 0
    assert "All 6 rounds are done" in _last_line(result)
    assert {file: file.read_bytes() for file in copy.rglob("*") if file.is_file()} == before


def test_a_finished_run_can_be_extended(copy, straight, invoke):
    result = invoke("resume", copy, "--extend-rounds", 2)
    assert result.exit_code == 0, result.output
    rows = list(csv.DictReader((copy / "history.csv").read_text().splitlines()))
    assert [row["round"] for row in rows] == [str(t) for t in range(1, 9)]
    assert [row["lr"] for row in rows[6:]] == ["0.04", "0.04"]  # the schedule was fixed when the run began
    config = tomllib.loads((copy / "config.toml").read_text())
    assert (config["settings"]["rounds"], config["settings"]["schedule_rounds"]) == (8, 6)
    assert json.loads((copy / "summary.json").read_text())["rounds"] == 8
    before = list(csv.DictReader((straight / "history.csv").read_text().splitlines()))
    assert rows[:6] == before


def test_a_run_whose_polarity_has_its_former_name(invoke, tmp_path):
    """A run of before, with polarity "paper", goes on; a new one is told the new name."""
    arguments = train.make_context("train", [*TINY, "--rounds", "1", "--runs-dir", str(tmp_path)]).params
    del arguments["dry_run"]
    with Interrupts() as interrupts, PlainScreen.opened() as shown:
        conduct(make_plan(**{**arguments, "polarity": "paper"}), interrupts, shown)
    (run,) = tmp_path.glob("*-*")
    assert 'polarity = "paper"' in (run / "config.toml").read_text()
    result = invoke("resume", run, "--extend-rounds", 1)
    assert result.exit_code == 0, result.output
    for options in (("--polarity", "paper"), ("--config", run / "config.toml")):
        result = invoke("train", *options, "--dry-run")
        assert (result.exit_code, "'paper' is now called 'raw'" in result.output) == (2, True)


def test_a_changed_config_is_refused_and_its_keys_are_named(copy, invoke):
    config = (copy / "config.toml").read_text()
    changed = config.replace("lr_start = 0.2", "lr_start = 0.25").replace("init_seed = 3", "init_seed = 4")
    assert changed != config
    (copy / "config.toml").write_text(changed)
    history = (copy / "history.csv").read_bytes()
    result = invoke("resume", copy, "--extend-rounds", 1)
    assert result.exit_code == 2
    assert "settings.lr_start: 0.2 -> 0.25" in _last_line(result)
    assert "settings.init_seed: 3 -> 4" in _last_line(result)
    assert (copy / "history.csv").read_bytes() == history

    (copy / "config.toml").write_text(config.replace("num_classes = 62", "num_classes = 61"))
    assert "model.num_classes: 62 -> 61" in _last_line(invoke("resume", copy, "--extend-rounds", 1))

    (copy / "config.toml").write_text(config.replace("\nrounds = 6", "\nrounds = 3"))
    assert "settings.rounds: 3, fewer than the run has done" in _last_line(invoke("resume", copy))

    (copy / "config.toml").write_text(config.replace("lr_start", "lr_strat"))
    result = invoke("resume", copy, "--extend-rounds", 1)
    assert result.exit_code == 2
    assert "settings.lr_strat is unknown; did you mean 'lr_start'?" in _last_line(result)


def test_a_damaged_checkpoint_is_passed_over(copy, straight, invoke):
    newest, *_ = Checkpoints(copy / "checkpoints").paths()
    newest.write_bytes(newest.read_bytes()[:-100])
    summary = json.loads((copy / "summary.json").read_text())
    (copy / "summary.json").write_text(json.dumps({**summary, "status": "running"}))
    result = invoke("resume", copy)
    assert result.exit_code == 0, result.output
    assert "damaged" in result.output
    assert re.search(r"Resumed after round [345]:", result.output)
    _assert_the_same(copy, straight)


def test_other_data_are_refused(copy, invoke):
    partition = json.loads((copy / "partition.json").read_text())
    partition["clients"]["synthetic-0001"]["train"] += 1
    (copy / "partition.json").write_text(json.dumps(partition))
    result = invoke("resume", copy, "--extend-rounds", 1)
    assert result.exit_code == 3
    assert "1 clients differ, such as 'synthetic-0001'" in _last_line(result)


@pytest.mark.parametrize(
    ("line", "now", "expected"),
    [
        ("workers = 2", "workers = 0", "run.workers is 0, expected at least 1"),
        ("workers = 2", 'workers = "two"', "run.workers is 'two', expected a value of the kind int"),
        ("workers = 2", "workers = true", "run.workers is True"),
        ("checkpoint_every = 3", "checkpoint_every = 0", "run.checkpoint_every is 0"),
        ("checkpoint_every = 3", "checkpoint_every = 2.5", "run.checkpoint_every is 2.5"),
        ("checkpoint_every = 3", "", "'checkpoint_every' is missing"),
        ('recipe = "quick"', "recipe = []", "run.recipe is []"),
        ('inject = ""', "inject = 5", "settings.inject is 5, expected a value of the kind str"),
        ("\nrounds = 6", '\nrounds = "6"', "settings.rounds is '6'"),
        ("\nrounds = 6", "\nrounds = [6]", "settings.rounds is [6]"),
        ("nesterov = false", "nesterov = 1", "settings.nesterov is 1"),
        ("clients = 3", "clients = -1", "data.clients is -1"),
        ('dataset = "femnist"', "dataset = 1979-05-27", "data.dataset is"),
        ("[data_options]", "[data_options]\nalhpa = 1", "data_options.alhpa is 1"),
        ("[settings]", "[settings]\n[settings.more]", "settings.more is unknown"),
        ("[run]", "run = 5\n[other]", "run is 5, expected a table"),
        ('polarity = "ink"', "polarity = " + 200 * "[" + 200 * "]", "data.polarity is"),
        ('polarity = "ink"', "polarity = " + 9999 * "[" + 9999 * "]", "cannot be read"),
        ("workers = 2", "workers = " + 9999 * "9", "cannot be read"),
    ],
)
def test_a_config_with_values_of_the_wrong_kind(line, now, expected, copy, invoke):
    config = (copy / "config.toml").read_text()
    assert line in config
    (copy / "config.toml").write_text(config.replace(line, now, 1))
    result = invoke("resume", copy, "--extend-rounds", 1)
    assert (result.exit_code, len(result.output.splitlines())) == (2, 1), result.output
    assert expected in _last_line(result)


def test_damaged_files_are_rebuilt(copy, straight, invoke):
    lines = (copy / "history.csv").read_text().splitlines(keepends=True)
    (copy / "history.csv").write_text("".join(lines[:2] + lines[3:]))
    (copy / "clients.csv").write_text((copy / "clients.csv").read_text().replace("round", "r", 1))
    for name in ("partition.json", "environment.json"):
        (copy / name).write_text((copy / name).read_text()[:-9])
    (copy / "summary.json").write_text((copy / "summary.json").read_text().replace('"synthetic"', '"real"'))
    result = invoke("resume", copy)
    assert result.exit_code == 0, result.output
    for name in ("history.csv", "clients.csv", "partition.json", "environment.json", "summary.json"):
        assert f"{name} was missing or damaged and is written again" in result.output
    _assert_the_same(copy, straight)
    for name in ("history.csv", "clients.csv", "partition.json", "environment.json"):
        assert (copy / name).read_bytes() == (straight / name).read_bytes()
    assert "All 6 rounds are done" in _last_line(invoke("resume", copy))


def test_a_folder_that_is_no_run(tmp_path, invoke):
    result = invoke("resume", tmp_path)
    assert result.exit_code == 2
    assert "is not a run directory" in _last_line(result)
    assert invoke("resume", tmp_path / "nothing").exit_code == 2


@pytest.mark.posix
def test_a_run_that_is_in_use(copy, start, invoke):
    with locked(copy):
        process = start("resume", copy, "--extend-rounds", 1)
        _, err = process.communicate()
    assert process.returncode == 2
    assert "in use by another process" in err


@pytest.mark.posix
def test_a_full_disk_loses_nothing(straight, copy, start, invoke):
    # A checkpoint has more than 230 KB; no file may be larger than 200. What was there is still good for going on.
    import resource

    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))  # noqa: E731
    process = start("resume", copy, "--extend-rounds", 2, preexec_fn=limit)
    _, err = process.communicate()
    assert process.returncode == 6
    assert "File too large" in err
    assert not list(copy.rglob("*.part"))
    assert load_model(copy / "model.h5").about["rounds"] == 6
    result = invoke("resume", copy)
    assert result.exit_code == 0, result.output
    assert load_model(copy / "model.h5").about["rounds"] == 8
