"""Federations on Flower itself: SuperLink, nodes, and whatever may happen to them."""

import csv
import json
import signal
import socket
import threading
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("flwr", reason="needs the extra flower")

from minizerofl.fl import load_model
from minizerofl.fl.engines import flower as engine
from minizerofl.fl.engines.relay import Desk, Letter
from minizerofl.fl.engines.wire import read_request
from minizerofl.fl.files.history import CLIENT_TIMING_COLUMNS, TIMING_COLUMNS
from minizerofl_cli.cluster import flower, joining
from minizerofl_cli.cluster.flower import Program
from minizerofl_cli.cluster.keys import new_keys
from minizerofl_cli.cluster.trust import Trust
from minizerofl_cli.screen.progress import PlainScreen

pytestmark = [pytest.mark.distributed, pytest.mark.posix]

CLIENTS = ["--source", "synthetic", "--clients", "6", "--clients-per-round", "4"]
RUN = [*CLIENTS, "--eval-samples", "40", "--seed", "3", "--model", "small_cnn"]
PLAIN = [*RUN, "--insecure"]


def rows(path: Path, name: str = "history.csv") -> list[dict[str, str]]:
    """Return the rows of a table of a run, without times."""
    timing = {*TIMING_COLUMNS, *CLIENT_TIMING_COLUMNS, "trace"}
    with (path / name).open(newline="") as file:
        return [{key: value for key, value in row.items() if key not in timing} for row in csv.DictReader(file)]


def bits(run: Path) -> dict[str, bytes]:
    return {name: value.tobytes() for name, value in load_model(run / "model.h5").state.items()}


def latest(machine: Any) -> Path:
    return (machine.folder / "runs" / "latest").resolve()


def train(machine: Any, *options: object) -> Path:
    """Run the same in one process; return its directory."""
    program = machine.start("train", *RUN, *options, "--runs-dir", "here", log="train.log")
    assert machine.end(program, "train.log") == 0
    return (machine.folder / "here" / "latest").resolve()


def test_two_nodes_give_the_bits_and_the_history_of_one_process(machine):
    server = machine.serve(*PLAIN, "--rounds", 3, "--nodes", 2)
    nodes = [machine.join(name, "--insecure") for name in ("a", "b")]
    assert machine.end(server) == 0
    alone = train(machine, "--rounds", 3)
    assert bits(latest(machine)) == bits(alone)
    assert rows(latest(machine)) == rows(alone)
    assert rows(latest(machine), "clients.csv") == rows(alone, "clients.csv")
    assert all(node.poll() is None for node in nodes)  # They wait for the next run.
    assert all(machine.said(f"{name}.log").count(" clients in ") == 3 for name in ("a", "b"))
    for node in nodes:
        node.send_signal(signal.SIGINT)
    assert [machine.end(node, "a.log") for node in nodes] == [130, 130]
    assert not machine.left()


def test_a_killed_node_costs_a_round_and_takes_part_again(machine):
    options = ["--rounds", 6, "--round-deadline", 12, "--quorum", 0.25, "--inject", "slow=2@2:*"]
    server = machine.serve(*PLAIN, *options, "--nodes", 2)
    machine.join("a", "--insecure")
    victim = machine.join("b", "--insecure")
    machine.wait_for("b.log", "round 1: ")
    machine.wait_for("serve.log", "round 1/6")
    machine.wait_for("b.log", "round 2 begins")
    victim.kill()
    machine.join("b", "--insecure")
    assert machine.end(server) == 0
    counts = [(int(row["clients"]), int(row["late"]) + int(row["dropped"])) for row in rows(latest(machine))]
    assert counts[0] == (4, 0)
    assert counts[1] == (2, 2)
    assert counts[-1] == (4, 0)
    assert "node b takes part" in machine.said("serve.log").partition("round 2/6")[2]


def test_a_killed_server_resumes_to_the_same_model_and_leaves_nothing(machine):
    server = machine.serve(*PLAIN, "--rounds", 4, "--local-nodes", 1)
    machine.wait_for("serve.log", "round 2/4")
    server.kill()
    server.wait()
    machine.expect_nothing_left()
    again = machine.serve("--insecure", "--local-nodes", 1, "--resume", "runs/latest", log="again.log")
    assert machine.end(again, "again.log") == 0
    machine.expect_nothing_left()
    alone = train(machine, "--rounds", 4)
    assert bits(latest(machine)) == bits(alone)
    assert rows(latest(machine)) == rows(alone)


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_server_and_all_that_it_started(machine, signum):
    server = machine.serve(*PLAIN, "--rounds", 9, "--local-nodes", 1)
    machine.wait_for("serve.log", "round 1/9")
    server.send_signal(signum)
    assert machine.end(server) == 128 + signum
    machine.expect_nothing_left()
    assert "continue with minizerofl serve --resume" in machine.said("serve.log")
    assert json.loads((latest(machine) / "summary.json").read_text())["status"] == "interrupted"


def test_only_nodes_with_a_key_take_part(machine):
    new_keys(machine.folder / "keys", [], ["alice"])
    new_keys(machine.folder / "other", [], ["mallory"])
    mallory = machine.folder / "other" / "nodes" / "mallory"
    (mallory / "ca.crt").write_bytes((machine.folder / "keys" / "ca.crt").read_bytes())
    server = machine.serve(*RUN, "--rounds", 2, "--tls-dir", "keys")
    machine.wait_for("serve.log", "Nodes connect to")
    stranger = machine.join("mallory", "--tls-dir", mallory)
    assert machine.end(stranger, "mallory.log") == 6
    assert "does not let this node in" in machine.said("mallory.log")
    machine.join("alice", "--tls-dir", machine.folder / "keys" / "nodes" / "alice")
    assert machine.end(server) == 0
    assert "A node with an unknown key (..." in machine.said("serve.log")
    assert bits(latest(machine)) == bits(train(machine, "--rounds", 2))


class Liar(threading.Thread):
    """A node in this process, which changes its replies."""

    def __init__(self, machine, tamper) -> None:
        super().__init__()
        self.machine, self.tamper, self.stop = machine, tamper, threading.Event()

    def run(self) -> None:
        folder, address = self.machine.folder / "liar", self.machine.address
        folder.mkdir()
        version = flower.flower_version("join")
        taking_part = joining.Joining(address, Trust(), "liar", 1)
        with (
            Desk(folder / "desk.json") as desk,
            PlainScreen.opened(-1) as shown,
            joining.Worker(taking_part, shown) as worker,
            Program(
                flower.supernode_command(version, address, Trust(), desk.path),
                folder / "supernode.log",
                flower.environment(folder),
            ),
        ):
            while not self.stop.is_set():
                if visitor := desk.next(timeout=0.2):
                    with visitor, suppress(EOFError, OSError):
                        letter = visitor.recv()
                        visitor.send(self.tamper(read_request(letter).round, worker.reply(letter)))


LIES = {2: "samples", 3: "old round", 4: "checksum", 5: "not finite"}


def lie(t: int, reply: Letter) -> Letter:
    """Claim a million samples in round 2, answer for round 1 in round 3, send damaged bytes, then a NaN."""
    answers = reply.head["answers"]
    if t == 2:
        answers = {key: {**told, "num_samples": 10**6} for key, told in answers.items()}
    parts = {key: part[:-1] + bytes([part[-1] ^ 1]) for key, part in reply.parts.items()} if t == 4 else reply.parts
    if t == 5:
        first = min(parts)  # With as many as there are good ones, the run would count as diverged.
        parts = {**parts, first: with_nan(parts[first])}
    return replace(reply, head={**reply.head, "answers": answers, "round": 1 if t == 3 else t}, parts=parts)


def with_nan(message: bytes) -> bytes:
    """Put a NaN in the place of the last value of a message, and correct its checksum."""
    from minizerofl.fl.codecs.message import CHECKSUM, HEAD, START, checksum

    body = message[START:-4] + np.float32(np.nan).tobytes()
    return message[: HEAD.size] + CHECKSUM.pack(checksum([message[: HEAD.size], body])) + body


def test_lies_of_a_node_are_refused_named_and_harmless(machine):
    server = machine.serve(*PLAIN, "--rounds", 5, "--nodes", 2, "--quorum", 0.25)
    liar = Liar(machine, lie)
    liar.start()
    try:
        machine.join("honest", "--insecure")
        assert machine.end(server) == 0
    finally:
        liar.stop.set()
        liar.join()
    clients = rows(latest(machine), "clients.csv")
    for t, reason in LIES.items():
        refused = [row for row in clients if row["round"] == str(t) and row["status"] == "refused"]
        assert len(refused) == (1 if t == 5 else 2)
        assert all(row["reason"].startswith(f"{reason}: ") for row in refused)
    harmless = ",".join(f"drop@{row['round']}:{row['client']}" for row in clients if row["status"] == "refused")
    assert bits(latest(machine)) == bits(train(machine, "--rounds", 5, "--quorum", 0.25, "--inject", harmless))


class Meter(threading.Thread):
    """Passes connections on to a port, and counts the bytes in both directions."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self.target = port
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.up = self.down = 0

    def run(self) -> None:
        with self.listener:
            while True:
                node, _ = self.listener.accept()
                threading.Thread(target=self.connect, args=(node,), daemon=True).start()

    def connect(self, node: socket.socket) -> None:
        with node, suppress(OSError), socket.create_connection(("127.0.0.1", self.target)) as server:
            back = threading.Thread(target=self.pass_on, args=(server, node, "down"), daemon=True)
            back.start()
            self.pass_on(node, server, "up")
            back.join()

    def pass_on(self, source: socket.socket, target: socket.socket, way: str) -> None:
        with suppress(OSError):
            while chunk := source.recv(1 << 16):
                target.sendall(chunk)
                setattr(self, way, getattr(self, way) + len(chunk))
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


def test_the_wire_carries_what_the_codec_counts(machine):
    options = ["--source", "synthetic", "--clients", 2, "--clients-per-round", 1, "--eval-samples", 20, "--rounds", 2]
    meter = Meter(machine.port)
    meter.start()
    server = machine.serve(*options, "--insecure", "--codec", "rice", "--validation-samples", 0)
    machine.join("a", "--insecure", address=f"127.0.0.1:{meter.port}")
    assert machine.end(server) == 0
    history = rows(latest(machine))
    sent = sum(int(row["uplink_bytes"]) for row in history)
    received = sum(int(row["downlink_bytes"]) for row in history)
    assert sent > 2e6
    assert received > 2e6
    assert meter.up == pytest.approx(sent, rel=0.02)
    assert meter.down == pytest.approx(received, rel=0.02)


def test_devices_keep_their_samples(machine):
    for name, number in (("alice", 30), ("bob", 20)):
        rng = np.random.default_rng(number)
        x = rng.integers(0, 256, (number, 1, 28, 28), np.uint8)
        np.savez(machine.folder / f"{name}.npz", x=x, y=np.arange(number) % 3, class_names=["a", "b", "c"])
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (40, 1, 28, 28), np.uint8)
    np.savez(machine.folder / "server.npz", x=x, y=np.arange(40) % 3, class_names=["a", "b", "c"])
    importing = machine.start("data", "import", "server.npz", "--name", "letters", log="import.log")
    assert machine.end(importing, "import.log") == 0
    options = ["--dataset", "letters", "--model", "small_cnn", "--clients-per-round", 2, "--rounds", 2, "--devices"]
    server = machine.serve(*options, "--insecure", "--nodes", 2)
    for name in ("alice", "bob"):
        machine.join(name, "--insecure", "--private", f"{name}.npz")
    assert machine.end(server) == 0
    clients = rows(latest(machine), "clients.csv")
    assert {(row["client"], row["num_samples"], row["status"]) for row in clients} == {
        ("alice", "30", "accepted"),
        ("bob", "20", "accepted"),
    }


@pytest.mark.parametrize(
    "head",
    [
        "[" * 100_000,
        "[1]",
        '{"said": {}, "codec": "rice", "sizes": {"a": -1}}',
        '{"said": {}, "codec": "rice", "sizes": [1]}',
        '{"said": 3, "codec": "rice", "sizes": {}}',
        '{"said": {}, "codec": "csr", "sizes": {}}',
    ],
)
def test_a_message_of_anything_else_is_an_empty_letter(head):
    content = engine.to_content(Letter({"round": 1}, {"a": b"ab", "b": b"c"}, "rice"))
    assert engine.from_content(content) == Letter({"round": 1}, {"a": b"ab", "b": b"c"}, "rice")
    content["head"]["head"] = head
    assert engine.from_content(content) == Letter()
    del content["parts"]
    assert engine.from_content(content) == Letter()
