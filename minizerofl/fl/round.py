"""The record of a round: an outcome for each client that was invited, and what they gave together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from minizerofl.fl.codecs import Parts
from minizerofl.fl.measures.costs import Effort, Macs
from minizerofl.fl.measures.evaluation import Evaluation
from minizerofl.shown import Facts, Shown, megabytes

NOT_EVALUATED = Evaluation()
Status = Literal["accepted", "refused", "dropped", "crashed", "late"]


@dataclass(frozen=True)
class Outcome:
    """How one client's turn ended.

    Attributes
    ----------
    client : str
        The client.
    status : str
        "accepted": its update is part of the average. "refused": its update cannot be used (one that is not finite is
        not even sent). "dropped": it did not answer. "crashed": it failed. "late": the deadline had passed.
    reason : str
        Why, on one line; empty if accepted.
    trace : str
        Where it crashed; empty if it did not.
    num_samples : int
        Its training samples.
    train_loss : float or None
        Mean cross-entropy of its local training, in nats; None if no update came.
    uplink_bytes : int
        The bytes it sent.
    parts : Parts
        What they are for; all 0 if it was not accepted.
    downlink_bytes : int
        The bytes that it was sent.
    uplink_encode_seconds, uplink_decode_seconds : float
        How long the client took to encode its message, and the server to decode it.
    downlink_decode_seconds : float
        How long the client took to decode the server's message; 0 if that had been done for another client, as the
        clients of a process share it.
    macs : Macs
        The multiply-adds of its training.
    seconds : float
        Wall time from its start to its answer.
    """

    client: str
    status: Status
    reason: str = ""
    trace: str = ""
    num_samples: int = 0
    train_loss: float | None = None
    uplink_bytes: int = 0
    parts: Parts = field(default_factory=Parts)
    downlink_bytes: int = 0
    uplink_encode_seconds: float = 0.0
    uplink_decode_seconds: float = 0.0
    downlink_decode_seconds: float = 0.0
    macs: Macs = field(default_factory=Macs)
    seconds: float = 0.0


@dataclass(frozen=True, repr=False)
class Round(Shown):
    """The record of a round; printed, it is one line.

    Attributes
    ----------
    round : int
        Counted from 1.
    lr : float
        The learning rate.
    outcomes : tuple of Outcome
        One for each client that was invited, in the order of sampling.
    train_loss : float
        Mean cross-entropy during local training, weighted by samples, in nats.
    dense_bytes : int
        The bytes that all clients that answered would have sent as dense models.
    downlink_bytes : int
        The bytes that the server sent: its message, to each client that was invited.
    dense_downlink_bytes : int
        The bytes of dense models for as many clients.
    downlink_parts : Parts
        What `downlink_bytes` are for.
    downlink_encode_seconds : float
        How long the server took to encode its message.
    kept : mapping of str to float
        For each sparse layer, the share of its weights that was sent; less than 1 - sp + r if there were too few
        non-zeros, 1 if they are sent whole.
    kept_fraction : float
        The same over all sparse layers together.
    density : float
        The share of the sparse layers' weights that is not zero in the new global model.
    client_overlap : mapping of str to (float, float)
        For each layer that is sent in part, the union density of what the clients sent and the mean Jaccard index of
        two clients (`minizerofl.fl.measures.masks`); empty in rounds whose masks are not noted.
    score : Evaluation
        The evaluation of the new global model on test samples. In a round without one (`Settings.eval_every`) its
        numbers are NaN and it is false, so that ``if round.score:`` asks whether there is one.
    dense_score : Evaluation
        A second evaluation with all weights instead of the largest, if asked for (`Settings.eval_dense`).
    validation : Evaluation
        The evaluation on validation samples, if one was due and there are such samples.
    train_seconds, aggregate_seconds, eval_seconds : float
        Wall time of local training, of the server's own work (sampling, decoding, averaging, statistics), and of
        evaluation.
    effort : Effort
        Memory and energy.

    Examples
    --------
    >>> outcome = Outcome("a", "accepted", uplink_bytes=2_000_000)
    >>> print(Round(3, 0.1, (outcome,), train_loss=1.5, dense_bytes=7_000_000, kept_fraction=0.25))
    round 3: accuracy not evaluated, train loss 1.500, clients 1, uplink 2.0 MB (3.5x less than dense), time 0.0 s
    """

    round: int
    lr: float
    outcomes: tuple[Outcome, ...]
    train_loss: float
    dense_bytes: int
    kept_fraction: float
    downlink_bytes: int = 0
    dense_downlink_bytes: int = 0
    downlink_parts: Parts = field(default_factory=Parts)
    downlink_encode_seconds: float = 0.0
    kept: Mapping[str, float] = field(default_factory=dict)
    density: float = 1.0
    client_overlap: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    score: Evaluation = NOT_EVALUATED
    dense_score: Evaluation = NOT_EVALUATED
    validation: Evaluation = NOT_EVALUATED
    train_seconds: float = 0.0
    aggregate_seconds: float = 0.0
    eval_seconds: float = 0.0
    effort: Effort = field(default_factory=Effort)

    def _facts(self) -> tuple[str, Facts]:
        """Return what is shown of a round."""
        score, accepted, invited = self.score, self.count("accepted"), len(self.outcomes)
        result = {"accuracy": f"{100 * score.accuracy:.1f} %", "loss": f"{score.loss:.3f}"}
        saving = f" ({self.dense_bytes / self.uplink_bytes:.1f}x less than dense)" if self.uplink_bytes else ""
        return f"round {self.round}", {
            **(result if score else {"accuracy": "not evaluated"}),
            "train loss": f"{self.train_loss:.3f}",
            "clients": f"{accepted}" if accepted == invited else f"{accepted} of {invited}",
            "uplink": f"{megabytes(self.uplink_bytes)}{saving}",
            "time": f"{self.seconds:.1f} s",
        }

    def count(self, status: Status) -> int:
        """Return how many clients' turns ended like that."""
        return sum(outcome.status == status for outcome in self.outcomes)

    @property
    def clients(self) -> tuple[str, ...]:
        """The clients whose updates were accepted, in the order they were sampled."""
        return tuple(outcome.client for outcome in self.outcomes if outcome.status == "accepted")

    @property
    def num_samples(self) -> int:
        """Training samples of the accepted clients."""
        return sum(outcome.num_samples for outcome in self.outcomes if outcome.status == "accepted")

    @property
    def uplink_bytes(self) -> int:
        """The bytes that the clients sent."""
        return sum(outcome.uplink_bytes for outcome in self.outcomes)

    @property
    def uplink_parts(self) -> Parts:
        """What the bytes of the accepted clients are for."""
        return sum((outcome.parts for outcome in self.outcomes), Parts())

    @property
    def macs(self) -> Macs:
        """The multiply-adds of all clients' training."""
        return sum((outcome.macs for outcome in self.outcomes), Macs())

    @property
    def seconds(self) -> float:
        """Wall time of the whole round, without the writing of files."""
        return self.train_seconds + self.aggregate_seconds + self.eval_seconds
