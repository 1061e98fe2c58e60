"""From Flower's processes to ours on the same machine, and back: a connection on the loopback, protected by a key.

Flower starts a process of its own for the server's app, and one for each message on a node. The model, the data and
the engine are in our process, which lives longer: `minizerofl serve` or `minizerofl join`. It opens a `Desk`; Flower's
process comes to it with `visit`.
"""

from __future__ import annotations

import json
import os
import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection, Listener
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from types import TracebackType
from typing import Any, Self

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Letter:
    """What travels between server and nodes.

    Attributes
    ----------
    head : dict
        What is said, in values that JSON can hold.
    parts : dict of str to bytes
        Encoded models and updates, see `minizerofl.fl.codecs`.
    codec : str
        How the parts were encoded.
    """

    head: dict[str, Any] = field(default_factory=dict)
    parts: dict[str, bytes] = field(default_factory=dict)
    codec: str = "dense"


class Desk:
    """Where Flower's processes on this machine find ours.

    Only who can read its file, the same user, can talk to it: the file has the key.

    Parameters
    ----------
    path : Path
        The file that tells where it is; it must not exist.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, Desk(Path(folder) / "desk") as desk:
    ...     with visit(desk.path) as there:
    ...         here = desk.next(timeout=10)
    ...         there.send("hello")
    ...         print(here.recv())
    hello
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        key = secrets.token_bytes(32)
        self._listener = Listener((HOST, 0), authkey=key)
        place = {"address": list(self._listener.address), "key": key.hex()}
        with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="utf-8") as file:
            json.dump(place, file)
        self._visitors: SimpleQueue[Connection] = SimpleQueue()
        self._open = True
        self._thread = Thread(target=self._welcome, daemon=True)
        self._thread.start()

    def next(self, timeout: float) -> Connection | None:
        """Return the next visitor; None if nobody came within some seconds."""
        try:
            return self._visitors.get(timeout=timeout)
        except Empty:
            return None

    def _welcome(self) -> None:
        while self._open:
            with suppress(AuthenticationError, EOFError, OSError):  # a stranger, or one who has gone
                self._visitors.put(self._listener.accept())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open = False
        with suppress(AuthenticationError, EOFError, OSError):  # so that the thread stops waiting
            visit(self.path).close()
        self._listener.close()
        self._thread.join(1)
        with suppress(OSError):
            self.path.unlink()


def visit(path: str | os.PathLike[str]) -> Connection:
    """Go to the desk that a file tells of.

    Raises
    ------
    OSError
        There is no such file, or nobody at the desk.
    """
    place = json.loads(Path(path).read_text(encoding="utf-8"))
    return Client(tuple(place["address"]), authkey=bytes.fromhex(place["key"]))
