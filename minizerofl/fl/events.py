"""What happens in a run, as it happens: what `Simulation.run` tells its callback."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from minizerofl.fl.engines.news import Compilation, heard_by, report
from minizerofl.fl.measures.clock import timed
from minizerofl.fl.round import Outcome, Round
from minizerofl.kernels.jit import watch_compiling


class StopRun(Exception):  # noqa: N818 - stopping is what the callback wants, not an error
    """Raised by a callback to end a run without an error.

    At `RoundEnded` the round is kept, and is still yielded; at any other event the round is given up, and the state is
    that of the round before.
    """


@dataclass(frozen=True)
class RoundStarted:
    """A round begins.

    Attributes
    ----------
    round, rounds : int
        The round, counted from 1, and the last one of the run.
    clients : tuple of str
        The clients that were sampled.
    """

    round: int
    rounds: int
    clients: tuple[str, ...]


@dataclass(frozen=True)
class ClientStep:
    """A client is training; told about twice a second.

    Attributes
    ----------
    round : int
        The round.
    client : str
        The client.
    samples, total : int
        The samples it has trained on so far in this round, and all that it will train on, in all local epochs.
    """

    round: int
    client: str
    samples: int
    total: int


@dataclass(frozen=True)
class ClientDone:
    """A client has answered. The order is that in which answers come, which may differ between equal runs.

    Attributes
    ----------
    round : int
        The round.
    outcome : Outcome
        How its turn ended. The server has not checked the update yet: it may still be refused, see `Round.outcomes`.
    done, sampled : int
        The clients that have answered so far, and all that were sampled.
    """

    round: int
    outcome: Outcome
    done: int
    sampled: int


@dataclass(frozen=True)
class KernelCompiled:
    """A kernel was compiled, which happens once: compiled kernels are kept on disk where a folder can be written to.

    Attributes
    ----------
    round : int
        The round.
    seconds : float
        How long it took, with the kernels that it calls.
    """

    round: int
    seconds: float


@dataclass(frozen=True)
class EvaluationStarted:
    """The new global model is about to be evaluated.

    Attributes
    ----------
    round : int
        The round.
    samples : int
        Test samples.
    """

    round: int
    samples: int


@dataclass(frozen=True)
class RoundEnded:
    """A round is complete.

    Attributes
    ----------
    record : Round
        What it did; `Simulation.run` yields the same.
    """

    record: Round


Event = RoundStarted | ClientStep | ClientDone | KernelCompiled | EvaluationStarted | RoundEnded
Callback = Callable[[Event], object]  # what it returns is ignored


@contextmanager
def tell(callback: Callback | None, round: int) -> Iterator[None]:
    """Let a callback hear, in the body of a ``with`` statement, what a round and its clients report.

    Parameters
    ----------
    callback : callable or None
        Is told the events.
    round : int
        The round.
    """
    sampled = done = 0

    def hear(event: Any) -> None:
        nonlocal sampled, done
        if isinstance(event, RoundStarted):
            sampled = len(event.clients)
        elif isinstance(event, ClientDone):
            done += 1
            event = replace(event, done=done, sampled=sampled)
        elif isinstance(event, Compilation):
            event = KernelCompiled(round, event.seconds)
        if callback is not None:
            callback(event)

    with heard_by(hear), watch_compiling(lambda seconds: report(Compilation(seconds))), timed("round"):
        yield


def wants_to_stop(callback: Callback | None, event: Event) -> bool:
    """Tell a callback of an event, and return whether it asked to stop the run."""
    try:
        if callback is not None:
            callback(event)
    except StopRun:
        return True
    return False
