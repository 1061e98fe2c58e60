"""How fast a round would be with more workers: by Amdahl's law, and by a simulation on paper of what was measured.

Both count the CPU seconds of the parts, so that neither other programs nor more workers than cores change them; only
for files the wall time counts, for they wait for the disk.

Amdahl's law divides work into a serial share s, here what the server does alone, and the rest, which any number of
workers share evenly: N workers are 1 / (s + (1 - s) / N) times as fast as one.

The simulation on paper knows that a client cannot be divided, and that the server can take in an answer while others
still train. Each worker takes the longest client that is left. The server takes in the answers in the order of
sampling, as it does in a real round. There is a barrier only where the round has one: the server's step comes when all
answers are in, and the evaluation after it. What more workers would do to caches and memory is not part of it.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from minizerofl_cli.bench.round_parts import EVALUATE, FILES, PER_ANSWER, SERVER, WAIT, WORKER, Piece, TracedRound

WORKERS = (1, 2, 4, 8, 16, 32, 64)
PER_WORKER = ("receive model", "decode model")  # what a worker does once in a round, for all its clients


@dataclass(frozen=True)
class Work:
    """The work of a round, in seconds.

    Attributes
    ----------
    before : float
        What the server does before the first client begins.
    entry : float
        What each worker does once, before its first client.
    turns : tuple of float
        What each client takes, in the order of sampling.
    folds : tuple of float
        What the server does with the answer of each.
    after : float
        What the server does when all answers are in.
    evaluations : tuple of float
        The parts of the evaluation.
    """

    before: float
    entry: float
    turns: tuple[float, ...]
    folds: tuple[float, ...]
    after: float
    evaluations: tuple[float, ...]

    @property
    def serial_share(self) -> float:
        """The share that only the server can do: the s of Amdahl's law.

        Examples
        --------
        >>> Work(0.5, 0.0, (4.0, 2.0), (0.5, 0.5), 0.5, (2.0,)).serial_share
        0.2
        """
        serial = self.before + sum(self.folds) + self.after
        return serial / (serial + self.entry + sum(self.turns) + sum(self.evaluations))

    def without_evaluation(self) -> Work:
        """Return the work of a round that is not evaluated."""
        return replace(self, evaluations=())

    def amdahl(self, workers: int) -> float:
        """Return how many times as fast as one worker some are by Amdahl's law.

        Examples
        --------
        >>> Work(1.0, 0.0, (3.0,), (0.0,), 0.0, ()).amdahl(3)
        2.0
        """
        s = self.serial_share
        return 1 / (s + (1 - s) / workers)

    def seconds(self, workers: int) -> float:
        """Return how long the round takes with some workers, simulated on paper.

        Examples
        --------
        >>> work = Work(1.0, 0.0, (2.0, 6.0, 2.0, 2.0), (0.5,) * 4, 1.0, ())
        >>> work.seconds(1), work.seconds(2), work.seconds(64)
        (14.5, 9.5, 9.5)
        """
        free = [self.before + self.entry] * min(workers, len(self.turns))
        heapq.heapify(free)
        ended = [0.0] * len(self.turns)
        for place in sorted(range(len(self.turns)), key=lambda i: -self.turns[i]):
            ended[place] = heapq.heappop(free) + self.turns[place]
            heapq.heappush(free, ended[place])
        now = self.before
        for end, fold in zip(ended, self.folds, strict=True):
            now = max(now, end) + fold
        return now + self.after + _makespan(self.evaluations, workers)


def _makespan(jobs: Sequence[float], workers: int) -> float:
    """Return when the last of some jobs ends, the longest first."""
    free = [0.0] * workers
    for job in sorted(jobs, reverse=True):
        heapq.heappush(free, heapq.heappop(free) + job)
    return max(free)


def work_of(traced: TracedRound) -> Work:
    """Return the work of a round that was traced."""
    pieces = [each for each in traced.pieces if each.part != WAIT]
    server = [each for each in pieces if each.place == SERVER]
    workers = [each for each in pieces if each.place == WORKER]
    turning = [each.span for each in workers if each.span.part == "turn"]
    first, last = min(span.began for span in turning), max(span.ended for span in turning)
    early = [each for each in server if each.span.ended <= first]
    folds = [each for each in server if each.part in PER_ANSWER]
    late = [each for each in server if each not in early and each not in folds]
    entries = [each for each in workers if each.part in PER_WORKER and each.span.ended <= last]
    evaluation = [each for each in workers if each.part == EVALUATE]
    evaluated = min((each.span.began for each in evaluation), default=math.inf)
    sends = [each for each in workers if each.part == "send" and each.span.began < evaluated]
    clients = [outcome.client for outcome in traced.record.outcomes]
    send = _seconds(sends) / len(sends) if sends else 0.0
    turns = tuple(
        send + _seconds([each for each in workers if each.client == client and each.part not in PER_WORKER])
        for client in clients
    )
    lanes = {each.span.lane for each in entries}
    return Work(
        before=_seconds(early),
        entry=_seconds(entries) / max(1, len(lanes)),
        turns=turns,
        folds=(_seconds(folds) / len(clients),) * len(clients),
        after=_seconds(late),
        evaluations=tuple(_seconds([each]) for each in evaluation),
    )


def _seconds(pieces: Sequence[Piece]) -> float:
    return sum(each.wall if FILES in (each.part, *each.outer) else each.cpu for each in pieces)
