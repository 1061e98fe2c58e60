"""What `minizerofl serve` does: a run like any other, whose clients are trained on nodes that Flower connects."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from minizerofl.fl import ConfigError, Settings, Simulation
from minizerofl.fl.engines import Engine
from minizerofl.fl.engines.relay import Desk
from minizerofl.fl.engines.remote import MOST_SAMPLES, Fleet, Grid, RemoteEngine, wait_for
from minizerofl.fl.errors import NetworkError
from minizerofl_cli.cluster import flower
from minizerofl_cli.cluster.devices import TABLE, DevicesDataset, describe_devices
from minizerofl_cli.cluster.flower import Program, SuperLink
from minizerofl_cli.cluster.trust import LOOPBACK, Trust
from minizerofl_cli.runs.plan import Plan
from minizerofl_cli.screen.progress import ALWAYS, Screen
from minizerofl_datasets import FederatedDataset

REMEMBERING = ("topk-diff-feedback",)  # uplinks whose clients keep what the server would have to carry


@dataclass(frozen=True)
class Serving:
    """How a federation is served.

    Attributes
    ----------
    host, port : str, int
        Where nodes connect.
    trust : Trust
        How connections are protected.
    nodes : int
        How many nodes are waited for at the beginning.
    wait : float
        For how many seconds.
    local_nodes : int
        How many nodes are started on this machine.
    superlink : str
        The address at which a SuperLink that runs already takes runs; empty to start one.
    devices : bool
        Whether each node is one client with samples of its own.
    most_samples : int
        How many samples such a client may claim.
    """

    host: str
    port: int
    trust: Trust
    nodes: int
    wait: float
    local_nodes: int = 0
    superlink: str = ""
    devices: bool = False
    most_samples: int = MOST_SAMPLES


class Cluster:
    """The programs of Flower on the server's machine, from the beginning of a run to its end.

    Parameters
    ----------
    serving : Serving
        How the federation is served.
    shown : Screen
        Where people read what happens.
    """

    resume = "minizerofl serve --resume"

    def __init__(self, serving: Serving, shown: Screen) -> None:
        self._serving = serving
        self._shown = shown
        self._version = flower.flower_version("serve")
        self._folder = Path(tempfile.mkdtemp(prefix="minizerofl-serve-"))
        self._stack = ExitStack()
        self._programs: list[Program] = []
        self._fleet: Fleet | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._shown.doing("ending Flower")
        for program in self._programs:
            program.dismiss()
            for key, times in flower.turned_away(program.text()).items():
                self._shown.say(f"A node with an unknown key (...{key}) was turned away {times} times.", ALWAYS)
        self._stack.close()
        if kind is not None and issubclass(kind, NetworkError):
            self._shown.say(f"The logs of Flower are in {self._folder}.", ALWAYS)
        else:
            shutil.rmtree(self._folder, ignore_errors=True)

    def clients(self, data: FederatedDataset) -> FederatedDataset:
        """Return the data of the run; if nodes are devices, wait until they have come and said how much they have."""
        if not self._serving.devices:
            return data
        fleet = self._gather({TABLE: describe_devices(data)})
        owned = (member.clients or {} for member in fleet.members.values())
        return DevicesDataset(data, {client: size for sizes in owned for client, size in sizes.items()})

    def engine(self, plan: Plan, simulation: Simulation) -> Engine:
        """Return the engine that uses the nodes; wait until they have come."""
        check_settings(simulation.settings)
        plan = replace(plan, settings=simulation.settings, checkpoint_every=plan.checkpoint_every or 1)
        config = _portable(plan.config(simulation.data, simulation.model_arguments))  # type: ignore[arg-type]
        if self._serving.devices:
            config[TABLE] = describe_devices(simulation.data)  # type: ignore[arg-type]
        fleet = self._fleet or self._gather(config)
        fleet.config = config
        return RemoteEngine(simulation.build_model, simulation.workers, fleet)

    def _gather(self, config: dict[str, Any]) -> Fleet:
        """Start Flower, and wait for nodes."""
        serving = self._serving
        desk = self._stack.enter_context(Desk(self._folder / "desk.json"))
        self._start_superlink()
        self._start_nodes()
        self._start_run(desk)
        grid = Grid(self._wait_for_visitor(desk))
        fleet = Fleet(grid, self._folder.name, config, self._shown.say, serving.most_samples)
        self._fleet = fleet
        wait_for(fleet, serving.nodes, serving.wait, self._shown.doing)
        return fleet

    def _start_superlink(self) -> None:
        """Start a SuperLink, unless one runs already, and tell it which nodes may take part."""
        serving = self._serving
        env = flower.environment(self._folder)
        control = serving.superlink
        if not control:
            command, control = SuperLink(self._version, serving.host, serving.port).command(serving.trust)
            program = self._start(command, "superlink.log", env)
            flower.wait_until_open(control, program, self._shown.doing)
            self._shown.say(f"Nodes connect to {serving.host}:{serving.port}: minizerofl join HOST:{serving.port}")
        flower.write_connection(self._folder, control, serving.trust)
        for key in serving.trust.public_keys():
            flower.flwr(["supernode", "register", str(key.resolve()), flower.NAME], env)
            self._shown.say(f"node key {key.parent.name} may take part")

    def _start_nodes(self) -> None:
        """Start nodes on this machine, if they are asked for."""
        serving = self._serving
        for number in range(1, serving.local_nodes + 1):
            name = f"local-{number}"
            command = [sys.executable, "-m", "minizerofl_cli", "join", f"{LOOPBACK}:{serving.port}"]
            self._start([*command, "--insecure", "--name", name], f"{name}.log", dict(os.environ))

    def _start_run(self, desk: Desk) -> None:
        self._shown.doing("starting Flower's ServerApp")
        app = flower.write_app(self._folder, desk.path)
        flower.flwr(["run", str(app), flower.NAME], flower.environment(self._folder))

    def _start(self, command: list[str], log: str, env: dict[str, str]) -> Program:
        program = self._stack.enter_context(Program(command, self._folder / log, env))
        self._programs.append(program)
        return program

    def _wait_for_visitor(self, desk: Desk) -> Any:
        end = time.monotonic() + flower.READY
        while time.monotonic() < end:
            visitor = desk.next(timeout=0.5)
            if visitor is not None:
                return self._stack.enter_context(visitor)
            for program in self._programs:
                if program.ended() is not None:
                    raise NetworkError(f"{program.name} ended: {program.why()}")
        raise NetworkError(f"Flower's ServerApp did not start within {flower.READY:g} seconds")


def check_settings(settings: Settings) -> None:
    """Refuse settings with which clients remember something between rounds: that would have to travel, or be lost.

    Raises
    ------
    ConfigError
        There is such a setting.
    """
    if settings.bn == "local":
        raise ConfigError("--bn local keeps BatchNorm at the clients, which serve does not support; use --bn global")
    if settings.uplink in REMEMBERING:
        raise ConfigError(f"--uplink {settings.uplink} keeps memory at the clients, which serve does not support")


def _portable(config: Any) -> dict[str, Any]:
    """Return the configuration without what belongs to this machine."""
    private = {"run": ("data_dir", "init_from", "mask_from"), "model": ("init_sha256", "mask_sha256")}
    return {
        name: {key: value for key, value in table.items() if key not in private.get(name, ())}
        for name, table in config.items()
    }
