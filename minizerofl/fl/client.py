"""A client: local training from the global state, on the client's own samples."""

from __future__ import annotations

import numpy as np

from minizerofl import ops
from minizerofl.autograd.tensor import Tensor
from minizerofl.fl.data import Samples, batch_last
from minizerofl.fl.payload import State, Update
from minizerofl.fl.seeds import Purpose, generator
from minizerofl.fl.uplink import Uplink
from minizerofl.nn import Module
from minizerofl.optim import SGD


class Client:
    """One participant of the federation; it keeps nothing from round to round.

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
    """

    def __init__(
        self, client_id: str, samples: Samples, uplink: Uplink, batch_size: int, local_epochs: int = 1, seed: int = 0
    ) -> None:
        self.client_id = client_id
        self.samples = samples
        self.uplink = uplink
        self.batch_size = batch_size
        self.local_epochs = local_epochs
        self.seed = seed

    def train(self, model: Module, state: State, round: int, lr: float) -> Update:
        """Train from the global state for some epochs and choose what to send.

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

        Returns
        -------
        Update
            What the client sends.
        """
        model.load_state_dict(state)
        model.train()
        optimiser = SGD(model.parameters(), lr=lr)
        rng = generator(self.seed, round, self.client_id, Purpose.SHUFFLE_BATCHES)
        x, y = self.samples
        total_loss = 0.0
        with np.errstate(all="ignore"):  # the server refuses what is not finite
            for _ in range(self.local_epochs):
                order = rng.permutation(y.size)
                for first in range(0, y.size, self.batch_size):
                    batch = order[first : first + self.batch_size]
                    loss = ops.cross_entropy(model(Tensor(batch_last(x[batch]))), y[batch])
                    optimiser.zero_grad()
                    loss.backward()
                    optimiser.step()
                    total_loss += loss.item() * batch.size
        payload = self.uplink.select(state, model.state_dict())
        return Update(self.client_id, y.size, payload, total_loss / (y.size * self.local_epochs))
