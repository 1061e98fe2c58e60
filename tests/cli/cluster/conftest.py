"""Federations of real processes: servers, nodes, and how to see that none of them is left."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

PATIENCE = 300.0  # seconds; a node may have to compile kernels first
MARK = "MINIZEROFL_TEST_MARK"


class Machine:
    """Starts programs that can all be found again by a mark in their environment."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.mark = uuid.uuid4().hex
        with socket.socket() as each:
            each.bind(("127.0.0.1", 0))
            self.port = each.getsockname()[1]
        self.programs: list[subprocess.Popen[bytes]] = []

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self, *arguments: object, log: str) -> subprocess.Popen[bytes]:
        """Start minizerofl in a session of its own, so that a signal meets it alone."""
        command = [sys.executable, "-m", "minizerofl_cli", *map(str, arguments)]
        with (self.folder / log).open("ab") as file:
            program = subprocess.Popen(
                command,
                cwd=self.folder,
                env={**os.environ, MARK: self.mark, "MINIZEROFL_DEBUG": "1"},
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.programs.append(program)
        return program

    def serve(self, *arguments: object, log: str = "serve.log") -> subprocess.Popen[bytes]:
        return self.start("serve", "--port", self.port, "--runs-dir", "runs", *arguments, log=log)

    def join(self, name: str, *arguments: object, address: str = "") -> subprocess.Popen[bytes]:
        options = ["--name", name, "--workers", 1, *arguments]
        return self.start("join", address or self.address, *options, log=f"{name}.log")

    def said(self, log: str) -> str:
        return (self.folder / log).read_text(errors="replace")

    def wait_for(self, log: str, text: str, times: int = 1) -> None:
        until(lambda: self.said(log).count(text) >= times, lambda: f"{text!r} in {log}:\n{self.said(log)[-3000:]}")

    def end(self, program: subprocess.Popen[bytes], log: str = "serve.log") -> int:
        """Wait until a program ends; return its exit code."""
        until(lambda: program.poll() is not None, lambda: f"the end of {log}:\n{self.said(log)[-3000:]}")
        return program.returncode

    def left(self) -> list[str]:
        """Return the commands of the processes that run."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                environment = (folder / "environ").read_bytes()
                if f"{MARK}={self.mark}".encode() in environment and int(folder.name) != os.getpid():
                    found.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()[:200])
        return [command for command in found if command]

    def expect_running(self, command: str, count: int) -> None:
        running = lambda: sum(each.startswith(command) for each in self.left())  # noqa: E731
        until(lambda: running() >= count, lambda: f"{count} of {command!r} among {self.left()}", 60)

    def expect_nothing_left(self) -> None:
        until(lambda: not self.left(), lambda: f"the end of {self.left()}", 20)

    def stop_all(self) -> None:
        for program in self.programs:
            with contextlib.suppress(ProcessLookupError):
                program.send_signal(signal.SIGTERM)
        for program in self.programs:
            try:
                program.wait(20)
            except subprocess.TimeoutExpired:
                program.kill()


def until(condition: Callable[[], Any], what: Callable[[], str], seconds: float = PATIENCE) -> None:
    """Wait for something."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited in vain for {what()}"
        time.sleep(0.1)


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    """A folder, a port, and programs that are ended with the test."""
    machine = Machine(tmp_path)
    yield machine
    machine.stop_all()
    machine.expect_nothing_left()
