"""What server and nodes write to each other about a round, and how the server reads it: it believes nothing.

A request says which clients a node is to train in which round, and brings the global model. A reply says how the turn
of each of them ended, and brings the updates as the clients' codec wrote them.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast, get_args

from minizerofl.fl.crash import Crash
from minizerofl.fl.engines.relay import Letter
from minizerofl.fl.errors import RefusedError
from minizerofl.fl.measures.costs import Macs
from minizerofl.fl.payload import Update
from minizerofl.fl.round import Outcome, Status
from minizerofl.fl.turn import Answer, Invitation, Turn
from minizerofl.printable import printable
from minizerofl.usercode import WorkerTraceback

WIRE = 2  # version of what is written here
MODEL = "model"  # the part of a request that is the global model
LONGEST_REASON, LONGEST_TRACE = 500, 20_000  # characters
LARGEST = 2**62  # of a count
FORGETFUL = "its uplink remembers something from round to round, which does not travel between server and nodes"


@dataclass(frozen=True)
class Request:
    """What a node is asked to do.

    Attributes
    ----------
    federation : str
        Which federation asks: a run, from one start of the server to its end.
    round : int
        The round; 0 if the node is only to say who it is.
    deadline : float
        When an answer would be too late, on this machine's clock of `time.monotonic`.
    invitations : tuple of Invitation
        The clients.
    model : bytes
        The global model, encoded.
    config : mapping
        The configuration of the run: the tables of its config.toml.
    """

    federation: str
    round: int
    deadline: float
    invitations: tuple[Invitation, ...]
    model: bytes
    config: Mapping[str, Any]


def write_question(federation: str, config: Mapping[str, Any]) -> Letter:
    """Ask a node who it is."""
    return Letter({"wire": WIRE, "federation": federation, "round": 0, "config": config, "clients": []})


def write_requests(
    federation: str, config: Mapping[str, Any], turn: Turn, hands: Iterable[Sequence[Invitation]]
) -> list[Letter]:
    """Ask nodes to train clients, each those of one hand; all letters share the bytes of the model."""
    question = write_question(federation, config)
    left = None if math.isinf(turn.deadline) else turn.deadline - time.monotonic()
    model, codec = bytes(turn.downlink.message), turn.settings.downlink_codec
    asked = [[[each.client_id, each.place] for each in hand] for hand in hands]
    head = {**question.head, "round": turn.round, "seconds": left}
    return [Letter({**head, "clients": clients}, {MODEL: model}, codec) for clients in asked]


def read_request(letter: Letter) -> Request:
    """Read a request on a node, which trusts its server.

    Raises
    ------
    ValueError
        The server has another version.
    """
    head = letter.head
    if head.get("wire") != WIRE:
        raise ValueError(f"the server speaks version {head.get('wire')}, this node version {WIRE}; update the older")
    left = head.get("seconds")
    return Request(
        federation=head["federation"],
        round=head["round"],
        deadline=math.inf if left is None else time.monotonic() + left,
        invitations=tuple(Invitation(client, place) for client, place in head["clients"]),
        model=letter.parts.get(MODEL, b""),
        config=head["config"],
    )


def write_reply(request: Request, answers: Mapping[int, Answer], about: Mapping[str, Any], codec: str) -> Letter:
    """Write the reply to a request: how the turns of its clients ended, by their places, and who the node is."""
    told, parts = {}, {}
    for place, answer in answers.items():
        if answer.memory:  # Without it the next turn would be another, and nobody would know.
            answer = Answer(replace(answer.outcome, status="crashed", reason=FORGETFUL))
        told[str(place)] = _told(answer)
        if answer.update is not None:
            parts[str(place)] = answer.update.message
    head = {"wire": WIRE, "federation": request.federation, "round": request.round, "node": dict(about)}
    return Letter({**head, "answers": told}, parts, codec)


def _told(answer: Answer) -> dict[str, Any]:
    outcome = answer.outcome
    told: dict[str, Any] = {
        "status": outcome.status,
        "reason": outcome.reason,
        "trace": outcome.trace,
        "macs": [outcome.macs.kept, outcome.macs.dense],
        "seconds": outcome.seconds,
    }
    if answer.update is not None:
        told |= {
            "num_samples": answer.update.num_samples,
            "train_loss": answer.update.train_loss,
            "encode_seconds": outcome.uplink_encode_seconds,
            "decode_seconds": outcome.downlink_decode_seconds,
        }
    if answer.crash is not None:
        error = answer.crash.error
        told["crash"] = [type(error).__name__, " ".join(str(error).split()), answer.crash.place]
    return told


def read_reply(letter: Letter, federation: str, turn: Turn, invited: Sequence[Invitation]) -> list[Answer]:
    """Read a reply on the server.

    Parameters
    ----------
    letter : Letter
        The reply. Nothing in it is trusted.
    federation, turn : str, Turn
        What the request was about.
    invited : sequence of Invitation
        The clients of the request.

    Returns
    -------
    list of Answer
        One for each client. What cannot be believed is an answer that was refused, with its reason; whether an update
        can be used is found out later, as for every update.
    """
    answers = []
    for invitation in invited:
        client, key = invitation.client_id, str(invitation.place)
        try:
            _check_round(letter, federation, turn.round)
            told = _entry(letter.head.get("answers"), key)
            answer = _read_answer(told, letter.parts.get(key), client, turn.data.num_train(client))
        except RefusedError as error:
            answer = Answer(Outcome(client, "refused", str(error)))
        outcome = replace(answer.outcome, downlink_bytes=len(turn.downlink.message))
        answers.append(replace(answer, outcome=outcome))
    return answers


def _check_round(letter: Letter, federation: str, round: int) -> None:
    head = letter.head
    if head.get("wire") != WIRE:
        raise RefusedError("format", "the reply of the node is not one of minizerofl, or of another version")
    if head.get("federation") != federation:
        raise RefusedError("old round", "the reply of the node belongs to another run")
    if head.get("round") != round:
        raise RefusedError("old round", f"the reply of the node belongs to round {printable(str(head.get('round')))}")


def _entry(answers: Any, key: str) -> dict[str, Any]:
    entry = answers.get(key) if isinstance(answers, dict) else None
    if not isinstance(entry, dict):
        raise RefusedError("format", "the reply of the node says nothing of this client")
    return entry


def _read_answer(told: dict[str, Any], message: bytes | None, client: str, size: int) -> Answer:
    status, seconds = told.get("status"), _number(told, "seconds")
    kept, dense = _macs(told.get("macs"))
    if status not in get_args(Status):
        raise RefusedError("format", "the reply of the node has an unknown status")
    outcome = Outcome(
        client, cast(Status, status), _text(told, "reason", LONGEST_REASON), macs=Macs(kept, dense), seconds=seconds,
        trace=str(told.get("trace", ""))[:LONGEST_TRACE],
    )  # fmt: skip
    if status != "accepted":
        return Answer(outcome, crash=_crash(told.get("crash"), outcome.trace))
    if message is None:
        raise RefusedError("format", "the reply of the node has no update of this client")
    samples, loss = told.get("num_samples"), _number(told, "train_loss")
    if type(samples) is not int or samples != size:
        claimed = printable(str(samples))[:LONGEST_REASON]
        raise RefusedError("samples", f"the client claims to have trained on {claimed} samples; it has {size}")
    done = replace(
        outcome,
        reason="",
        trace="",
        num_samples=samples,
        train_loss=loss,
        uplink_encode_seconds=_number(told, "encode_seconds"),
        downlink_decode_seconds=_number(told, "decode_seconds"),
    )
    return Answer(done, Update(client, samples, message, loss))


def _text(told: dict[str, Any], key: str, longest: int) -> str:
    return printable(str(told.get(key, "")))[:longest]


def _number(told: dict[str, Any], key: str) -> float:
    value = told.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        raise RefusedError("format", f"{key} is {printable(str(value))[:LONGEST_REASON]}, expected a number")
    return float(value)


def _macs(value: Any) -> tuple[int, int]:
    if isinstance(value, list) and len(value) == 2 and all(type(n) is int and 0 <= n < LARGEST for n in value):
        return value[0], value[1]
    raise RefusedError("format", "the reply of the node does not count its multiply-adds")


def _crash(told: Any, trace: str) -> Crash | None:
    """Make the exception of a client again: one of the same name and message, not of the same class."""
    if not isinstance(told, list) or len(told) != 3:
        return None
    name, text, place = (printable(str(each))[:LONGEST_REASON] for each in told)
    kind = type(name if name.isidentifier() else "Error", (RuntimeError,), {})
    error: Exception = kind(text)
    error.__cause__ = WorkerTraceback(trace, place)
    return Crash(error)
