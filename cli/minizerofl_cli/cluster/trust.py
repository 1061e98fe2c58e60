"""How connections between server and nodes are protected: by certificates and keys, or not at all on one machine."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from minizerofl.fl.errors import ConfigError

LOOPBACK = "127.0.0.1"


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
