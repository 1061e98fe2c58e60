"""The engine beyond one machine: it deals the clients of a round to nodes and gathers their answers.

Nodes come and go. A node takes part once it has said who it is; one that misses the deadline of a round is asked again
who it is, and takes part once more when it answers. What is not a client's turn, such as the evaluation, runs here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from typing import Any, cast

from minizerofl.fl.engines.engine import Job, Result, Task
from minizerofl.fl.engines.news import report
from minizerofl.fl.engines.relay import Letter
from minizerofl.fl.engines.threads import ThreadEngine
from minizerofl.fl.engines.wire import WIRE, read_reply, write_question, write_requests
from minizerofl.fl.errors import NetworkError
from minizerofl.fl.events import ClientDone
from minizerofl.fl.round import Outcome, Status
from minizerofl.fl.turn import Answer, Invitation, Turn
from minizerofl.nn import Module
from minizerofl.printable import printable

PAUSE = 0.5  # seconds between two looks for replies
DELIVERY = 10.0  # seconds that replies have after the deadline, at which clients stop: Flower looks every 3 seconds
MOST_SAMPLES = 10_000  # of a client of a node's own
LONGEST = 500  # characters of what a node says
ARRIVALS = 1.0  # seconds between two looks for new nodes, before the first round
LOOK = 5.0  # seconds between two looks at which nodes are connected, while replies are awaited


class Grid:
    """Flower's grid, as far as it is used: calls that `minizerofl.fl.engines.flower.carry` answers.

    Parameters
    ----------
    connection : Connection
        To Flower's process.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def nodes(self) -> list[int]:
        """Return the ids of the nodes that are connected."""
        return cast(list[int], self._call("nodes"))

    def push(self, letters: Sequence[tuple[int, Letter]]) -> list[str]:
        """Send a letter to each node; return the ids of the messages, empty for one that could not be sent."""
        return cast(list[str], self._call("push", list(letters)) if letters else [])

    def pull(self, message_ids: Sequence[str]) -> list[tuple[str, int, Letter, str]]:
        """Return the replies that have come, see `minizerofl.fl.engines.flower`."""
        return cast(list[tuple[str, int, Letter, str]], self._call("pull", list(message_ids)) if message_ids else [])

    def _call(self, name: str, argument: object = None) -> object:
        try:
            self._connection.send((name, argument))
            return self._connection.recv()
        except (EOFError, OSError) as error:
            raise NetworkError("Flower's ServerApp has ended; its log says why") from error


@dataclass(frozen=True)
class Member:
    """A node that takes part.

    Attributes
    ----------
    name : str
        What people call it.
    workers : int
        How many clients it trains at once.
    clients : mapping of str to int, or None
        The clients that are its own, and how many training samples each has; None if it can simulate every client.
    """

    name: str
    workers: int
    clients: Mapping[str, int] | None = None

    def __contains__(self, client: str) -> bool:
        return client in (self.clients or ())


class Fleet:
    """The nodes of a federation.

    Parameters
    ----------
    grid : Grid
        Carries letters.
    federation : str
        The name of this start of the run: replies to another one are refused.
    config : mapping
        The configuration of the run, which every request brings.
    say : callable
        Is told when nodes come, go or are refused.
    most_samples : int
        A node that claims more training samples for one of its own clients is refused: samples are weights.
    """

    def __init__(
        self,
        grid: Grid,
        federation: str,
        config: Mapping[str, Any],
        say: Callable[[str], object] = print,
        most_samples: int = MOST_SAMPLES,
    ) -> None:
        self.grid = grid
        self.federation = federation
        self.config = config
        self.most_samples = most_samples
        self.members: dict[int, Member] = {}
        self._say = say
        self._asked: dict[str, int] = {}  # message id -> node, of those that were asked who they are
        self._strangers: set[int] = set()  # nodes that were refused

    def greet(self) -> None:
        """Ask nodes that are new, or that went silent, who they are; forget those that have gone."""
        here = self.grid.nodes()
        for node in self.members.keys() - set(here):
            self._say(f"node {self.members.pop(node).name} has gone")
        asked = set(self._asked.values())
        new = [node for node in here if node not in self.members and node not in asked | self._strangers]
        letter = write_question(self.federation, self.config)
        ids = self.grid.push([(node, letter) for node in new])
        self._asked |= {message_id: node for message_id, node in zip(ids, new, strict=True) if message_id}
        self._asked = {message_id: node for message_id, node in self._asked.items() if node in here}

    def listen(self, waiting: Sequence[str] = ()) -> list[tuple[str, int, Letter, str]]:
        """Return the replies to some messages that have come; take in what nodes say about themselves."""
        replies = self.grid.pull([*waiting, *self._asked])
        for message_id, _, letter, problem in replies:
            if message_id in self._asked:
                self._meet(self._asked.pop(message_id), letter, problem)
        return [reply for reply in replies if reply[0] in waiting]

    def forget(self, node: int, why: str) -> None:
        """Let a node that went silent take part no more until it says who it is."""
        if node in self.members:
            self._say(f"node {self.members.pop(node).name} {why}")

    def _meet(self, node: int, letter: Letter, problem: str) -> None:
        """Take in a node, or refuse it."""
        if problem:
            self._say(printable(f"node {node} failed: {problem}"))
            return
        try:
            member = _read_member(letter, self.most_samples)
        except ValueError as error:
            self._strangers.add(node)
            self._say(printable(f"node {node} is refused: {error}"))
            return
        taken = [client for other in self.members.values() for client in other.clients or () if client in member]
        if taken:
            self._say(printable(f"node {member.name} has to wait: another node is {taken[0]}"))
            return
        self.members[node] = member
        self._say(f"node {member.name} takes part ({member.workers} clients at once)")

    def deal(self, turn: Turn, invited: Sequence[Invitation]) -> dict[int | None, list[Invitation]]:
        """Deal clients to nodes: to the one whose clients they are, else so that all nodes have about as much to do.

        What a node has to do is counted in samples for each client that it trains at once; the largest clients are
        dealt first. None has the clients whose node is not there.
        """
        hands: dict[int | None, list[Invitation]] = {}
        load = dict.fromkeys(self.members, 0.0)
        sizes = {each.place: turn.data.num_train(each.client_id) for each in invited}
        for invitation in sorted(invited, key=lambda each: -sizes[each.place]):
            client, size = invitation.client_id, sizes[invitation.place]
            able = [n for n, member in self.members.items() if member.clients is None or client in member.clients]
            best = min(able, key=lambda n: (load[n] + size / self.members[n].workers, n)) if able else None
            if best is not None:
                load[best] += size / self.members[best].workers
            hands.setdefault(best, []).append(invitation)
        return {node: sorted(hand, key=lambda each: each.place) for node, hand in hands.items()}


def _read_member(letter: Letter, most_samples: int) -> Member:
    """Read what a node says about itself.

    Raises
    ------
    ValueError
        It cannot take part.
    """
    about = letter.head.get("node")
    if letter.head.get("wire") != WIRE or not isinstance(about, dict):
        raise ValueError("what it says is not of minizerofl, or of another version")
    if "problem" in about:
        raise ValueError(str(about["problem"])[:LONGEST])
    workers, clients = about.get("workers"), about.get("clients")
    if type(workers) is not int or workers < 1 or not isinstance(clients, dict | None):
        raise ValueError("it does not say how many clients it trains at once")
    for client, samples in (clients or {}).items():
        if type(samples) is not int or not 0 < samples <= most_samples:
            raise ValueError(f"{client} claims {samples} samples, the limit is {most_samples}"[:LONGEST])
    return Member(printable(str(about.get("name")))[:80], workers, clients)


class RemoteEngine(ThreadEngine):
    """Runs the turns of clients on nodes; all other jobs in threads.

    Parameters
    ----------
    build_model, workers
        As those of `Engine`, for the jobs that run here.
    fleet : Fleet
        The nodes.
    """

    def __init__(self, build_model: Callable[[], Module], workers: int, fleet: Fleet) -> None:
        super().__init__(build_model, workers)
        self.fleet = fleet

    def run(
        self, task: Task[Job, Result], jobs: Sequence[Job], sizes: Sequence[float] | None = None
    ) -> Iterator[Result]:
        """Run ``task(model, job)`` for each job, see `Engine.run`; nodes know themselves what to begin with.

        Raises
        ------
        NetworkError
            Flower has ended.
        """
        if isinstance(task, Turn):
            return cast(Iterator[Result], self._send_out(task, cast(Sequence[Invitation], jobs)))
        return super().run(task, jobs, sizes)

    def _send_out(self, turn: Turn, invited: Sequence[Invitation]) -> Iterator[Answer]:
        """Let nodes train clients; yield their answers in the order of sampling."""
        self.fleet.greet()
        self.fleet.listen()
        hands = self.fleet.deal(turn, invited)
        homeless = hands.pop(None, [])
        answers = {each.place: _lost(each, 0, "dropped", "no node of this client is there") for each in homeless}
        for answer in answers.values():
            _tell(turn, answer)
        nodes = [node for node in hands if node is not None]
        letters = write_requests(self.fleet.federation, self.fleet.config, turn, [hands[node] for node in nodes])
        waiting = dict(zip(nodes, self.fleet.grid.push(list(zip(nodes, letters, strict=True))), strict=True))
        looked = time.monotonic()
        for invitation in invited:
            while invitation.place not in answers:
                time.sleep(PAUSE)
                for node, answer, place in list(self._collect(turn, waiting, hands)):
                    waiting.pop(node, None)
                    answers[place] = answer
                    _tell(turn, answer)
                if time.monotonic() > looked + LOOK:
                    self.fleet.greet()
                    looked = time.monotonic()
            yield answers.pop(invitation.place)

    def _collect(
        self, turn: Turn, waiting: Mapping[int, str], hands: Mapping[int | None, Sequence[Invitation]]
    ) -> Iterator[tuple[int, Answer, int]]:
        """Yield the answers that have come, or that can come no more, with their nodes and places."""
        fleet = self.fleet
        replies = fleet.listen([message_id for message_id in waiting.values() if message_id])
        came = {message_id: (letter, problem) for message_id, _, letter, problem in replies}
        over, sent = time.monotonic() > turn.deadline + DELIVERY, len(turn.downlink.message)
        for node, message_id in waiting.items():
            invited = hands[node]
            if message_id in came:
                letter, problem = came[message_id]
                if problem:
                    fleet.forget(node, f"failed in round {turn.round}: {problem}")
                    answers = [_lost(each, sent, "dropped", f"its node failed: {problem}") for each in invited]
                else:
                    answers = read_reply(letter, fleet.federation, turn, invited)
            elif not message_id or node not in fleet.members:
                answers = [_lost(each, sent, "dropped", "its node has gone") for each in invited]
            elif over:
                why = "its node had not answered at the round's deadline"
                answers = [_lost(each, sent, "late", why) for each in invited]
                fleet.forget(node, f"had not answered at the deadline of round {turn.round}")
            else:
                continue
            for invitation, answer in zip(invited, answers, strict=True):
                yield node, answer, invitation.place


def _lost(invitation: Invitation, sent: int, status: Status, reason: str) -> Answer:
    """Return the answer of a client of which nothing was heard, and to which some bytes were sent."""
    return Answer(Outcome(invitation.client_id, status, printable(reason), downlink_bytes=sent))


def _tell(turn: Turn, answer: Answer) -> None:
    sent = len(answer.update.message) if answer.update else 0
    report(ClientDone(turn.round, replace(answer.outcome, uplink_bytes=sent), done=0, sampled=0))


def wait_for(fleet: Fleet, nodes: int, seconds: float, doing: Callable[[str], object]) -> None:
    """Wait until some nodes take part.

    Raises
    ------
    NetworkError
        Not enough came in time.
    """
    end = time.monotonic() + seconds
    while True:
        fleet.greet()
        fleet.listen()
        there = len(fleet.members)
        if there >= nodes:
            return
        doing(f"waiting for nodes: {there} of {nodes} take part")
        if time.monotonic() > end:
            raise NetworkError(
                f"{there} of {nodes} nodes took part within {seconds:g} seconds; start minizerofl join on the others, "
                "or lower --nodes"
            )
        time.sleep(min(ARRIVALS, max(0.0, end - time.monotonic())))
