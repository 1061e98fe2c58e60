"""Rounds whose clients are trained on nodes: same bits as here, and nothing that a node does harms the model.

Flower is replaced by a thread that carries letters; tests/cli/cluster has the tests with Flower itself.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import fields, replace
from multiprocessing import Pipe
from threading import Thread
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minizerofl_datasets
from minizerofl.fl import Full, Outcome, Settings, Simulation, TooFewClientsError
from minizerofl.fl.codecs import Schema
from minizerofl.fl.downlink import Downlink
from minizerofl.fl.engines import remote
from minizerofl.fl.engines.relay import Letter
from minizerofl.fl.engines.remote import Fleet, Grid, RemoteEngine, wait_for
from minizerofl.fl.engines.wire import read_reply, read_request, write_question
from minizerofl.fl.errors import NetworkError
from minizerofl.fl.node import Node
from minizerofl.fl.turn import Invitation, Turn

Tamper = Callable[[Letter], Letter | None]
Carrying = Callable[..., Fleet]


def honest(letter: Letter) -> Letter:
    return letter


class Carrier(Thread):
    """Flower's part: brings letters to nodes, and replies back. A node whose reply is None says nothing."""

    def __init__(self, nodes: dict[int, Callable[[Letter], Letter | None]]) -> None:
        super().__init__(daemon=True)
        self.here, self.there = Pipe()
        self.nodes = nodes
        self.connected = list(nodes)
        self.replies: dict[str, tuple[str, int, Letter, str]] = {}
        self.sent = 0
        self.ending = False

    def run(self) -> None:
        with suppress(EOFError, OSError):  # the test has ended
            while True:
                name, argument = self.there.recv()
                if self.ending:
                    self.there.close()
                self.there.send(getattr(self, f"do_{name}")(argument))

    def do_nodes(self, _: None) -> list[int]:
        return sorted(self.connected)

    def do_push(self, letters: list[tuple[int, Letter]]) -> list[str]:
        ids = []
        for node, letter in letters:
            self.sent += 1
            ids.append(f"message {self.sent}")
            reply = self.nodes[node](Letter(json.loads(json.dumps(letter.head)), letter.parts))
            if reply is not None:
                head = json.loads(json.dumps(reply.head))
                self.replies[ids[-1]] = (ids[-1], node, Letter(head, reply.parts), "")
        return ids

    def do_pull(self, ids: list[str]) -> list[tuple[str, int, Letter, str]]:
        return [self.replies.pop(message_id) for message_id in ids if message_id in self.replies]


@pytest.fixture
def carry(simulate: Callable[..., Simulation], monkeypatch: pytest.MonkeyPatch) -> Iterator[Carrying]:
    """Make a fleet of nodes, each with what is done to its replies."""
    monkeypatch.setattr(remote, "PAUSE", 0.0)
    monkeypatch.setattr(remote, "DELIVERY", 0.0)
    with ExitStack() as stack:

        def make(*tampers: Tamper, clients: dict[str, int] | None = None, **settings: object) -> Fleet:
            nodes = {}
            for number, tamper in enumerate(tampers):
                node = stack.enter_context(Node(simulate(**settings)))
                about = {"name": f"n{number}", "workers": 1, "clients": clients}
                nodes[100 + number] = _reply(node, about, tamper)
            carrier = Carrier(nodes)
            carrier.start()
            stack.callback(carrier.here.close)
            fleet = Fleet(Grid(carrier.here), "this run", {"any": {"config": 1}}, said.append)
            fleet.carrier = carrier
            fleet.said = said
            return fleet

        said: list[str] = []
        yield make


def _reply(node: Node, about: dict[str, Any], tamper: Tamper) -> Callable[[Letter], Letter | None]:
    return lambda letter: tamper(node.answer(read_request(letter), about))


def on_round(t: int, change: Callable[[Letter], Letter | None]) -> Tamper:
    return lambda letter: change(letter) if letter.head["round"] == t else letter


def run_on(fleet: Fleet, simulate: Callable[..., Simulation], **settings: object) -> tuple[Simulation, list[Any]]:
    simulation = simulate(engine=lambda simulation: RemoteEngine(simulation.build_model, 1, fleet), **settings)
    wait_for(fleet, len(fleet.carrier.nodes), 5, lambda text: None)
    return simulation, list(simulation.run())


def bits(state: dict[str, np.ndarray]) -> dict[str, bytes]:
    return {name: value.tobytes() for name, value in state.items()}


def timeless(outcome: Outcome) -> Outcome:
    """Return an outcome without times, and without the traceback, whose frames differ."""
    times = dict.fromkeys([each.name for each in fields(Outcome) if each.name.endswith("seconds")], 0.0)
    return replace(outcome, trace="", **times)


@pytest.mark.parametrize("nodes", [1, 2, 3])
def test_nodes_give_the_bits_and_the_history_of_this_process(
    simulate: Callable[..., Simulation], carry: Carrying, nodes: int
) -> None:
    settings = {"inject": "crash@2:#0, nan@3:#1, corrupt@1:#2, corrupt-down@2:#1", "quorum": 0.3}
    here = simulate(**settings)
    expected = list(here.run())
    there, rounds = run_on(carry(*[honest] * nodes, **settings), simulate, **settings)
    assert bits(there.state) == bits(here.state)
    for a, b in zip(rounds, expected, strict=True):
        assert [timeless(each) for each in a.outcomes] == [timeless(each) for each in b.outcomes]
        assert (a.train_loss, a.score, a.uplink_bytes) == (b.train_loss, b.score, b.uplink_bytes)


def test_both_ends_know_a_mask_that_stays(simulate: Callable[..., Simulation], carry: Carrying) -> None:
    settings = {"selection": "uniform", "mask_ratio": 0.0}
    there, (_, second, _) = run_on(carry(honest, **settings), simulate, **settings)
    here = simulate(**settings)
    list(here.run())
    assert bits(there.state) == bits(here.state)
    assert second.count("accepted") == 3
    assert second.downlink_parts.positions == 0


def change(letter: Letter, key: str, value: object) -> Letter:
    """Let all clients of a reply say something else."""
    answers = {place: {**told, key: value} for place, told in letter.head["answers"].items()}
    return replace(letter, head={**letter.head, "answers": answers})


def with_parts(letter: Letter, damage: Callable[[bytes], bytes]) -> Letter:
    return replace(letter, parts={name: damage(part) for name, part in letter.parts.items()})


REFUSED = {
    "a million samples": (lambda letter: change(letter, "num_samples", 10**6), "samples"),
    "no samples": (lambda letter: change(letter, "num_samples", 0), "samples"),
    "samples as text": (lambda letter: change(letter, "num_samples", "many"), "samples"),
    "loss is NaN": (lambda letter: change(letter, "train_loss", float("nan")), "format"),
    "seconds are negative": (lambda letter: change(letter, "seconds", -1), "format"),
    "status unknown": (lambda letter: change(letter, "status", "splendid"), "format"),
    "macs are text": (lambda letter: change(letter, "macs", "lots"), "format"),
    "corrupt bytes": (lambda letter: with_parts(letter, lambda part: part[:-1] + bytes([part[-1] ^ 1])), "checksum"),
    "cut short": (lambda letter: with_parts(letter, lambda part: part[:10]), "format"),
    "no update": (lambda letter: replace(letter, parts={}), "format"),
    "old round": (lambda letter: replace(letter, head={**letter.head, "round": 1}), "old round"),
    "other run": (lambda letter: replace(letter, head={**letter.head, "federation": "that run"}), "old round"),
    "other version": (lambda letter: replace(letter, head={**letter.head, "wire": 0}), "format"),
    "empty": (lambda letter: Letter(), "format"),
    "no answers": (lambda letter: replace(letter, head={**letter.head, "answers": [1]}), "format"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_cannot_be_true_is_refused_and_the_model_is_unharmed(
    simulate: Callable[..., Simulation], carry: Carrying, kind: str
) -> None:
    tamper, reason = REFUSED[kind]
    settings = {"quorum": 0.1, "rounds": 2, "clients_per_round": 4}
    fleet = carry(honest, on_round(2, tamper), **settings)
    there, rounds = run_on(fleet, simulate, **settings)
    bad = [each for each in rounds[1].outcomes if each.status == "refused"]
    assert bad
    assert all(each.reason.startswith(f"{reason}: ") for each in bad)
    good = [each.client for each in rounds[1].outcomes if each.status == "accepted"]
    faults = ", ".join(f"drop@2:{each.client}" for each in bad)
    here = simulate(**settings, inject=faults)
    list(here.run())
    assert good
    assert bits(there.state) == bits(here.state)


def test_a_node_that_says_nothing_costs_one_round_and_comes_back(
    simulate: Callable[..., Simulation], carry: Carrying
) -> None:
    settings = {"quorum": 0.1, "rounds": 3, "round_deadline": 1.0}
    fleet = carry(honest, on_round(1, lambda letter: None), **settings)
    _, rounds = run_on(fleet, simulate, **settings)
    assert {each.status for each in rounds[0].outcomes} == {"accepted", "late"}
    assert all(each.status == "accepted" for record in rounds[1:] for each in record.outcomes)
    assert any("n1 had not answered at the deadline of round 1" in line for line in fleet.said)
    assert fleet.said.count("node n1 takes part (1 clients at once)") == 2


def test_a_node_that_goes_is_missed_without_a_deadline(
    simulate: Callable[..., Simulation], carry: Carrying, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "LOOK", 0.0)
    settings = {"quorum": 0.1, "rounds": 2}

    def go(letter: Letter) -> None:
        fleet.carrier.connected.remove(101)

    fleet = carry(honest, on_round(1, go), **settings)
    _, rounds = run_on(fleet, simulate, **settings)
    lost = [each.reason for each in rounds[0].outcomes if each.status == "dropped"]
    assert set(lost) == {"its node has gone"}
    assert rounds[1].count("accepted") == 3


def test_without_any_node_the_quorum_fails(simulate: Callable[..., Simulation], carry: Carrying) -> None:
    fleet = carry()
    simulation = simulate(engine=lambda simulation: RemoteEngine(simulation.build_model, 1, fleet))
    with pytest.raises(TooFewClientsError, match="no node of this client is there"):
        list(simulation.run())
    with pytest.raises(NetworkError, match="0 of 1 nodes took part"):
        wait_for(fleet, 1, 0.1, lambda text: None)


def test_an_uplink_that_remembers_is_an_error_and_not_another_result(
    simulate: Callable[..., Simulation], carry: Carrying
) -> None:
    settings = {"uplink": "topk-diff-feedback"}
    with pytest.raises(TooFewClientsError, match="remembers something"):
        run_on(carry(honest, **settings), simulate, **settings)


def test_the_end_of_flower_is_an_error_that_says_so(simulate: Callable[..., Simulation], carry: Carrying) -> None:
    fleet = carry(honest)
    fleet.carrier.ending = True
    with pytest.raises(NetworkError, match="has ended"):
        fleet.greet()


@pytest.mark.parametrize(
    ("clients", "said"),
    [
        ({"client0": 10**6}, "client0 claims 1000000 samples, the limit is 10000"),
        ({"client0": -1}, "claims -1 samples"),
        ({"client0": "x"}, "claims x samples"),
        ([1], "does not say"),
    ],
)
def test_a_device_that_claims_too_much_is_refused(
    simulate: Callable[..., Simulation], carry: Carrying, clients: Any, said: str
) -> None:
    fleet = carry(honest, clients=clients)
    fleet.greet()
    fleet.listen()
    assert not fleet.members
    assert said in fleet.said[-1]
    fleet.greet()  # It is not asked again.
    fleet.listen()
    assert len(fleet.said) == 1


def test_clients_of_a_device_go_to_it_and_others_are_dealt_by_samples(
    simulate: Callable[..., Simulation], carry: Carrying
) -> None:
    simulation = simulate()
    turn, invited = simulation.turn(1), [Invitation(f"client{i}", i) for i in range(5)]
    fleet = carry(honest, honest)
    wait_for(fleet, 2, 5, lambda text: None)
    loads = [
        sum(map(turn.data.num_train, (each.client_id for each in hand))) for hand in fleet.deal(turn, invited).values()
    ]
    assert sorted(loads) == [11, 14]
    own = carry(honest, clients={"client3": 6})
    wait_for(own, 1, 5, lambda text: None)
    hands = own.deal(turn, invited)
    assert [each.client_id for each in hands[100]] == ["client3"]
    assert len(hands[None]) == 4


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
KEYS = st.sampled_from(["status", "reason", "trace", "macs", "seconds", "num_samples", "train_loss", "crash"])


@given(told=st.dictionaries(KEYS, JSON), part=st.binary(max_size=20), head=st.dictionaries(st.text(max_size=8), JSON))
def test_a_reply_of_anything_is_read_without_an_error(told: Any, part: bytes, head: Any) -> None:
    data = minizerofl_datasets.load("femnist", source="synthetic", clients=1)
    turn = Turn(2, 0.1, Downlink(b"", Schema({})), data, Full({}), Settings())
    for letter in (
        Letter(head, {"0": part}),
        Letter({"wire": 1, "federation": "f", "round": 2, "answers": {"0": told}}, {"0": part}),
    ):
        (answer,) = read_reply(letter, "f", turn, [Invitation(data.clients[0])])
        assert answer.outcome.client == data.clients[0]
        assert answer.outcome.reason.isprintable()
        assert answer.update is None or answer.update.num_samples == data.num_train(data.clients[0])


def test_a_request_of_another_version_is_named() -> None:
    letter = write_question("f", {})
    with pytest.raises(ValueError, match="version 9"):
        read_request(replace(letter, head={**letter.head, "wire": 9}))
    assert read_request(letter).round == 0
    assert Settings().rounds > 0
