"""Where the time of a round goes: the spans of a clock, sorted by what was done, for which client, by which worker."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from minizerofl.fl.measures.clock import Span
from minizerofl.fl.round import Round

Lane = tuple[int, int]
SERVER, WORKER, WRITER = "server", "worker", "writer"
WAIT, FILES, EVALUATE, CHECKPOINT = "wait", "files", "evaluate", "checkpoint"
# What a span is called if its name alone does not say it: what is left of a large span once its parts are taken off,
# and the two sides of a parcel.
NAMES = {
    (WORKER, "train"): "steps",
    (WORKER, "turn"): "rest of a turn",
    (WORKER, "pack"): "send",
    (WORKER, "unpack"): "receive model",
    (SERVER, "pack"): "hand out model",
    (SERVER, "unpack"): "receive",
    (SERVER, "round"): "rest of a round",
}
# All parts, in the order in which a round does them.
ORDER = (
    *[(SERVER, part) for part in ("encode model", "hand out model")],
    *[(WORKER, part) for part in ("receive model", "read samples", "decode model", "load model", "mini-batches")],
    *[(WORKER, part) for part in ("steps", "count multiply-adds", "check", "select", "encode", "rest of a turn")],
    *[(WORKER, "send"), (SERVER, "receive"), (SERVER, "decode"), (SERVER, "fold"), (SERVER, "take in")],
    *[(SERVER, "server step"), (SERVER, "check"), (WORKER, EVALUATE)],
    *[(SERVER, part) for part in ("record", FILES, "rest of a round")],
    (WRITER, CHECKPOINT),
)
PER_ANSWER = ("receive", "decode", "fold", "take in")  # what the server does once for each client
TRAINING = ("mini-batches", "steps", "count multiply-adds")  # what a client does once for each mini-batch


@dataclass(frozen=True)
class Piece:
    """A span without the spans within it.

    Attributes
    ----------
    span : Span
        The span.
    place : str
        "server", "worker" for a process or thread that trains, or "writer" for the thread that writes the checkpoint
        of the round before.
    part : str
        What was done; the names are those of `ORDER`, and "wait".
    client : str
        For which client; empty if for none.
    wall, cpu : float
        Seconds of the span that are not those of a span within it.
    outer : tuple of str
        The names of the spans around it, the outermost first.
    """

    span: Span
    place: str
    part: str
    client: str
    wall: float
    cpu: float
    outer: tuple[str, ...] = ()


@dataclass(frozen=True)
class Total:
    """What a part took in all.

    Attributes
    ----------
    times : int
        How often it was done.
    wall, cpu : float
        Seconds.
    """

    times: int = 0
    wall: float = 0.0
    cpu: float = 0.0

    @classmethod
    def of(cls, pieces: Sequence[Piece]) -> Total:
        """Add up."""
        return cls(len(pieces), sum(each.wall for each in pieces), sum(each.cpu for each in pieces))


def cut(spans: Iterable[Span], workers: Iterable[Lane]) -> list[Piece]:
    """Take the spans within a span off it.

    Parameters
    ----------
    spans : iterable of Span
        Those of a lane lie within each other or beside each other, in the order of `Clock`.
    workers : iterable of lanes
        The lanes that train; all others are the server's, or the writer's.

    Returns
    -------
    list of Piece
        By lane, then by their beginnings. In each lane, the wall times of all pieces add up to the time in which
        there was a span.

    Examples
    --------
    >>> lane = (1, 1)
    >>> spans = [Span("select", "", lane, 2.0, 3.0, 0.5), Span("turn", "alice", lane, 0.0, 4.0, 2.0)]
    >>> [(piece.part, piece.client, piece.wall, piece.cpu) for piece in cut(spans, [lane])]
    [('rest of a turn', 'alice', 3.0, 1.5), ('select', 'alice', 1.0, 0.5)]
    """
    lanes: dict[Lane, list[Span]] = defaultdict(list)
    for span in spans:
        lanes[span.lane].append(span)
    training, pieces = set(workers), list[Piece]()
    for lane, within in lanes.items():
        place = WORKER if lane in training else WRITER if within[0].part == CHECKPOINT else SERVER
        opened: list[int] = []  # the pieces that hold the present span, by their places in the list
        # Where the clock could not tell two spans apart, the outer one ended last.
        for i in sorted(range(len(within)), key=lambda i: (within[i].began, -within[i].ended, -i)):
            span, wall = within[i], within[i].ended - within[i].began
            while opened and pieces[opened[-1]].span.ended <= span.began:
                opened.pop()
            client = span.client
            if opened:
                around = pieces[opened[-1]]
                pieces[opened[-1]] = replace(around, wall=around.wall - wall, cpu=around.cpu - span.cpu)
                client = client or around.client
            outer = tuple(pieces[each].span.part for each in opened)
            opened.append(len(pieces))
            pieces.append(Piece(span, place, NAMES.get((place, span.part), span.part), client, wall, span.cpu, outer))
    return pieces


def training_lanes(spans: Iterable[Span]) -> list[Lane]:
    """Return the lanes that train, in a fixed order.

    Examples
    --------
    >>> training_lanes([Span("turn", "alice", (7, 2), 0, 1, 1), Span("round", "", (7, 1), 0, 1, 1)])
    [(7, 2)]
    """
    return sorted({span.lane for span in spans if span.part in ("turn", EVALUATE)})


@dataclass(frozen=True)
class TracedRound:
    """A round, with all that was timed in it.

    Attributes
    ----------
    record : Round
        What it did.
    spans : list of Span
        The spans of all lanes.
    workers : list of lanes
        The lanes that train; one that had nothing to do in this round is there too.
    """

    record: Round
    spans: list[Span]
    workers: list[Lane]

    @cached_property
    def pieces(self) -> list[Piece]:
        """All pieces."""
        return cut(self.spans, self.workers)

    @cached_property
    def began(self) -> float:
        """When it began, on the clock of the spans."""
        return next(span.began for span in self.spans if span.part == "round")

    @cached_property
    def seconds(self) -> float:
        """Wall time up to the last file that was written about it."""
        return max(span.ended for span in self.spans if span.part == FILES) - self.began

    def total(self, place: str, part: str) -> Total:
        """Return what a part took in all."""
        return Total.of([each for each in self.pieces if (each.place, each.part) == (place, part)])

    def parts(self) -> list[tuple[str, str]]:
        """Return place and name of all parts that took place, but for the waiting, in the order of `ORDER`."""
        found = {(each.place, each.part) for each in self.pieces if each.part != WAIT}
        return [*(each for each in ORDER if each in found), *sorted(found.difference(ORDER))]

    def around(self) -> tuple[float, float]:
        """Return the CPU seconds that a client takes beside its training, on its worker and on the server.

        It is the mean over the clients of the round.
        """
        apart = (*TRAINING, EVALUATE)
        worker = sum(each.cpu for each in self.pieces if each.place == WORKER and each.part not in apart)
        server = sum(each.cpu for each in self.pieces if each.place == SERVER and each.part in PER_ANSWER)
        clients = len(self.record.outcomes)
        return worker / clients, server / clients

    def busy(self, lane: Lane) -> list[tuple[float, float]]:
        """Return when a worker was busy: beginnings and ends, on the clock of the spans, one after the other."""
        outermost = (each.span for each in self.pieces if each.span.lane == lane and not each.outer)
        return sorted((span.began, span.ended) for span in outermost)

    def worker(self, lane: Lane) -> Total:
        """Return what a worker did: its turns, its wall and CPU time."""
        pieces = [each for each in self.pieces if each.span.lane == lane]
        turns = sum(each.span.part == "turn" for each in pieces)
        return Total(turns, sum(each.wall for each in pieces), sum(each.cpu for each in pieces))

    def server(self) -> Total:
        """Return what the server did: its answers taken in, its wall and CPU time, without the waiting."""
        pieces = [each for each in self.pieces if each.place == SERVER and each.part != WAIT]
        answers = sum(each.part == "take in" for each in pieces)
        return Total(answers, sum(each.wall for each in pieces), sum(each.cpu for each in pieces))

    def idle(self, lane: Lane) -> float:
        """Return the share of the round in which a worker had nothing to do."""
        return max(0.0, 1 - self.worker(lane).wall / self.seconds)

    def share_with(self, busy: int) -> float:
        """Return the share of the round in which exactly that number of workers was busy.

        Examples
        --------
        >>> a, b, server = (1, 1), (2, 2), (0, 0)
        >>> spans = [Span("turn", "x", a, 1, 3, 2), Span("turn", "y", b, 1, 2, 1), Span("round", "", server, 0, 3, 1)]
        >>> spans += [Span("files", "", server, 3, 4, 1)]
        >>> traced = TracedRound(None, spans, [a, b])
        >>> [traced.share_with(n) for n in (0, 1, 2)]
        [0.5, 0.25, 0.25]
        """
        changes = [(self.began, 0), (self.began + self.seconds, 0)]
        for lane in self.workers:
            for began, ended in self.busy(lane):
                changes += [(began, 1), (ended, -1)]
        now, shares, last = 0, 0.0, self.began
        for when, change in sorted(changes):
            shares += (when - last) * (now == busy)
            now, last = now + change, when
        return shares / self.seconds
