"""A node of a federation beyond one machine: it trains the clients that the server sends it, with its own engine."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from minizerofl.fl.codecs import Schema
from minizerofl.fl.downlink import Downlink
from minizerofl.fl.engines.relay import Letter
from minizerofl.fl.engines.wire import Request, write_reply
from minizerofl.fl.simulation import Simulation
from minizerofl.fl.turn import Answer


class Node:
    """Trains clients for a server.

    Parameters
    ----------
    simulation : Simulation
        The run, set up from the server's configuration and the data of this node. Only its clients' turns are run here.

    Examples
    --------
    >>> import minizerofl_datasets
    >>> from minizerofl.fl import Settings
    >>> from minizerofl.fl.engines.wire import read_request, write_requests
    >>> from minizerofl.fl.turn import Invitation
    >>> data = minizerofl_datasets.load("femnist", source="synthetic", clients=2)
    >>> simulation = Simulation(data, "femnist_cnn", Settings(clients_per_round=1))
    >>> (letter,) = write_requests("a run", {}, simulation.turn(1), [[Invitation(data.clients[0])]])
    >>> with Node(simulation) as node:
    ...     node.answer(read_request(letter), {"name": "here"}).head["answers"]["0"]["status"]
    'accepted'
    """

    def __init__(self, simulation: Simulation) -> None:
        self.simulation = simulation
        self._engine = simulation.start_engine()

    def answer(self, request: Request, about: Mapping[str, Any]) -> Letter:
        """Train the clients of a request, and return the reply.

        Parameters
        ----------
        request : Request
            What the server asks for.
        about : mapping
            Who the node is.
        """
        answers = self._train(request) if request.round else {}
        return write_reply(request, answers, about, self.simulation.settings.codec)

    def _train(self, request: Request) -> dict[int, Answer]:
        simulation = self.simulation
        schema = Schema.of(simulation.state, simulation.uplink.known_before(simulation.state))
        sent = Downlink(request.model, schema, simulation.settings.downlink_values)
        turn = simulation.turn(request.round, request.deadline, sent)
        answers = self._engine.run(turn, request.invitations, turn.sizes(request.invitations))
        return {each.place: answer for each, answer in zip(request.invitations, answers, strict=True)}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._engine.__exit__(kind, error, trace)
