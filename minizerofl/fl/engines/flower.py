"""Flower carries what server and nodes write to each other: the two apps that it runs, and the form of its messages.

Neither app trains or averages. `server_app` puts letters of `minizerofl serve` on Flower's grid and brings the
replies; `client_app` takes each to `minizerofl join` on its machine and returns what it says.

Whatever a node sends is data, never code: text is read as JSON, and encoded models and updates stay bytes until the
server decodes and checks them. This module needs the extra ``minizerofl[flower]``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from flwr.app import Array, ArrayRecord, ConfigRecord, Message, RecordDict
from flwr.clientapp import ClientApp
from flwr.serverapp import ServerApp

from minizerofl.fl.engines.relay import Letter, visit

HEAD, PARTS = "head", "parts"
FAMILY, FORMAT = "minizerofl", "v1"
DESK = "desk"  # the key in Flower's configuration under which each app finds our process

server_app = ServerApp()
client_app = ClientApp()


def to_content(letter: Letter) -> Any:
    """Write a letter as the content of a message of Flower.

    Examples
    --------
    >>> content = to_content(Letter({"round": 3}, {"model": b"abc"}, codec="rice"))
    >>> content["parts"]["parts"].stype, from_content(content) == Letter({"round": 3}, {"model": b"abc"}, "rice")
    ('minizerofl.rice.v1', True)
    """
    # All parts in one array: Flower carries each array on its own, with several requests.
    whole = b"".join(letter.parts.values())
    sizes = {name: len(part) for name, part in letter.parts.items()}
    head = json.dumps({"said": letter.head, "codec": letter.codec, "sizes": sizes})
    array = Array("uint8", (len(whole),), f"{FAMILY}.{letter.codec}.{FORMAT}", whole)
    return RecordDict({HEAD: ConfigRecord({HEAD: head}), PARTS: ArrayRecord({PARTS: array})})


def from_content(content: Any) -> Letter:
    """Read the content of a message; an empty letter if it is not one of ours."""
    try:
        told = json.loads(str(content[HEAD][HEAD]))
        said, codec, array = told["said"], str(told["codec"]), content[PARTS][PARTS]
        if array.stype != f"{FAMILY}.{codec}.{FORMAT}" or not isinstance(said, dict):
            return Letter()
        return Letter(said, _split(bytes(array.data), told["sizes"]), codec)
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError):
        return Letter()


def _split(whole: bytes, sizes: dict[str, int]) -> dict[str, bytes]:
    """Divide bytes into parts of these sizes; a part that is not there is empty."""
    parts, at = {}, 0
    for name, size in sizes.items():
        if type(size) is not int or size < 0:
            raise ValueError("a part has no size")
        parts[name] = whole[at : at + size]
        at += size
    return parts


def answer(message: Any, context: Any) -> Any:
    """Take a letter to `minizerofl join`, and return its reply."""
    with visit(str(context.node_config[DESK])) as join:
        join.send(from_content(message.content))
        reply: Letter = join.recv()
    return Message(to_content(reply), reply_to=message)


def carry(grid: Any, context: Any) -> None:
    """Do what `minizerofl serve` asks for, until it closes the connection."""
    actions: dict[str, Callable[[Any, Any], object]] = {"nodes": _nodes, "push": _push, "pull": _pull}
    with visit(str(context.run_config[DESK])) as serve:
        while True:
            try:
                name, argument = serve.recv()
            except EOFError:
                return
            serve.send(actions[name](grid, argument))


def _nodes(grid: Any, _: None) -> list[int]:
    """Return the ids of the nodes that are connected."""
    return sorted(grid.get_node_ids())


def _push(grid: Any, letters: Sequence[tuple[int, Letter]]) -> list[str]:
    """Send a letter to each node; return the ids of the messages, empty for one that could not be sent."""
    messages = [Message(to_content(letter), dst_node_id=node, message_type="train") for node, letter in letters]
    return [message_id or "" for message_id in grid.push_messages(messages)]


def _pull(grid: Any, message_ids: Iterable[str]) -> list[tuple[str, int, Letter, str]]:
    """Return the replies that have come: what each answers, who it is from, the letter, and what went wrong."""
    return [_reply(message) for message in grid.pull_messages(list(message_ids))]


def _reply(message: Any) -> tuple[str, int, Letter, str]:
    about = message.metadata
    if message.has_error():
        return about.reply_to_message_id, about.src_node_id, Letter(), message.error.reason or "unknown error"
    return about.reply_to_message_id, about.src_node_id, from_content(message.content), ""


server_app.main()(carry)
client_app.train()(answer)
