"""One client's work in a round: whatever ends it, be it the deadline or a crash, becomes an answer."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from minizerofl.autograd.tensor import Tensor
from minizerofl.fl.data import Samples
from minizerofl.fl.faults import Fault, InjectedCrash
from minizerofl.fl.measures.costs import Macs, count_macs
from minizerofl.fl.payload import State, Update
from minizerofl.fl.round import Outcome, Status

Watch = Callable[[Tensor], None]
NAP = 0.01  # seconds between two looks at the clock of a client that waits


class LateError(TimeoutError):
    """The round's deadline has passed."""


class DroppedError(ConnectionError):
    """The client does not answer."""


@dataclass(frozen=True)
class Answer:
    """What came of a client's work: an update, or the outcome that stands for it, and what the client remembers."""

    outcome: Outcome
    update: Update | None = None
    memory: State = field(default_factory=dict)


class Watcher:
    """Sees each mini-batch of a client before its backward pass: counts multiply-adds, ends the work at the deadline.

    Attributes
    ----------
    macs : Macs
        What was counted.

    Examples
    --------
    >>> Watcher(deadline=time.monotonic() - 1).check_time()
    Traceback (most recent call last):
        ...
    minizerofl.fl.work.LateError: the round's deadline had passed
    """

    def __init__(self, deadline: float = float("inf")) -> None:
        self.macs = Macs()
        self._deadline = deadline

    def __call__(self, loss: Tensor) -> None:
        """Count a mini-batch."""
        self.check_time()
        self.macs += count_macs(loss)

    def check_time(self) -> None:
        """End the work if the deadline has passed."""
        if time.monotonic() > self._deadline:
            raise LateError("the round's deadline had passed")

    def wait(self, seconds: float) -> None:
        """Do nothing for some seconds, or until the deadline."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.check_time()
            time.sleep(min(NAP, left))


def work(
    client_id: str,
    samples: Callable[[], Samples],
    train: Callable[[Samples, Watch], Update],
    faults: Sequence[Fault] = (),
    deadline: float = float("inf"),
) -> Answer:
    """Let a client train; never raises an `Exception`.

    Parameters
    ----------
    client_id : str
        The client.
    samples : callable
        Reads its samples.
    train : callable
        Trains on samples; calls what it is given with the loss of each mini-batch.
    faults : sequence of Fault
        What befalls it on purpose.
    deadline : float
        When its answer would be too late, on the clock of `time.monotonic`.

    Examples
    --------
    >>> def read():
    ...     raise OSError("no such file")
    >>> answer = work("writer", read, lambda samples, watch: None)
    >>> answer.outcome.status, answer.outcome.reason
    ('crashed', 'OSError: no such file')
    """
    started = time.perf_counter()
    watcher = Watcher(deadline)
    kinds = {fault.kind for fault in faults}

    def failed(status: Status, reason: str, trace: str = "") -> Answer:
        return Answer(
            Outcome(client_id, status, reason, trace, macs=watcher.macs, seconds=time.perf_counter() - started)
        )

    try:
        watcher.wait(sum(fault.seconds for fault in faults))
        watcher.check_time()
        x, y = samples()
        if "drop" in kinds:
            raise DroppedError("did not answer (injected)")
        if "crash" in kinds:
            raise InjectedCrash("injected")
        if "nan" in kinds:
            x = np.full_like(x, np.nan)  # and so is what it learns
        update = train((x, y), watcher)
        if "corrupt" in kinds:
            update = replace(update, message=_damaged(update.message))
        watcher.check_time()
    except LateError as error:
        return failed("late", str(error))
    except DroppedError as error:
        return failed("dropped", str(error))
    except Exception as error:
        return failed("crashed", f"{type(error).__name__}: {' '.join(str(error).split())}", traceback.format_exc())
    outcome = Outcome(
        client_id,
        "accepted",
        num_samples=update.num_samples,
        train_loss=update.train_loss,
        macs=watcher.macs,
        seconds=time.perf_counter() - started,
    )
    return Answer(outcome, update)


def _damaged(message: bytes) -> bytes:
    """Change one byte in the middle."""
    middle = len(message) // 2
    return message[:middle] + bytes([message[middle] ^ 1]) + message[middle + 1 :]
