"""What `minizerofl join` does: a node, which trains the clients that the server sends, until it is stopped."""

from __future__ import annotations

import os
import platform
import shutil
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from minizerofl.fl import ConfigError, Settings, Simulation
from minizerofl.fl.engines.relay import Desk, Letter
from minizerofl.fl.engines.wire import Request, read_request, write_reply
from minizerofl.fl.errors import NetworkError
from minizerofl.fl.node import Node
from minizerofl.registry import ChoiceError
from minizerofl_cli.cluster import flower
from minizerofl_cli.cluster.devices import TABLE, PrivateDataset, check_device
from minizerofl_cli.cluster.flower import Program
from minizerofl_cli.cluster.trust import Trust, split_address
from minizerofl_cli.runs.continuation import check_kinds
from minizerofl_cli.runs.dataset import introduce, load
from minizerofl_cli.screen.interrupts import Interrupts
from minizerofl_cli.screen.progress import ALWAYS, MB, Screen
from minizerofl_datasets import DataError, FederatedDataset

AGAIN = 3.0  # seconds until a SuperNode that ended is started again
TRIES = 3  # how often the server may refuse this node before it gives up
LET_IN = "SuperNode ID"  # what the SuperNode says when the server has let it in


@dataclass(frozen=True)
class Joining:
    """How a node takes part.

    Attributes
    ----------
    address : str
        Where the server listens, HOST:PORT.
    trust : Trust
        How the connection is protected.
    name : str
        What the server calls it.
    workers : int
        How many clients it trains at once.
    data_dir : Path or None
        The folder of real data on this machine.
    private : Path or None
        The file of this node's own samples, if it is a device.
    """

    address: str
    trust: Trust
    name: str
    workers: int
    data_dir: Path | None = None
    private: Path | None = None


def default_name() -> str:
    """Return what a node is called if nobody says it: the machine and the process."""
    return f"{platform.node() or 'node'}-{os.getpid()}"


def join(joining: Joining, interrupts: Interrupts, shown: Screen) -> None:
    """Take part in a federation until a signal comes.

    Raises
    ------
    NetworkError
        The server does not let this node in, or Flower's SuperNode does not start.
    """
    version = flower.flower_version("join")
    split_address(joining.address)
    folder = Path(tempfile.mkdtemp(prefix="minizerofl-join-"))
    env, failed = flower.environment(folder), 0
    try:
        with Desk(folder / "desk.json") as desk, Worker(joining, shown) as worker:
            command = flower.supernode_command(version, joining.address, joining.trust, desk.path)
            shown.say(f"Node {joining.name}: connecting to {joining.address}")
            while True:
                log = folder / "supernode.log"
                log.unlink(missing_ok=True)
                with Program(command, log, env) as supernode:
                    _serve(desk, worker, supernode, interrupts, shown)
                    let_in, why = LET_IN in supernode.text(), supernode.why()
                failed = 0 if let_in else failed + 1
                if failed == TRIES:
                    raise NetworkError(f"{joining.address} does not let this node in: {why}")
                shown.say("The connection to the server ended; trying again")
                with interrupts.allowed():
                    time.sleep(AGAIN)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _serve(desk: Desk, worker: Worker, supernode: Program, interrupts: Interrupts, shown: Screen) -> None:
    """Answer requests until the SuperNode ends."""
    while supernode.ended() is None:
        shown.doing("waiting for the server")
        with interrupts.allowed():
            visitor = desk.next(timeout=0.5)
        if visitor is not None:
            with visitor, interrupts.allowed(), suppress(EOFError, OSError):  # one who has gone wants no answer
                visitor.send(worker.reply(visitor.recv()))


class Worker:
    """Trains clients; its run is set up by the first request, and again when the server's configuration changes.

    Parameters
    ----------
    joining : Joining
        How the node takes part.
    shown : Screen
        Where people read what happens.
    """

    def __init__(self, joining: Joining, shown: Screen) -> None:
        self._joining = joining
        self._shown = shown
        self._stack = ExitStack()
        self._config: Any = None
        self._node: Node | None = None
        self._own: dict[str, int] | None = None  # a device's only client, and how many samples it has

    def reply(self, letter: Letter) -> Letter:
        """Do what a letter asks for; return the reply."""
        started = time.perf_counter()
        about: dict[str, Any] = {"name": self._joining.name, "workers": self._joining.workers}
        request = None
        try:
            request = read_request(letter)
            self._set_up(request.config)
            about["clients"] = self._own
            if self._node is None or not request.round:
                return write_reply(request, {}, about, "dense")
            clients = len(request.invitations)
            self._shown.say(f"round {request.round} begins: {clients} clients")
            self._shown.doing(f"round {request.round}")
            reply = self._node.answer(request, about)
        except (ConfigError, DataError, ChoiceError, ValueError, KeyError) as error:
            self._shown.say(f"The server's request is refused: {error}", ALWAYS)
            empty = Request("", 0, 0.0, (), b"", {})
            return write_reply(request or empty, {}, {**about, "problem": str(error)}, "dense")
        seconds, sent = time.perf_counter() - started, sum(map(len, reply.parts.values())) / MB
        self._shown.say(f"round {request.round}: {clients} clients in {seconds:.1f} s, {sent:.1f} MB to send")
        return reply

    def _set_up(self, config: Mapping[str, Any]) -> None:
        """Get ready to train the clients of a run."""
        if config == self._config:
            return
        self._stack.close()
        self._config = self._node = None
        data = self._load(config)
        if "settings" in config:
            self._node = self._stack.enter_context(Node(_simulation(config, data, self._joining.workers)))
        self._config = config

    def _load(self, config: Mapping[str, Any]) -> FederatedDataset:
        """Return the data of this node, which must be those of the run."""
        told, private = config.get(TABLE), self._joining.private
        if (told is None) != (private is None):
            raise ConfigError(
                "this federation is one of devices; join with --private FILE"
                if private is None
                else "this federation is not one of devices; join without --private"
            )
        if told is not None and private is not None:
            device = PrivateDataset(self._joining.name, private, tuple(told["class_names"]))
            check_device(device, told)
            self._own = {self._joining.name: device.num_train(self._joining.name)}
            return device
        check_kinds(dict(config), "the server's configuration")
        asked, run = config["data"], config["run"]
        data = load(
            asked["dataset"],
            asked["source"],
            self._joining.data_dir if asked["source"] == "real" else None,
            asked["polarity"],
            asked["partition_seed"],
            None if run.get("all_clients") else asked["clients"],
            say=self._shown.say,
            options=config["data_options"],
        )
        introduce(data, asked["source"], self._shown)
        if data.fingerprint() != asked["fingerprint"]:
            raise DataError(
                f"the data of this node are others (fingerprint {data.fingerprint()}) than the server's "
                f"({asked['fingerprint']})"
            )
        return data

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()


def _simulation(config: Mapping[str, Any], data: FederatedDataset, workers: int) -> Simulation:
    """Set up the run of a configuration, to train its clients and nothing else."""
    settings = replace(Settings(**config["settings"]), clients_per_round=1, masks_every=0)
    told = config["model"].items()
    model: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in told}
    return Simulation(data, str(model.pop("name")), settings, workers, "processes", **model)
