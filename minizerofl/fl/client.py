"""A client: local training from the global model, on the client's own samples."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from functools import partial
from typing import Any

import numpy as np

from minizerofl import ops
from minizerofl.autograd.tensor import Array, Tensor
from minizerofl.fl.codecs import Codec, Schema
from minizerofl.fl.data import Augmenting, Samples, batch_last
from minizerofl.fl.errors import RefusedError
from minizerofl.fl.finite import first_not_finite
from minizerofl.fl.gradients import gradients
from minizerofl.fl.measures.clock import timed
from minizerofl.fl.payload import State, Update
from minizerofl.fl.proximal import ProximalSGD
from minizerofl.fl.seeds import Purpose, generator
from minizerofl.fl.settings import Settings
from minizerofl.fl.uplinks import Context, Uplink
from minizerofl.nn import Module
from minizerofl.nn.rule import restart_selection
from minizerofl.optim import SGD

Watch = Callable[[Tensor], None]  # what `Client.train` shows the loss of each mini-batch


class Client:
    """One participant of the federation; stateless between rounds, except for the `memory` given to `train`.

    Parameters
    ----------
    client_id : str
        Its id.
    samples : tuple of array
        Its training samples, x (n, ...) float32 and y (n,) int64.
    uplink : Uplink
        What it sends.
    settings : Settings
        How it trains (`batch_size`, `local_epochs`, `proximal_mu`, `seed`) and how its message is encoded (`codec`,
        `values`).
    local : collection of str
        Tensors of which it keeps its own from turn to turn, instead of the server's.
    augmenting : Augmenting, optional
        Changes each mini-batch at random before it is trained on. By default nothing does.

    Examples
    --------
    >>> from minizerofl import nn
    >>> from minizerofl.fl import Full, Settings
    >>> samples = np.ones((5, 4), np.float32), np.arange(5) % 3
    >>> client = Client("me", samples, Full({}), Settings(batch_size=2))
    >>> model = nn.Linear(4, 3, rng=np.random.default_rng(0))
    >>> client.train(model, model.state_dict(), round=1, lr=0.1).num_samples
    5
    """

    def __init__(
        self,
        client_id: str,
        samples: Samples,
        uplink: Uplink,
        settings: Settings,
        local: Collection[str] = (),
        augmenting: Augmenting | None = None,
    ) -> None:
        self.client_id = client_id
        self.samples = samples
        self.uplink = uplink
        self.settings = settings
        self.local = local
        self.augmenting = augmenting

    @timed("train")
    def train(
        self,
        model: Module,
        state: State,
        round: int,
        lr: float,
        watch: Watch | None = None,
        memory: State | None = None,
    ) -> Update:
        """Train from the global model for some epochs, choose what to send and encode it.

        The last mini-batch of an epoch may be smaller than the others. Its mean gradient takes a whole step all the
        same.

        Parameters
        ----------
        model : Module
            A model to work in; `state` overwrites it.
        state : dict of str to array
            The global model.
        round : int
            The round, counted from 1.
        lr : float
            The learning rate of this round.
        watch : callable, optional
            Called with the loss of each mini-batch before the backward pass; what it raises ends the training.
        memory : dict of str to array, optional
            What the client remembers of its earlier turns. What it will remember of this one is written to it.

        Returns
        -------
        Update
            What the client sends.

        Raises
        ------
        RefusedError
            What it learned is not finite. `memory` is as it was.
        """
        s, memory = self.settings, {} if memory is None else memory
        with timed("load model"):
            model.load_state_dict({**state, **{name: memory[name] for name in self.local if name in memory}})
            model.train()
            restart_selection(model)
        optimiser = self._optimiser(model, lr)
        rng = generator(s.seed, round, self.client_id, Purpose.SHUFFLE_BATCHES)
        augment_rng = generator(s.seed, round, self.client_id, Purpose.AUGMENT)
        x, y = self.samples
        total_loss = 0.0
        with np.errstate(all="ignore"):  # What is not finite is not sent.
            for _ in range(s.local_epochs):
                order = rng.permutation(y.size)
                for first in range(0, y.size, s.batch_size):
                    batch = order[first : first + s.batch_size]
                    with timed("mini-batches"):
                        inputs = self.augmenting.augment(x[batch], augment_rng) if self.augmenting else x[batch]
                        inputs = batch_last(inputs)
                    loss = ops.cross_entropy(model(Tensor(inputs)), y[batch])
                    if watch is not None:
                        watch(loss)
                    optimiser.zero_grad()
                    loss.backward()
                    optimiser.step()
                    total_loss += loss.item() * batch.size
        message, seconds = self._message(model, state, round, memory)
        return Update(self.client_id, y.size, message, total_loss / (y.size * s.local_epochs), seconds)

    def _optimiser(self, model: Module, lr: float) -> SGD:
        """Make the optimiser; its momentum begins at zero in each round."""
        s = self.settings
        rest: dict[str, Any] = {"momentum": s.momentum, "nesterov": s.nesterov, "weight_decay": s.weight_decay}
        if s.proximal_mu:
            return ProximalSGD(model.parameters(), lr, s.proximal_mu, **rest)
        return self.uplink.optimiser(model, lr, **rest)

    def _gradient(self, model: Module, round: int) -> dict[str, Array]:
        """Compute the gradient of all weights for one more mini-batch; the model computes as in evaluation."""
        x, y = self.samples
        order = generator(self.settings.seed, round, self.client_id, Purpose.GRADIENT).permutation(y.size)
        batch = order[: self.settings.batch_size]
        model.eval()
        return gradients(model, x[batch], y[batch])

    def _message(self, model: Module, state: State, round: int, memory: State) -> tuple[bytes, float]:
        """Choose what to send and encode it; return the message, and how long encoding took."""
        # These are the model's own arrays: what is sent is copied into the message, so that no other copy is needed.
        end = {name: parameter.array for name, parameter in model.named_parameters()} | dict(model.named_buffers())
        if (name := first_not_finite(end)) is not None:  # A ranking would take NaN for zero.
            raise RefusedError("not finite", f"{name} is NaN or infinite after local training")
        memory.update((name, end[name].copy()) for name in self.local)
        s = self.settings
        gradient = partial(self._gradient, model, round)
        ctx = Context(round, self.client_id, s.seed, memory, s.schedule, gradient)
        with timed("select"):
            payload = self.uplink.select(state, end, ctx)
        codec = Codec(s.codec, self.uplink.value_codec or s.values)
        schema = Schema.of(state, self.uplink.known(state))
        began = time.perf_counter()
        with timed("encode"):
            message = codec.encode(payload, schema, generator(s.seed, round, self.client_id, Purpose.ROUND_VALUES))
        return message, time.perf_counter() - began
