"""Windows and macOS, as far as Linux can tell: without fork, locks and limits the same bits come out."""

import csv
import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from minizerofl.fl.files.checkpoint import read_checkpoint
from minizerofl.fl.files.history import TIMING_COLUMNS

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="/proc tells what is open")
FOLDER = Path(__file__).parents[1] / "elsewhere"
SYSTEMS = ["win32", "darwin"]

# Commands one after the other in one process, which says at its end what it is without.
COMMANDS = """
import glob, json, os, sys, tempfile
from minizerofl_cli.main import cli
for arguments in json.loads(sys.argv[1]):
    arguments = [glob.glob(each)[0] if each.endswith("*") else each for each in arguments]
    try:
        cli(arguments)
    except SystemExit as end:
        assert not end.code, (arguments, end.code)
from minizerofl.fl.engines.processes import AVAILABLE
if sys.platform == "win32":
    with tempfile.NamedTemporaryFile(delete=False) as held:
        try:
            os.replace(held.name, held.name + "-moved")
        except PermissionError:
            print("An open file stays.")
    os.unlink(held.name)
print(sys.platform, hasattr(os, "fork"), "fcntl" in sys.modules, AVAILABLE)
"""


def _results(run: Path) -> list[dict[str, str]]:
    rows = csv.DictReader((run / "history.csv").read_text(encoding="utf-8").splitlines())
    return [{name: value for name, value in row.items() if name not in TIMING_COLUMNS} for row in rows]


@pytest.fixture
def run_elsewhere(start):
    """Run commands in a process that lacks what a system lacks; return the lines that it wrote."""

    def run(system: str, *commands: list[object]) -> list[str]:
        path = os.pathsep.join([str(FOLDER), *sys.path])
        environment = {**os.environ, "PYTHONPATH": path, "ELSEWHERE": system, "PYTHONDONTWRITEBYTECODE": "1"}
        texts = json.dumps([[str(each) for each in command] for command in commands])
        process = start(texts, code=COMMANDS, env=environment)
        out, err = process.communicate()
        assert process.returncode == 0, out + err
        assert ("An open file stays." in out) == (system == "win32")
        assert out.splitlines()[-1] == f"{system} {system != 'win32'} {system != 'win32'} False"
        return out.splitlines()

    return run


@pytest.mark.long
@pytest.mark.parametrize("system", SYSTEMS)
def test_a_run_has_the_same_bits_and_goes_on(run_elsewhere, finished_run, small, tmp_path, system):
    going_on = ["resume", tmp_path / "*-*", "--extend-rounds", 1], ["eval", tmp_path / "*-*"]
    lines = run_elsewhere(system, ["train", *small, "--workers", 2, "--runs-dir", tmp_path], *going_on)
    assert any(line.startswith("Resumed after round 2") for line in lines)
    (run,) = tmp_path.glob("*-*")
    ours, theirs = _results(finished_run.path), _results(run)
    assert theirs[: len(ours)] == ours
    assert len(theirs) == len(ours) + 1
    before, after = (read_checkpoint(each / "checkpoints" / "round-000002.h5") for each in (finished_run.path, run))
    assert all(np.array_equal(before.state[name], after.state[name]) for name in before.state)


def test_files_are_replaced_only_when_nobody_has_them_open(run_elsewhere, tmp_path, monkeypatch):
    monkeypatch.setenv("MINIZEROFL_CACHE", str(tmp_path / "cache"))
    x, y = np.zeros((30, 1, 28, 28), np.float32), np.arange(30) % 3
    np.savez(tmp_path / "x.npz", x=x, y=y, client=np.arange(30) // 10)
    give = ["data", "import", tmp_path / "x.npz", "--name", "mine"]
    partition = ["data", "partition", "mine", "-o", tmp_path / "mine.png"]
    run_elsewhere("win32", give, partition, [*give, "--replace"], partition, ["data", "list"])
    assert (tmp_path / "cache" / "imported" / "mine.h5").is_file()
    assert (tmp_path / "mine.json").is_file()
