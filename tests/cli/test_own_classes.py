"""Classes of a user's own from the command line: a run, what resume, eval and sweep make of it, and what is refused."""

import csv
import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "docs" / "extend"
BROKEN = """
import numpy as np
from minizerofl.fl import Server, TopKWeights, Uplink
from minizerofl.sparse import Selection

class NoRank(Uplink):
    differences = False

class Other:
    pass

class Late(TopKWeights):
    def rank(self, name, start, end, ctx):
        raise RuntimeError("my own fault")

class Absent(Server):
    def move(self, name, before, change, memory):
        return change.nothing

class FirstK(Selection):
    def select(self, values, budget):
        return {name: np.arange(budget[name], dtype=np.int32) for name in values}

number = 3

def no_seed(num_classes, sparsity):
    pass

def needs_width(num_classes, width, sparsity, seed):
    pass

def returns_nothing(sparsity, seed):
    pass

def raises(sparsity, seed):
    return 1 / 0

def wrong_shape(num_classes, sparsity, seed):
    from minizerofl import nn
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 5))

def wrong_input(sparsity, seed):
    from minizerofl import nn
    return nn.Sequential(nn.Flatten(), nn.Linear(783, 62))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A folder with the files of docs/extend, and with some that are wrong."""
    path = tmp_path_factory.mktemp("own")
    shutil.copytree(EXAMPLES, path, dirs_exist_ok=True)
    (path / "broken.py").write_text(BROKEN)
    (path / "unfinished.py").write_text("def f(:\n")
    (path / "raises.py").write_text("import math\nf = nothing\n")
    return path


@pytest.fixture(scope="module")
def command(folder, tmp_path_factory):
    """Run the command in that folder, which is not on Python's own path."""
    cache = tmp_path_factory.mktemp("no-cache")

    def run(*arguments: object, cwd: Path = folder) -> subprocess.CompletedProcess[str]:
        line = [sys.executable, "-P", "-m", "minizerofl_cli", *map(str, arguments)]
        with pytest.MonkeyPatch.context() as patch:
            patch.delenv("MINIZEROFL_DATA", raising=False)
            patch.setenv("MINIZEROFL_CACHE", str(cache))
            return subprocess.run(line, cwd=cwd, capture_output=True, text=True, check=False)

    return run


@pytest.fixture
def inside(folder, invoke, monkeypatch):
    """Run the command in that folder, but in this process, which forgets what it imported from there."""
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", list(sys.path))
    known = set(sys.modules)
    yield invoke
    for file in folder.glob("*.py"):
        if file.stem not in known:
            sys.modules.pop(file.stem, None)


OWN = ("--uplink", "my_uplink:SignFlips", "--server", "my_server:SlowStart", "--model", "my_model:small_cnn")
NAMES = {"uplink": OWN[1], "server": OWN[3]}


@pytest.fixture(scope="module")
def run(command, folder, small) -> Path:
    """A run with an uplink, a server and a model of the user's own, in two processes."""
    done = command("train", *small, *OWN, "--workers", 2)
    assert done.returncode == 0, done.stderr
    (path,) = (folder / "runs").glob("*-*")
    return path


def test_a_run_has_all_that_runs_have(run):
    assert run.name == "femnist-synthetic-SignFlips-seed3"
    config = tomllib.loads((run / "config.toml").read_text())
    assert {name: config["settings"][name] for name in NAMES} == NAMES
    assert config["model"]["name"] == OWN[5]
    assert (run / "accuracy.png").read_bytes().startswith(b"\x89PNG")
    rows = list(csv.DictReader((run / "history.csv").read_text().splitlines()))
    assert all(0 < float(row["kept_fraction"]) < 0.2 for row in rows)  # few weights change their sign
    assert "my_uplink:SignFlips" in (run / "train.log").read_text()


@pytest.mark.long
def test_it_is_evaluated_and_resumed(run, command):
    summary = json.loads((run / "summary.json").read_text())
    done = command("eval", run, "--dense")
    assert done.returncode == 0, done.stderr
    assert f"test accuracy         {100 * summary['test_accuracy']:5.1f} %" in done.stdout
    done = command("resume", run, "--extend-rounds", 1)
    assert done.returncode == 0, done.stderr
    assert json.loads((run / "summary.json").read_text())["rounds_done"] == 3
    assert tomllib.loads((run / "config.toml").read_text())["settings"]["uplink"] == OWN[1]


def test_its_config_makes_the_same_run(run, command):
    done = command("train", "--config", run / "config.toml", "--dry-run")
    assert done.returncode == 0, done.stderr
    text = done.stdout[done.stdout.index("[run]") : done.stdout.index("Estimated costs")]
    before = tomllib.loads((run / "config.toml").read_text())
    assert tomllib.loads(text)["model"] == before["model"]
    assert tomllib.loads(text)["settings"] == before["settings"]


@pytest.mark.parametrize(("what", "code"), [("resume", 2), ("eval", 3)])  # a setting, and what a model file says
def test_elsewhere_it_says_what_is_missing(what, code, run, command, tmp_path):
    done = command(what, run, cwd=tmp_path)
    assert done.returncode == code
    assert len(done.stderr.splitlines()) == 1
    assert "cannot be imported (ModuleNotFoundError: No module named 'my_" in done.stderr
    assert f"it was looked for in {tmp_path} and among installed packages: start in the folder of my_" in done.stderr


def test_a_sweep_over_own_and_known_uplinks(inside, folder):
    (folder / "uplinks.toml").write_text(
        'source = "synthetic"\nclients = 3\nclients-per-round = 2\nrounds = 1\neval-samples = 40\n'
        'model = "my_model:small_cnn"\nuplink = ["topk-diff", "my_uplink:SignFlips"]\n'
    )
    done = inside("sweep", "uplinks.toml", "--runs-dir", "swept")
    assert done.exit_code == 0, done.output
    results, own, known = sorted(path.name for path in (folder / "swept" / "sweep-uplinks").iterdir())
    assert (results, known) == ("results.csv", "uplink=topk-diff")
    assert re.fullmatch(r"uplink=my_uplink_SignFlips-[0-9a-f]{8}", own)
    done = inside("sweep", "uplinks.toml", "--runs-dir", "swept")
    assert done.output.count("done before, skipped") == 2


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--uplink", "nowhere:Mine"], "--uplink nowhere:Mine cannot be imported (ModuleNotFoundError"),
        (["--uplink", "unfinished:f"], "--uplink unfinished:f cannot be imported (SyntaxError"),
        (
            ["--uplink", "raises:f"],
            "(NameError: name 'nothing' is not defined (in raises.py, line 2))",
        ),
        (["--uplink", "my_uplink:Missing"], "module 'my_uplink' has no attribute 'Missing'"),
        (["--uplink", "broken:Other"], "is not a subclass of minizerofl.fl.uplinks.Uplink"),
        (["--uplink", "broken:number"], "is not a subclass of minizerofl.fl.uplinks.Uplink"),
        (["--uplink", "broken:NoRank"], "broken:NoRank lacks the method rank"),
        (["--uplink", "my_server:SlowStart"], "is not a subclass of minizerofl.fl.uplinks.Uplink"),
        (["--uplink", "my_uplink:"], "my_uplink: is unknown"),
        (["--uplink", "my_uplink"], "'my_uplink' is unknown"),
        (["--server", "my_uplink:SignFlips"], "is not a subclass of minizerofl.fl.server.Server"),
        (["--model", "broken:no_seed"], "is not a function or class with the parameters 'sparsity' and 'seed'"),
        (["--model", "subprocess:Popen"], "is not a function or class with the parameters 'sparsity' and 'seed'"),
        (["--model", "my_model:smal_cnn"], "has no attribute 'smal_cnn'; did you mean 'small_cnn'?"),
        (["--model", "broken:needs_width"], "needs a value for 'width', which nothing here gives: add a default"),
        (["--model", "broken:returns_nothing"], "returned a NoneType, expected a Module"),
        (["--model", "broken:raises"], "cannot be built: ZeroDivisionError: division by zero (broken.py, line "),
        (["--model", "broken:wrong_shape"], "returns shape (5, 2) for 2 samples, expected (62, 2)"),
        (["--model", "broken:wrong_input"], "does not take samples of shape (1, 28, 28) of femnist"),
        (["--model", "femnst"], "'femnst' is unknown; did you mean 'femnist_cnn'? Known: femnist_cnn, resnet18, mlp"),
        (["--model", "resnet18", "--dataset", "femnist", "--bn", "some"], "'some' is unknown"),
    ],
)
def test_what_cannot_be_used_gets_one_line_and_leaves_no_directory(options, expected, inside, small, tmp_path):
    done = inside("train", *small, *options, "--runs-dir", tmp_path / "runs")
    assert done.exit_code == 2, done.output
    *before, line = done.output.splitlines()
    assert line.startswith("minizerofl: ")
    assert expected in line
    assert not any(each.startswith("minizerofl: ") for each in before)
    assert not (tmp_path / "runs").exists()


@pytest.mark.long
def test_a_paper_model_on_other_data(invoke, tmp_path):
    options = ("--dataset", "cifar10", "--source", "synthetic", "--model", "femnist_cnn", "--num-clients", 2000)
    done = invoke("train", *options, "--dry-run", "--runs-dir", tmp_path / "runs")
    assert done.exit_code == 0, done.output
    text = done.output[done.output.index("[run]") : done.output.index("Estimated costs")]
    assert tomllib.loads(text)["model"]["input_shape"] == [3, 32, 32]


def test_an_own_rule_trains_and_is_evaluated(inside, small, tmp_path):
    rule = ("--selection", "broken:FirstK", "--uplink-sparsity", 0.9, "--model", OWN[5], "--rounds", 1)
    done = inside("train", *small, *rule, "--runs-dir", tmp_path / "runs")
    assert done.exit_code == 0, done.output
    (run,) = (tmp_path / "runs").glob("*-*")
    assert run.name == "femnist-synthetic-topk-weights-seed3"
    summary = json.loads((run / "summary.json").read_text())
    loss = list(csv.DictReader((run / "history.csv").read_text().splitlines()))[-1]["test_loss_nats"]
    for options in [], ["--best"]:
        done = inside("eval", run, *options)
        assert f"test accuracy         {100 * summary['test_accuracy']:5.1f} %" in done.output, done.output
        assert f"test loss             {float(loss):5.3f} nats" in done.output
    done = inside("train", "--config", run / "config.toml", "--dry-run")
    assert done.exit_code == 0, done.output


def test_dense_training_with_a_sparse_uplink_is_made_again_from_its_config(invoke, small, tmp_path):
    done = invoke("train", *small, "--sparsity", 0, "--uplink-sparsity", 0.95, "--runs-dir", tmp_path / "runs")
    assert done.exit_code == 0, done.output
    assert "sparse weights" not in done.output
    (run,) = (tmp_path / "runs").glob("*-*")
    done = invoke("train", "--config", run / "config.toml", "--dry-run")
    assert done.exit_code == 0, done.output
    done = invoke("resume", run, "--extend-rounds", 1)
    assert done.exit_code == 0, done.output


LINE = 1 + BROKEN.splitlines().index('        raise RuntimeError("my own fault")')


@pytest.mark.long
@pytest.mark.parametrize("workers", [1, 2])
def test_a_mistake_in_an_own_uplink_is_told_with_its_line(command, small, tmp_path, workers):
    options = ("--uplink", "broken:Late", "--workers", workers, "--runs-dir", tmp_path / "runs")
    done = command("train", *small, *options)
    reason = f"RuntimeError: my own fault (in broken.py, line {LINE})"
    assert (done.returncode, done.stderr) == (1, f"minizerofl: round 1: all 2 clients failed alike: {reason}\n")
    (run,) = (tmp_path / "runs").glob("*-*")
    rows = list(csv.DictReader((run / "clients.csv").read_text().splitlines()))
    assert {(row["status"], row["reason"]) for row in rows} == {("crashed", reason)}
    assert all('raise RuntimeError("my own fault")' in row["trace"] for row in rows)
    assert json.loads((run / "summary.json").read_text())["status"] == "failed"
    shown = command("train", *small, *options, "--debug").stderr
    assert 'raise RuntimeError("my own fault")' in shown


def test_a_mistake_in_an_own_server_is_told_with_its_line(command, small, tmp_path):
    done = command("train", *small, "--server", "broken:Absent", "--runs-dir", tmp_path / "runs")
    assert done.returncode == 1
    assert re.fullmatch(r"minizerofl: AttributeError: .*'nothing' \(in broken.py, line \d+\)\n", done.stderr)
