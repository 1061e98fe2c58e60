"""Flower's programs: with which commands and in which environment they are started, and how they end with us."""

from __future__ import annotations

import importlib.metadata
import os
import re
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from minizerofl.export.errors import MissingExtraError
from minizerofl.fl.errors import ConfigError, NetworkError
from minizerofl.fl.files.toml import to_toml
from minizerofl_cli.cluster.trust import LOOPBACK, Trust, split_address

OLDEST, TOO_NEW = (1, 34), (1, 43)  # as the extra [flower] in pyproject.toml
NAME = "minizerofl"  # what Flower's files call us
FAILED = re.compile(r"error|fail|exception|\[code", re.IGNORECASE)  # what makes a line of a log worth telling
COLOUR = re.compile(r"\x1b\[\d*m")
STRANGER = re.compile(r"Attempted to register SuperNode with public key: (.*?), exception")
READY = 60.0  # seconds that a program of Flower has to start
LOOK = 0.2  # seconds between two looks at whether it has
ONE_PORT, HTTP_CONTROL, HTTP_RUNTIME = (1, 40), (1, 37), (1, 36)  # the versions of Flower that changed its ports
APPS = """from minizerofl.fl.engines import flower

server_app = flower.server_app
client_app = flower.client_app
"""


def flower_version(command: str) -> tuple[int, int]:
    """Return the version of Flower that is installed.

    Raises
    ------
    MissingExtraError
        It is not.
    ConfigError
        It is older or newer than those that minizerofl knows.
    """
    try:
        text = importlib.metadata.version("flwr")
    except importlib.metadata.PackageNotFoundError:
        raise MissingExtraError("flwr", command, extra="flower") from None
    major, minor = (int(part) for part in text.split(".")[:2])
    if not OLDEST <= (major, minor) < TOO_NEW:
        raise ConfigError(
            f"flwr {text} is installed, but minizerofl works with 1.34 to 1.42; pip install 'minizerofl[flower]'"
        )
    return major, minor


def free_port() -> int:
    """Return a port of the loopback that nobody uses at the moment."""
    with socket.socket() as each:
        each.bind((LOOPBACK, 0))
        return int(each.getsockname()[1])


@dataclass(frozen=True)
class SuperLink:
    """Where a SuperLink listens, by its version.

    Parameters
    ----------
    version : tuple of int
        The version of Flower.
    host, port : str, int
        Where nodes connect.
    """

    version: tuple[int, int]
    host: str
    port: int

    def command(self, trust: Trust) -> tuple[list[str], str]:
        """Return the command that starts it, and the address at which it takes runs."""
        start = ["flower-superlink", "--disable-runtime-dependency-installation", *trust.server()]
        if self.version >= ONE_PORT:
            here = LOOPBACK if self.host in ("0.0.0.0", "::") else self.host
            return [*start, "--host", self.host, "--port", str(self.port)], f"{here}:{self.port}"
        control, runtime = free_port(), free_port()
        start += ["--fleet-api-address", f"{self.host}:{self.port}", "--control-api-address", f"{LOOPBACK}:{control}"]
        if self.version >= HTTP_RUNTIME:
            start += ["--host", LOOPBACK, "--port", str(runtime)]
        else:
            start += ["--serverappio-api-address", f"{LOOPBACK}:{runtime}"]
        return start, f"{LOOPBACK}:{runtime if self.version >= HTTP_CONTROL else control}"


def supernode_command(version: tuple[int, int], address: str, trust: Trust, desk: Path) -> list[str]:
    """Return the command that starts a SuperNode."""
    port = str(free_port())
    own = ["--host", LOOPBACK, "--port", port]
    if version < HTTP_RUNTIME:
        own = ["--clientappio-api-address", f"{LOOPBACK}:{port}"]
    config = f'desk="{desk.as_posix()}"'
    return ["flower-supernode", "--superlink", address, *trust.node(), *own, "--node-config", config]


def environment(home: Path) -> dict[str, str]:
    """Return the environment of Flower's programs: nothing is reported, looked up or written elsewhere."""
    scripts = str(Path(sys.executable).parent)
    return {
        **os.environ,
        "PATH": os.pathsep.join([scripts, os.environ.get("PATH", "")]),
        "FLWR_HOME": str(home),
        "FLWR_TELEMETRY_ENABLED": os.environ.get("FLWR_TELEMETRY_ENABLED", "0"),
        "FLWR_DISABLE_UPDATE_CHECK": os.environ.get("FLWR_DISABLE_UPDATE_CHECK", "1"),
        "FLWR_DISABLE_RUNTIME_DEPENDENCY_INSTALLATION": "1",
        "FLWR_SUPEREXEC_TASK_POLL_INTERVAL": "0.5",
        "PYTHONUNBUFFERED": "1",
    }


class Program:
    """A program that ends with us, see `minizerofl_cli.cluster.guard`.

    Parameters
    ----------
    command : sequence of str
        The program and its arguments.
    log : Path
        Where its output goes.
    env : mapping of str to str
        Its environment.
    """

    def __init__(self, command: Sequence[str], log: Path, env: Mapping[str, str]) -> None:
        self.name = Path(command[0]).name
        self.log = log
        guard = [sys.executable, "-m", "minizerofl_cli.cluster.guard", str(log)]
        self._guard = subprocess.Popen([*guard, *command], stdin=subprocess.PIPE, env=dict(env))

    def ended(self) -> int | None:
        """Return its exit code; None while it runs."""
        return self._guard.poll()

    def why(self) -> str:
        """Return the last line of its log about something that failed, else the last of all."""
        said = [COLOUR.sub("", line).strip() for line in self.text().splitlines()]
        failed = [line for line in said if FAILED.search(line)] or [line for line in said if line.strip("-=*")]
        return failed[-1][:300] if failed else "it said nothing"

    def text(self) -> str:
        """Return its log."""
        with suppress(OSError):
            return self.log.read_text(encoding="utf-8", errors="replace")
        return ""

    def dismiss(self) -> None:
        """Let it end, without waiting for it."""
        assert self._guard.stdin is not None
        with suppress(OSError):
            self._guard.stdin.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.dismiss()
        self._guard.wait()


def turned_away(log: str) -> dict[str, int]:
    """Return the keys with which nodes asked in vain to take part, and how often; of each key the end.

    Examples
    --------
    >>> turned_away("Attempted to register SuperNode with public key: b'abcd', exception: no")
    {"b'abcd'": 1}
    """
    keys = (key.replace("\\n", "").removesuffix("-----END PUBLIC KEY-----'") for key in STRANGER.findall(log))
    return dict(Counter(key[-16:] for key in keys))


def wait_until_open(address: str, program: Program, doing: Callable[[str], object]) -> None:
    """Wait until a program takes connections.

    Raises
    ------
    NetworkError
        It ended, or took none in time.
    """
    end = time.monotonic() + READY
    doing(f"starting {program.name}")
    while True:
        with suppress(OSError), socket.create_connection(split_address(address), timeout=1):
            return
        if program.ended() is not None:
            raise NetworkError(f"{program.name} ended: {program.why()}")
        if time.monotonic() > end:
            raise NetworkError(f"{program.name} takes no connections at {address}: {program.why()}")
        time.sleep(LOOK)


def write_app(folder: Path, desk: Path) -> Path:
    """Write the app that Flower is to run; it only names ours. Returns its folder."""
    app = folder / NAME
    app.mkdir()
    components = {"serverapp": "minizerofl_flower:server_app", "clientapp": "minizerofl_flower:client_app"}
    tables = {
        "project": {"name": NAME, "version": "1.0.0", "description": "minizerofl on Flower", "license": "Apache-2.0"},
        "tool.flwr.app": {"publisher": NAME},
        "tool.flwr.app.components": components,
        "tool.flwr.app.config": {"desk": desk.as_posix()},
    }
    (app / "pyproject.toml").write_text(to_toml(tables), encoding="utf-8")
    (app / "minizerofl_flower.py").write_text(APPS, encoding="utf-8")
    return app


def write_connection(home: Path, address: str, trust: Trust) -> None:
    """Write the configuration of `flwr`, which says how the SuperLink is reached."""
    here: dict[str, str | int] = {"address": address, **trust.client()}
    tables: dict[str, dict[str, str | int]] = {"superlink": {"default": NAME}, f"superlink.{NAME}": here}
    (home / "config.toml").write_text(to_toml(tables), encoding="utf-8")


def flwr(arguments: Sequence[str], env: Mapping[str, str]) -> str:
    """Run `flwr`; return what it said.

    Raises
    ------
    NetworkError
        It failed.
    """
    done = subprocess.run(
        ["flwr", *arguments], env=dict(env), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=READY
    )
    said = " ".join((done.stdout + done.stderr).split())
    if done.returncode:
        raise NetworkError(f"flwr {arguments[0]} failed: {said[:500]}")
    return said
