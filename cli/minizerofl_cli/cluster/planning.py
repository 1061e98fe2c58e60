"""What a federation would cost with 1, 2, 4, ... nodes: bytes and seconds of a round, for `minizerofl serve --dry-run`.

A round of n clients on N nodes, each of which trains w clients at once, takes about

    WAIT + NODE N                                Flower's looks for messages, and its work for each of them
    + ceil(n / N) / w * client                   training; `client` was measured just now
    + (N * model + n * update) / link            bytes through the server's network
    + n * update / FOLD + evaluation             the server's own work, one update after the other

WAIT and NODE were fitted to rounds of 1, 2 and 4 nodes on one machine, see docs/cluster.md; FOLD is an estimate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from minizerofl_cli.runs.estimate import Trial
from minizerofl_cli.runs.plan import Plan
from minizerofl_cli.screen.duration import duration
from minizerofl_cli.screen.progress import MB
from minizerofl_cli.screen.tables import table

WAIT, NODE = 4.8, 0.8  # seconds
FOLD = 150e6  # bytes of updates a second that the server takes in
LINK = 1000.0  # megabits a second, if nobody says how fast the server's network is


@dataclass(frozen=True)
class Round:
    """What a round costs.

    Attributes
    ----------
    sent, received : float
        Bytes that the server sends and gets.
    waiting, training, network, server : float
        Seconds.
    """

    sent: float
    received: float
    waiting: float
    training: float
    network: float
    server: float

    @property
    def seconds(self) -> float:
        """All of it."""
        return self.waiting + self.training + self.network + self.server

    @property
    def limit(self) -> str:
        """What takes most of the time."""
        parts = {"waiting": self.waiting, "training": self.training, "network": self.network, "server": self.server}
        return max(parts, key=lambda name: parts[name])


def expect(trial: Trial, plan: Plan, nodes: int, link: float) -> Round:
    """Return what a round is expected to cost.

    Parameters
    ----------
    trial : Trial
        What was measured on this machine.
    plan : Plan
        The run.
    nodes : int
        How many nodes there are, each with as many workers as the plan.
    link : float
        Megabits a second of the server's network.
    """
    s = plan.settings
    clients = s.clients_per_round
    busy = min(nodes, clients)
    sent, received = busy * trial.dense_bytes, clients * trial.message_bytes
    turns = -(-clients // nodes) / min(plan.workers, -(-clients // nodes))
    some = min(trial.test_samples, s.eval_samples or trial.test_samples) + s.validation_samples
    return Round(
        sent=sent,
        received=received,
        waiting=WAIT + NODE * busy,
        training=turns * (trial.steps(plan) * trial.step_seconds + trial.around_seconds),
        network=8 * (sent + received) / (link * 1e6),
        server=received / FOLD + some * trial.sample_seconds / s.eval_every / plan.workers,
    )


def planned(link: float) -> Callable[[Plan, Trial], Iterator[str]]:
    """Return what yields a table of rounds with ever more nodes."""

    def lines(plan: Plan, trial: Trial) -> Iterator[str]:
        head = ("nodes", "clients each", "server sends", "gets", "a round", "limited by")
        rows = []
        nodes = 1
        while nodes < 2 * plan.settings.clients_per_round:
            nodes = min(nodes, plan.settings.clients_per_round)
            cost = expect(trial, plan, nodes, link)
            each = -(-plan.settings.clients_per_round // nodes)
            sizes = f"{cost.sent / MB:,.0f} MB", f"{cost.received / MB:,.0f} MB"
            rows.append((f"{nodes:,}", f"{each:,}", *sizes, duration(cost.seconds), cost.limit))
            if nodes == plan.settings.clients_per_round:
                break
            nodes *= 2
        yield ""
        yield f"Expected on nodes like this machine, with {link:,.0f} Mbit/s at the server:"
        yield from table(head, rows, left=(0, 5))

    return lines
