"""The server takes in the answers of a round, one at a time: decodes, checks, folds and remembers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from minizerofl.fl.aggregator import Aggregator
from minizerofl.fl.crash import Crash
from minizerofl.fl.errors import RefusedError
from minizerofl.fl.measures.clock import timed
from minizerofl.fl.measures.masks import Bits, note_sent
from minizerofl.fl.payload import State
from minizerofl.fl.round import Outcome
from minizerofl.fl.turn import Answer
from minizerofl.fl.uplinks import Uplink


class Intake:
    """What came of the clients of a round so far.

    Parameters
    ----------
    aggregator : Aggregator
        Decodes the updates, checks them and adds them up.
    uplink : Uplink
        Counts what it needs to know of them.
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
    tally : dict of str to array
        What the uplink counted.
    """

    def __init__(self, aggregator: Aggregator, uplink: Uplink, note_masks: bool) -> None:
        self.outcomes: list[Outcome] = []
        self.crashes: list[Crash] = []
        self.memories: dict[str, State] = {}
        self.sent: dict[str, list[Bits]] = {}
        self.tally: State = {}
        self._aggregator = aggregator
        self._uplink = uplink
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
        self._uplink.count(payload, update.num_samples, self.tally)
        seconds = self._aggregator.decode_seconds - before
        return replace(outcome, parts=self._aggregator.parts(update), uplink_decode_seconds=seconds)
