"""What can go wrong in a federation, as exceptions that a caller can tell apart."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from minizerofl.fl.round import Outcome


class ConfigError(ValueError):
    """A setting is out of its range, or two settings contradict each other."""


class LostRoundError(RuntimeError):
    """A round had to be given up.

    Attributes
    ----------
    round : int
        The round; 0 if it had not begun.
    outcomes : tuple of Outcome
        How its clients' turns ended.
    """

    def __init__(self, message: str, round: int = 0, outcomes: Iterable[Outcome] = ()) -> None:
        super().__init__(message)
        self.round = round
        self.outcomes = tuple(outcomes)


class TooFewClientsError(LostRoundError):
    """There are fewer clients than a round needs, or fewer usable updates than its quorum."""


class ClientCodeError(LostRoundError):
    """All clients of a round failed alike: the cause, ``__cause__``, is an exception in code that they all run."""


class DivergedError(LostRoundError):
    """The global model, or at least as many updates as were accepted, are not finite."""


class WorkerDiedError(ChildProcessError):
    """Something outside ended a process that trained clients."""


class NetworkError(ConnectionError):
    """The other machines of a federation, or the program that carries messages to them, cannot be reached."""


class SealError(ValueError):
    """A file of ours is missing, damaged, of another kind or of another version."""


class ModelFileError(SealError):
    """A model file is missing, damaged, or of another version."""


class CheckpointError(SealError):
    """A checkpoint is missing, damaged, or belongs to another run."""


class RefusedError(ValueError):
    """An update cannot be used.

    Parameters
    ----------
    reason : str
        Why, in a word or two, for counting: "format", "checksum", "schema", "length", "index", "not finite",
        "negative variance" or "no samples".
    detail : str
        The same in one line, for people.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
