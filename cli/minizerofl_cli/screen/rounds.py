"""What is seen of the rounds of a run: a line each, and how far the present one is."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING

from minizerofl_cli.screen.duration import about
from minizerofl_cli.screen.progress import DETAIL, MB, Screen, saving

if TYPE_CHECKING:
    from minizerofl.fl import Event, Outcome, Round

NAMED = 3  # clients of a line about several
CHANGED = 0.05  # the share by which the size of messages has to change before it is said again
WHAT = {"refused": "updates"}  # what a failure is counted in; the others are those of clients


class RoundWatch:
    """Shows what a run tells: the callback of `minizerofl.fl.Simulation.run` for the command line.

    Parameters
    ----------
    shown : Screen
        Where it is shown.
    epochs : int
        Local epochs.
    """

    def __init__(self, shown: Screen, epochs: int) -> None:
        self._shown = shown
        self._epochs = epochs
        self._begin("", 0)

    def __call__(self, event: Event) -> None:
        """Take notice of an event."""
        from minizerofl.fl import ClientDone, ClientStep, EvaluationStarted, KernelCompiled, RoundStarted

        if isinstance(event, RoundStarted):
            self._begin(f"round {event.round}", len(event.clients))
            self._rounds = event.rounds
            self._shown.doing(self._told)
        elif isinstance(event, ClientStep):
            self._count(event.client, event.samples)
        elif isinstance(event, ClientDone):
            self._done = event.done
            self._count(event.outcome.client, event.outcome.num_samples * self._epochs)
            self._shown.bar(event.round - 1 + event.done / event.sampled, self._rounds)
            self._shown.say(client_line(event.round, event.outcome), DETAIL)
        elif isinstance(event, KernelCompiled):
            self._shown.compiling(event.seconds)
        elif isinstance(event, EvaluationStarted):
            self._shown.doing(f"round {event.round}: evaluating on {event.samples:,} samples")

    def _begin(self, title: str, clients: int) -> None:
        self._title, self._sampled, self._done = title, clients, 0
        self._samples: defaultdict[str, int] = defaultdict(int)
        self._first: tuple[float, int] | None = None  # when training was first heard of, samples by then

    def _count(self, client: str, samples: int) -> None:
        self._samples[client] = samples
        if self._first is None and samples:
            self._first = time.monotonic(), samples

    def _told(self) -> str:
        if self._first is None and self._shown.compiling:
            return f"{self._title}: {self._shown.compiling}"
        text = f"{self._title}: {self._done} of {self._sampled} clients"
        if self._first is None:
            return text
        when, samples = self._first
        rate = (sum(self._samples.values()) - samples) / max(1e-3, time.monotonic() - when)
        return f"{text}, {rate:,.0f} samples/s" if rate else text


class UplinkLine:
    """Says once how much a client sends, and again when it changes.

    Parameters
    ----------
    how : str
        How messages are encoded.
    """

    def __init__(self, how: str) -> None:
        self._how = how
        self._told = 0.0

    def lines(self, round: Round) -> Iterator[str]:
        """Yield a line if there is something new."""
        senders = sum(outcome.uplink_bytes > 0 for outcome in round.outcomes)
        size = round.uplink_bytes / senders if senders else self._told
        if abs(size - self._told) > CHANGED * self._told:
            again = "now " if self._told else ""
            how_much = saving(round.dense_bytes, round.uplink_bytes)
            yield f"Each client {again}sends {size / MB:.1f} MB a round ({self._how}), {how_much}."
            self._told = size


def round_line(round: Round, rounds: int, eta_seconds: float | None) -> str:
    """Describe a round on one line of at most 80 characters.

    Parameters
    ----------
    round : Round
        What it did.
    rounds : int
        How many there are.
    eta_seconds : float or None
        Expected time to the end; None if nobody knows, or if there is nothing left.
    """
    score, train = round.score, f"train {_loss(round.train_loss)}"
    result = (
        f"accuracy {_percent(score.accuracy)} %  loss {_loss(score.loss)} ({train})"
        if score
        else (f"{'not evaluated':15}  {f'({train})':>24}")
    )
    seconds = f"{round.seconds:.1f} s" if round.seconds < 99.95 else f"{round.seconds:.0f} s"
    eta = "" if eta_seconds is None else f"  ETA {about(eta_seconds)}"
    return f"round {round.round:{len(str(rounds))}}/{rounds}  {result}  {seconds}{eta}"


def failure_lines(round: Round) -> Iterator[str]:
    """Tell which clients failed; those that failed alike share a line.

    Yields
    ------
    str
        A line for each reason.
    """
    groups: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for outcome in round.outcomes:
        if outcome.status != "accepted":
            groups[outcome.status, outcome.reason].append(outcome.client)
    for (status, reason), clients in groups.items():
        names = ", ".join(clients[:NAMED]) + (", ..." if len(clients) > NAMED else "")
        of = f"{len(clients)} of {len(round.outcomes)} {WHAT.get(status, 'clients')} {status}"
        yield f"round {round.round}: {of} ({names}): {reason}"


def client_line(round: int, outcome: Outcome) -> str:
    """Describe the turn of one client."""
    head = f"round {round}: {outcome.client}"
    if outcome.train_loss is None:
        return f"{head} {outcome.status}: {outcome.reason}"
    return (
        f"{head}: {outcome.num_samples:,} samples, loss {_loss(outcome.train_loss)}, "
        f"{outcome.uplink_bytes / MB:.2f} MB, {outcome.seconds:.1f} s"
    )


def _percent(share: float) -> str:
    """Return a percentage in four characters."""
    return f"{100 * share:4.1f}" if share < 0.9995 else " 100"


def _loss(loss: float) -> str:
    """Return a loss in five characters, unless it is huge.

    Examples
    --------
    >>> _loss(1.2444), _loss(12.3456), _loss(123456.7)
    ('1.244', '12.35', '1.2e+05')
    """
    for digits in (3, 2, 1):
        if len(text := f"{loss:.{digits}f}") == 5:
            return text
    return f"{loss:.1e}"
