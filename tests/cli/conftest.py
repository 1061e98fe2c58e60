"""Runs of the command: in this process where that will do, in one of their own where signals and exit codes matter."""

import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import click.testing
import pytest

from minizerofl_cli.main import cli
from minizerofl_cli.screen import pulse

SMALL = "--source synthetic --clients 3 --clients-per-round 2 --rounds 2 --eval-samples 40 --seed 3 --model small_cnn"


@dataclass(frozen=True)
class FinishedRun:
    """A small run with its output."""

    path: Path
    output: str

    @property
    def lines(self) -> list[str]:
        return self.output.splitlines()


@pytest.fixture(autouse=True)
def _no_real_data(monkeypatch, tmp_path_factory):
    monkeypatch.delenv("MINIZEROFL_DATA", raising=False)
    monkeypatch.setenv("MINIZEROFL_CACHE", str(tmp_path_factory.mktemp("no-cache")))


@pytest.fixture(autouse=True, scope="session")
def _no_signs_of_life():
    """Let commands that run in this process be silent: tests look at their lines, however slow the machine is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pulse, "SILENCE", 1e9)
        yield


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of the real data."""
    if not os.environ.get("MINIZEROFL_DATA"):
        pytest.skip("needs real data: set MINIZEROFL_DATA (docs/data.md)")
    return Path(os.environ["MINIZEROFL_DATA"])


@pytest.fixture(scope="session")
def small() -> list[str]:
    """Options of a run that takes a second: with a network that is far smaller than the paper's."""
    return SMALL.split()


@pytest.fixture(scope="module")
def small_model() -> Iterator[None]:
    """Let this process, and those that it starts, find `my_model:small_cnn`: fast, with small files."""
    folder = str(Path(__file__).parents[2] / "docs" / "extend")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        patch.setenv("PYTHONPATH", folder, prepend=os.pathsep)
        yield


@pytest.fixture(scope="session")
def invoke() -> Callable[..., click.testing.Result]:
    """Run the command in this process; `output` holds stdout and stderr."""

    def run(*arguments: object) -> click.testing.Result:
        return click.testing.CliRunner().invoke(cli, [str(argument) for argument in arguments])

    return run


@pytest.fixture(scope="session")
def wait_for_line() -> Callable[..., None]:
    """Read what a process says up to a line; a process that does not say it is ended."""

    def wait(process: subprocess.Popen[str], pattern: str, seconds: float = 300) -> None:
        limit = threading.Timer(seconds, process.kill)
        limit.start()
        try:
            found = any(re.match(pattern, line) for line in process.stdout)
        finally:
            limit.cancel()
        assert found, f"no line {pattern!r}\n{process.stderr.read()}"

    return wait


@pytest.fixture
def start() -> Callable[..., subprocess.Popen[str]]:
    """Start the command, or Python code that calls it, as a process of its own."""
    processes = []

    def run(*arguments: object, code: str | None = None, **options: object) -> subprocess.Popen[str]:
        program = ["-c", code] if code else ["-m", "minizerofl_cli"]
        command = [sys.executable, *program, *map(str, arguments)]
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "env": {**os.environ}, **options}
        processes.append(subprocess.Popen(command, **options))
        return processes[-1]

    yield run
    for process in processes:
        process.kill()
        process.wait()
        for stream in (process.stdout, process.stderr):
            if stream:
                stream.close()


def _finish(folder: Path, invoke: Callable[..., click.testing.Result], *options: object) -> FinishedRun:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MINIZEROFL_CACHE", str(folder / "no-cache"))  # all hints are shown
        result = invoke("train", *options, "--runs-dir", folder / "runs", "--workers", 2)
    assert result.exit_code == 0, result.output
    (path,) = (folder / "runs").glob("*-*")
    return FinishedRun(path, result.output)


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory, invoke, small) -> FinishedRun:
    """A small run on synthetic data."""
    return _finish(tmp_path_factory.mktemp("finished"), invoke, *small)


@pytest.fixture(scope="session")
def paper_run(tmp_path_factory, invoke, small) -> FinishedRun:
    """A run of the paper's network for FEMNIST, for what is measured layer by layer."""
    return _finish(tmp_path_factory.mktemp("paper"), invoke, *small, "--model", "femnist_cnn", "--rounds", 1)
