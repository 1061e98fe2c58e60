"""A round as its clients see it: what all of them are given, and what one of them makes of it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

from minizerofl.fl.client import Client
from minizerofl.fl.codecs import Codec
from minizerofl.fl.data import Augmenting, FederatedData, Samples
from minizerofl.fl.faults import parse_faults
from minizerofl.fl.payload import State, Update
from minizerofl.fl.settings import Settings
from minizerofl.fl.uplinks import Uplink
from minizerofl.fl.work import Answer, Watch, work
from minizerofl.nn import Module


@dataclass(frozen=True)
class Call:
    """What one client is told.

    Attributes
    ----------
    client_id : str
        The client.
    place : int
        Its place among the clients of the round, counted from 0.
    memory : dict of str to array
        What it remembers of its earlier turns.
    """

    client_id: str
    place: int = 0
    memory: State = field(default_factory=dict)


@dataclass(frozen=True)
class Turn:
    """What all clients of a round are given; called with a model to work in and a `Call`, it lets that client train.

    Attributes
    ----------
    round : int
        The round, counted from 1.
    lr : float
        Its learning rate.
    state : dict of str to array
        The global state.
    data : FederatedData
        Where a client has its samples from.
    uplink : Uplink
        What it sends.
    settings : Settings
        All else.
    local : frozenset of str
        Tensors of which clients take up their own, see `Client`.
    deadline : float
        When an answer would be too late, on the clock of `time.monotonic`.
    """

    round: int
    lr: float
    state: State
    data: FederatedData
    uplink: Uplink
    settings: Settings
    local: frozenset[str] = frozenset()
    deadline: float = math.inf

    def __call__(self, model: Module, call: Call) -> Answer:
        """Let a client train on its samples; never raises an `Exception`."""
        memory = dict(call.memory)
        answer = work(
            call.client_id,
            lambda: self.data.train(call.client_id),
            lambda samples, watch: self.train(model, call.client_id, samples, watch, memory),
            [f for f in parse_faults(self.settings.inject) if f.strikes(self.round, call.client_id, call.place)],
            self.deadline,
        )
        return replace(answer, memory=memory)

    def train(
        self,
        model: Module,
        client_id: str,
        samples: Samples,
        watch: Watch | None = None,
        memory: State | None = None,
    ) -> Update:
        """Let a client train on these samples, see `Client.train`."""
        s = self.settings
        client = Client(
            client_id,
            samples,
            self.uplink,
            batch_size=s.batch_size,
            local_epochs=s.local_epochs,
            seed=s.seed,
            codec=Codec(s.codec, s.values),
            proximal_mu=s.proximal_mu,
            local=self.local,
            augmenting=self.data if isinstance(self.data, Augmenting) else None,
        )
        return client.train(model, self.state, self.round, self.lr, watch, memory)
