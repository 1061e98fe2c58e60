"""The server takes in the answers of a round, one at a time: decodes, checks, folds and remembers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from minizerofl.fl.aggregator import Aggregator
from minizerofl.fl.crash import Crash
from minizerofl.fl.errors import RefusedError
from minizerofl.fl.measures.clock import timed
from minizerofl.fl.measures.masks import Bits, note_sent
from minizerofl.fl.payload import Payload, State
from minizerofl.fl.round import Outcome
from minizerofl.fl.turn import Answer


class Intake:
    """What came of the clients of a round so far.

    Parameters
    ----------
    aggregator : Aggregator
        Decodes the updates, checks them and adds them up.
    count : callable
        Is shown each update that was accepted, and its samples, see `Uplink.count`.
    note_masks : bool
        Whether to note which entries each client sent.

    Attributes
    ----------
    outcomes : list of Outcome
        How each client's turn ended, in the order in which they were sampled.
    crashes : list of Crash
        The exceptions of clients that crashed, unless they were injected.
    memories : dict of str to State
        What the accepted clients remember, by client.
    sent : dict of str to list of array
        For each layer that is sent in part, the masks of what the accepted clients sent, if they are noted.
    """

    def __init__(self, aggregator: Aggregator, count: Callable[[Payload, int], None], note_masks: bool) -> None:
        self.outcomes: list[Outcome] = []
        self.crashes: list[Crash] = []
        self.memories: dict[str, State] = {}
        self.sent: dict[str, list[Bits]] = {}
        self._aggregator = aggregator
        self._count = count
        self._note_masks = note_masks

    def fold(self, answers: Iterable[Answer]) -> list[Outcome]:
        """Take in answers as they come; return the outcomes. An update that cannot be used is refused whole."""
        for answer in answers:
            self.outcomes.append(self._take(answer))
        return self.outcomes

    @timed("take in")
    def _take(self, answer: Answer) -> Outcome:
        update = answer.update
        if answer.crash:
            self.crashes.append(answer.crash)
        if update is None:
            return answer.outcome
        outcome, before = replace(answer.outcome, uplink_bytes=len(update.message)), self._aggregator.decode_seconds
        try:
            payload = self._aggregator.fold(update)
        except RefusedError as error:
            return replace(outcome, status="refused", reason=str(error))
        if answer.memory:
            self.memories[outcome.client] = answer.memory
        if self._note_masks:
            note_sent(self.sent, payload)
        self._count(payload, update.num_samples)
        seconds = self._aggregator.decode_seconds - before
        return replace(outcome, parts=self._aggregator.parts(update), uplink_decode_seconds=seconds)
