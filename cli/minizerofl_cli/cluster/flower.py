"""Flower's programs: with which commands and in which environment they are started, and how they end with us."""

from __future__ import annotations

import importlib.metadata
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from types import TracebackType
from typing import Self

from minizerofl.export.errors import MissingExtraError
from minizerofl.fl.errors import ConfigError, NetworkError
from minizerofl.fl.files.toml import to_toml

OLDEST, TOO_NEW = (1, 34), (1, 43)  # as the extra [flower] in pyproject.toml
LOOPBACK = "127.0.0.1"
NAME = "minizerofl"  # what Flower's files call us
READY = 60.0  # seconds that a program of Flower has to start
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


@dataclass(frozen=True)
class Trust:
    """How a connection is protected.

    Attributes
    ----------
    folder : Path or None
        The folder of the certificates and keys, see `minizerofl_cli.cluster.keys`; None for no protection.
    """

    folder: Path | None = None

    def server(self) -> list[str]:
        """Return the options of the SuperLink."""
        if self.folder is None:
            return ["--insecure"]
        files = {"--ssl-ca-certfile": "ca.crt", "--ssl-certfile": "server.crt", "--ssl-keyfile": "server.key"}
        return [*(part for option, name in files.items() for part in (option, self._file(name))), *self._nodes_only()]

    def _nodes_only(self) -> list[str]:
        return ["--enable-supernode-auth"] if self.public_keys() else []

    def public_keys(self) -> list[Path]:
        """Return the public keys of the nodes that may take part; none if everybody may."""
        return sorted(self.folder.glob("nodes/*/node.pub")) if self.folder else []

    def node(self) -> list[str]:
        """Return the options of a SuperNode."""
        if self.folder is None:
            return ["--insecure"]
        key = self.folder / "node.key"
        proof = ["--auth-supernode-private-key", str(key.resolve())] if key.exists() else []
        return ["--root-certificates", self._file("ca.crt"), *proof]

    def client(self) -> dict[str, str | bool]:
        """Return the entries of the configuration of `flwr`."""
        return {"insecure": True} if self.folder is None else {"root-certificates": self._file("ca.crt")}

    def _file(self, name: str) -> str:
        assert self.folder is not None
        path = self.folder / name
        if not path.is_file():
            raise ConfigError(f"{path} is missing; minizerofl keys new makes certificates and keys")
        return str(path.resolve())


def check_trust(host: str, tls_dir: Path | None, insecure: bool, forced: bool) -> Trust:
    """Return how a connection is protected; refuse one that is not, unless it stays on this machine.

    Raises
    ------
    ConfigError
        Nothing or two things were asked for, or an unprotected connection to another machine.

    Examples
    --------
    >>> check_trust("127.0.0.1", None, insecure=True, forced=False)
    Trust(folder=None)
    """
    if tls_dir is not None:
        if insecure or forced:
            raise ConfigError("--tls-dir and --insecure exclude each other; keep one")
        if not tls_dir.is_dir():
            raise ConfigError(f"{tls_dir} is not a folder; minizerofl keys new makes one")
        return Trust(tls_dir)
    if forced or (insecure and is_loopback(host)):
        return Trust()
    if insecure:
        raise ConfigError(
            f"--insecure is for this machine alone, and {host} is another; use --tls-dir, or --force-insecure in a "
            "network that you trust"
        )
    raise ConfigError("give --tls-dir FOLDER (minizerofl keys new makes one), or --insecure on this machine alone")


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine, reached by no network.

    Examples
    --------
    >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("0.0.0.0"), is_loopback("example.org")
    (True, True, False, False)
    """
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def split_address(address: str) -> tuple[str, int]:
    """Split HOST:PORT.

    Raises
    ------
    ConfigError
        It is not of that form.

    Examples
    --------
    >>> split_address("server.example:8000")
    ('server.example', 8000)
    """
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 2**16:
        raise ConfigError(f"{address!r} is not an address, expected HOST:PORT such as 192.0.2.7:8000")
    return host.strip("[]"), int(port)


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
        """Return the last line of its log that says something."""
        said = [line.strip() for line in self._log().splitlines() if line.strip(" \t-=*")]
        return said[-1][:300] if said else "it said nothing"

    def said(self, text: str) -> bool:
        """Tell whether its log has a text."""
        return text in self._log()

    def _log(self) -> str:
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
        time.sleep(0.2)


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
