"""A client: local training from the global state, on the client's own samples."""

from __future__ import annotations

from collections.abc import Callable, Collection

import numpy as np

from minizerofl import ops
from minizerofl.autograd.tensor import Tensor
from minizerofl.fl.codecs import Codec, Schema
from minizerofl.fl.data import Augmenting, Samples, batch_last
from minizerofl.fl.payload import State, Update
from minizerofl.fl.proximal import ProximalSGD
from minizerofl.fl.seeds import Purpose, generator
from minizerofl.fl.uplinks import Context, Uplink
from minizerofl.nn import Module
from minizerofl.optim import SGD


class Client:
    """One participant of the federation; it keeps nothing from round to round but what `memory` of `train` is for.

    Parameters
    ----------
    client_id : str
        Its id.
    samples : tuple of array
        Its training samples, x (n, ...) float32 and y (n,) int64.
    uplink : Uplink
        What it sends.
    batch_size : int
        Samples in a mini-batch. The last one of an epoch may be smaller.
    local_epochs : int
        How often it goes through its samples.
    seed : int
        The seed of the run; the order of the samples depends on it, the round and the client.
    codec : Codec, optional
        How what it sends becomes bytes; the paper's CSR by default.
    proximal_mu : float
        The pull towards the global state (FedProx); 0 for none.
    local : collection of str
        Tensors of which it takes up its own at its next turn, instead of the server's.
    augmenting : Augmenting, optional
        Changes each mini-batch at random before it is trained on; nothing does by default.
    """

    def __init__(
        self,
        client_id: str,
        samples: Samples,
        uplink: Uplink,
        batch_size: int,
        local_epochs: int = 1,
        seed: int = 0,
        codec: Codec | None = None,
        proximal_mu: float = 0.0,
        local: Collection[str] = (),
        augmenting: Augmenting | None = None,
    ) -> None:
        self.client_id = client_id
        self.samples = samples
        self.uplink = uplink
        self.batch_size = batch_size
        self.local_epochs = local_epochs
        self.seed = seed
        self.codec = codec or Codec()
        self.proximal_mu = proximal_mu
        self.local = local
        self.augmenting = augmenting

    def train(
        self,
        model: Module,
        state: State,
        round: int,
        lr: float,
        watch: Callable[[Tensor], None] | None = None,
        memory: State | None = None,
    ) -> Update:
        """Train from the global state for some epochs, choose what to send and encode it.

        Parameters
        ----------
        model : Module
            A model to work in; it is overwritten by `state`.
        state : dict of str to array
            The global state.
        round : int
            The round, counted from 1.
        lr : float
            The learning rate of this round.
        watch : callable, optional
            Is shown the loss of each mini-batch before the backward pass; what it raises ends the training.
        memory : dict of str to array, optional
            What the client remembers of its earlier turns; written to if there is something to remember.

        Returns
        -------
        Update
            What the client sends.
        """
        memory = {} if memory is None else memory
        model.load_state_dict({**state, **{name: memory[name] for name in self.local if name in memory}})
        model.train()
        optimiser = (
            ProximalSGD(model.parameters(), lr, self.proximal_mu) if self.proximal_mu else SGD(model.parameters(), lr)
        )
        rng = generator(self.seed, round, self.client_id, Purpose.SHUFFLE_BATCHES)
        augment_rng = generator(self.seed, round, self.client_id, Purpose.AUGMENT)
        x, y = self.samples
        total_loss = 0.0
        with np.errstate(all="ignore"):  # the server refuses what is not finite
            for _ in range(self.local_epochs):
                order = rng.permutation(y.size)
                for first in range(0, y.size, self.batch_size):
                    batch = order[first : first + self.batch_size]
                    inputs = self.augmenting.augment(x[batch], augment_rng) if self.augmenting else x[batch]
                    loss = ops.cross_entropy(model(Tensor(batch_last(inputs))), y[batch])
                    if watch is not None:
                        watch(loss)
                    optimiser.zero_grad()
                    loss.backward()
                    optimiser.step()
                    total_loss += loss.item() * batch.size
        return Update(
            self.client_id, y.size, self._send(model, state, round, memory), total_loss / (y.size * self.local_epochs)
        )

    def _send(self, model: Module, state: State, round: int, memory: State) -> bytes:
        # The model's own arrays: what is sent is copied into the message, so there is no need of another copy.
        end = {name: parameter._array for name, parameter in model.named_parameters()} | dict(model.named_buffers())
        memory.update((name, end[name].copy()) for name in self.local)
        payload = self.uplink.select(state, end, Context(round, self.client_id, self.seed, memory))
        return self.codec.encode(payload, Schema.of(state))
