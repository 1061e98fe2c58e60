"""FedDST: clients prune and regrow their weights now and then, and the server keeps the largest (AAAI 2022).

1. The first mask keeps the largest initial weights of each layer, with Erdos-Renyi-Kernel densities.
2. Clients train the weights of the mask that the server sends.
3. In every tenth round each client, after its local epochs, prunes a share of each layer's weights by magnitude, and
   lets as many grow where |dL/dw| of one mini-batch is largest. A weight that grows begins at zero. The share is
   alpha / 2 (1 + cos(pi t / T)) in round t, and 0 from T, half of the schedule, on.
4. A client sends its weights; the server averages each over the clients that hold it, by samples.
5. The server keeps the largest of each layer, as many as before. Of weights that have just grown, which are all zero,
   it keeps those that clients with more samples ask for.
"""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np

from minizerofl.autograd.tensor import Array
from minizerofl.fl.measures.clock import timed
from minizerofl.fl.methods.method import Method
from minizerofl.fl.methods.moving_mask import GROWN, MovingMask, add, entries_of
from minizerofl.fl.payload import Payload, State
from minizerofl.fl.uplinks.uplink import Context, ServerContext
from minizerofl.sparse.selection import keep_at, top_k

SETTINGS = {
    "selection": "active",
    "sparsity": 0.8,
    "activation_sparsity": 0.0,
    "mask_ratio": 0.0,
    "local_epochs": 10,
    "batch_size": 32,
    "lr_start": 0.01,
    "lr_end": 0.01,
    "momentum": 0.9,
    "weight_decay": 0.001,
}
FEDDST = Method(
    paper="Bibikar et al., Federated Dynamic Sparse Training, AAAI 2022",
    settings={**SETTINGS, "uplink": "feddst"},
)
FEDDST_AS_PUBLISHED = Method(
    paper="the code that goes with it, github.com/bibikar/feddst",
    settings={**SETTINGS, "uplink": "feddst-as-published"},
)


class FedDst(MovingMask):
    """FedDST, as its paper describes it."""

    every: ClassVar[int] = 10  # rounds
    alpha: ClassVar[float] = 0.01

    def begin(self, state: State) -> State:
        """Set all but the largest initial weights to zero."""
        sizes = self.sizes(state)
        return {**state, **{name: keep_at(state[name], top_k(state[name], sizes[name])) for name in sizes}}

    def share(self, ctx: Context) -> float:
        """Return the share of the weights that is pruned and grown in a round."""
        end = ctx.schedule / 2
        if not ctx.round or ctx.round % self.every or ctx.round >= end:
            return 0.0
        return self.alpha / 2 * (1 + math.cos(math.pi * ctx.round / end))

    def select(self, start: State, end: State, ctx: Context | None = None) -> Payload:
        """Prune and regrow, if it is time; then send all weights that are not zero."""
        ctx = ctx or Context()
        if (share := self.share(ctx)) and ctx.gradient is not None:
            gradient = ctx.gradient()
            end = {**end, **{name: self.regrow(end[name], gradient[name], share) for name in self.sparse}}
        return super().select(start, end, ctx)

    def regrow(self, w: Array, gradient: Array, share: float) -> Array:
        """Prune the smallest weights of a layer, and let as many grow where the gradient is largest.

        Examples
        --------
        >>> w, gradient = np.array([3.0, -1.0, 0.0, 0.0]), np.array([9.0, 1.0, -2.0, 4.0])
        >>> FedDst({}).regrow(w, gradient, share=0.5) > 0
        array([ True, False, False,  True])
        """
        active = np.flatnonzero(w).astype(np.int32)
        pruned = int(share * active.size)
        new = keep_at(w, active[top_k(w.reshape(-1)[active], active.size - pruned)])
        new.reshape(-1)[top_k(self.candidates(new, gradient), pruned)] = GROWN
        return new

    def candidates(self, w: Array, gradient: Array) -> Array:
        """Return the gradients among which the largest are grown: those of weights that are zero."""
        return np.where(w == 0, gradient, 0)

    def count(self, state: State, ctx: ServerContext, payload: Payload, num_samples: int) -> None:
        """Count the samples of the clients that hold each weight."""
        for name in self.sparse:
            add(ctx.tally, name, state[name].shape, entries_of(payload[name]).positions, num_samples)

    @timed("server step")
    def apply(self, state: State, average: State, ctx: ServerContext | None = None) -> State:
        """Average over the clients that hold a weight, and keep the largest."""
        ctx, new = ctx or ServerContext(), dict(average)
        for name, size in self.sizes(state).items():
            share = (ctx.tally[name] / ctx.num_samples).astype(np.float32)
            held = share > 0
            mean = np.divide(average[name], share, out=np.zeros_like(share), where=held)
            grown = held & (np.abs(mean) <= 2 * GROWN)
            kept = top_k(np.where(grown, GROWN * share, mean), size)
            new[name] = keep_at(np.where(grown, GROWN, mean), kept)
        return new


class FedDstAsPublished(FedDst):
    """FedDST, as the published code computes it.

    1. The share is alpha until T. (It is multiplied by the decaying factor, and by alpha a second time, only to decide
       whether masks are adjusted at all.)
    2. Weights grow where the gradient is largest among all, so that a weight that is trained may be chosen: it becomes
       zero, and no other grows instead.
    """

    def share(self, ctx: Context) -> float:
        """Return alpha, as long as masks are adjusted."""
        return self.alpha if super().share(ctx) else 0.0

    def candidates(self, w: Array, gradient: Array) -> Array:
        """Return all gradients."""
        return gradient
