"""A client's turn in a round: it trains and sends an update, and however that ends, the server gets an `Answer`.

A `Turn` holds what all clients of the round are given. An engine calls it with a model to work in and with the
`Invitation` of one client.
"""

from __future__ import annotations

import math
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from minizerofl.autograd.tensor import Tensor
from minizerofl.fl.client import Client, Watch
from minizerofl.fl.crash import Crash
from minizerofl.fl.data import Augmenting, FederatedData, Samples
from minizerofl.fl.downlink import Downlink, damage
from minizerofl.fl.engines.news import report
from minizerofl.fl.errors import RefusedError
from minizerofl.fl.events import ClientDone, ClientStep
from minizerofl.fl.faults import Fault, InjectedCrash, parse_faults
from minizerofl.fl.measures.clock import timed
from minizerofl.fl.measures.costs import Macs, count_macs
from minizerofl.fl.payload import State, Update
from minizerofl.fl.round import Outcome, Status
from minizerofl.fl.settings import Settings
from minizerofl.fl.uplinks import Uplink
from minizerofl.nn import Module
from minizerofl.usercode import describe

NAP = 0.01  # seconds between two looks at the clock while a client waits
PACE = 0.5  # seconds between two reports of a client that is training


class LateError(TimeoutError):
    """The round's deadline has passed."""


class DroppedError(ConnectionError):
    """The client does not answer."""


@dataclass(frozen=True)
class Invitation:
    """What one client is told.

    Attributes
    ----------
    client_id : str
        The client.
    place : int
        Its place among the clients of the round, counted from 0.
    memory : dict of str to array
        What it remembers of its earlier turns.
    """

    client_id: str
    place: int = 0
    memory: State = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """What the server gets back from an invitation.

    Attributes
    ----------
    outcome : Outcome
        How the turn ended. "accepted" means here that an update came; the server may still refuse it. "refused" means
        that the client itself sent nothing, because what it learned is not finite.
    update : Update or None
        What the client sends, if it got that far.
    memory : dict of str to array
        What the client remembers from now on.
    crash : Crash or None
        The exception in which the turn ended, unless it was injected.
    """

    outcome: Outcome
    update: Update | None = None
    memory: State = field(default_factory=dict)
    crash: Crash | None = None


class Watcher:
    """Sees each mini-batch before its backward pass: counts multiply-adds, and ends the training at the deadline.

    Parameters
    ----------
    deadline : float
        When an answer would be too late, on the clock of `time.monotonic`.
    progress : callable, optional
        Is told now and then how many mini-batches have been trained on.

    Attributes
    ----------
    macs : Macs
        The multiply-adds so far.

    Examples
    --------
    >>> Watcher(deadline=time.monotonic() - 1).check_time()
    Traceback (most recent call last):
        ...
    minizerofl.fl.turn.LateError: the round's deadline had passed
    """

    def __init__(self, deadline: float = math.inf, progress: Callable[[int], object] | None = None) -> None:
        self.macs = Macs()
        self._deadline = deadline
        self._progress = progress
        self._steps, self._reported = 0, time.monotonic()

    @timed("count multiply-adds")
    def __call__(self, loss: Tensor) -> None:
        """Count a mini-batch."""
        self.check_time()
        self.macs += count_macs(loss)
        if self._progress and time.monotonic() > self._reported + PACE:
            self._progress(self._steps)
            self._reported = time.monotonic()
        self._steps += 1

    def check_time(self) -> None:
        """Raise `LateError` if the deadline has passed."""
        if time.monotonic() > self._deadline:
            raise LateError("the round's deadline had passed")

    def wait(self, seconds: float) -> None:
        """Do nothing for some seconds, or until the deadline."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.check_time()
            time.sleep(min(NAP, left))


@dataclass(frozen=True)
class Turn:
    """What all clients of a round are given.

    Attributes
    ----------
    round : int
        The round, counted from 1.
    lr : float
        The learning rate of the round.
    downlink : Downlink
        The global model, as the server sends it.
    data : FederatedData
        Where the clients' samples come from.
    uplink : Uplink
        What the clients send.
    settings : Settings
        The settings of the run.
    local : frozenset of str
        Tensors of which each client keeps its own, see `Client`.
    deadline : float
        When an answer would be too late, on the clock of `time.monotonic`.
    """

    round: int
    lr: float
    downlink: Downlink
    data: FederatedData
    uplink: Uplink
    settings: Settings
    local: frozenset[str] = frozenset()
    deadline: float = math.inf

    @property
    def state(self) -> State:
        """The global model, as a client decodes it."""
        return self.downlink.state()

    def sizes(self, invitations: Sequence[Invitation]) -> list[int]:
        """Return how many samples each client trains on, in proportion to which its turn takes time."""
        return [self.data.num_train(invitation.client_id) for invitation in invitations]

    def __call__(self, model: Module, invitation: Invitation) -> Answer:
        """Let a client train on its samples; report what it does; never raises an `Exception`."""
        with timed("turn", invitation.client_id):
            answer = self._answer(model, invitation)
        sent = len(answer.update.message) if answer.update else 0
        report(ClientDone(self.round, replace(answer.outcome, uplink_bytes=sent), done=0, sampled=0))
        return answer

    def _answer(self, model: Module, invitation: Invitation) -> Answer:
        started = time.perf_counter()
        watcher = Watcher(self.deadline, lambda steps: self._report_step(invitation.client_id, steps))
        memory = dict(invitation.memory)

        def outcome(status: Status, reason: str = "", trace: str = "") -> Outcome:
            return Outcome(
                invitation.client_id,
                status,
                reason,
                trace,
                downlink_bytes=len(self.downlink.message),
                macs=watcher.macs,
                seconds=time.perf_counter() - started,
            )

        try:
            update = self._work(model, invitation, watcher, memory)
        except LateError as error:
            return Answer(outcome("late", str(error)))
        except DroppedError as error:
            return Answer(outcome("dropped", str(error)))
        except RefusedError as error:
            return Answer(outcome("refused", str(error)))
        except Exception as error:
            crash = None if isinstance(error, InjectedCrash) else Crash(error)
            return Answer(outcome("crashed", describe(error), traceback.format_exc()), crash=crash)
        done = replace(
            outcome("accepted"),
            num_samples=update.num_samples,
            train_loss=update.train_loss,
            uplink_encode_seconds=update.encode_seconds,
            downlink_decode_seconds=update.decode_seconds,
        )
        return Answer(done, update, memory)

    def train(
        self, model: Module, client_id: str, samples: Samples, watch: Watch | None = None, memory: State | None = None
    ) -> Update:
        """Let a client train on these samples, see `Client.train`."""
        augmenting = self.data if isinstance(self.data, Augmenting) else None
        client = Client(client_id, samples, self.uplink, self.settings, self.local, augmenting)
        began = time.perf_counter()
        state = self.state
        seconds = time.perf_counter() - began
        return replace(client.train(model, state, self.round, self.lr, watch, memory), decode_seconds=seconds)

    def _work(self, model: Module, invitation: Invitation, watcher: Watcher, memory: State) -> Update:
        """Read the samples, train and return the update; faults that were asked for strike on the way."""
        faults = self._faults(invitation)
        kinds = {fault.kind for fault in faults}
        watcher.wait(sum(fault.seconds for fault in faults))
        watcher.check_time()
        with timed("read samples"):
            x, y = self.data.train(invitation.client_id)
        if "drop" in kinds:
            raise DroppedError("did not answer (injected)")
        if "crash" in kinds:
            raise InjectedCrash("injected")
        if "nan" in kinds:
            x = np.full_like(x, np.nan)  # Then what it learns is NaN as well.
        turn = replace(self, downlink=self.downlink.damaged()) if "corrupt-down" in kinds else self
        update = turn.train(model, invitation.client_id, (x, y), watcher, memory)
        if "corrupt" in kinds:
            update = replace(update, message=damage(update.message))
        watcher.check_time()
        return update

    def _report_step(self, client: str, steps: int) -> None:
        size, s = self.data.num_train(client), self.settings
        epochs, rest = divmod(steps, -(-size // s.batch_size))
        report(ClientStep(self.round, client, epochs * size + rest * s.batch_size, s.local_epochs * size))

    def _faults(self, invitation: Invitation) -> list[Fault]:
        plan = parse_faults(self.settings.inject)
        return [fault for fault in plan if fault.strikes(self.round, invitation.client_id, invitation.place)]
