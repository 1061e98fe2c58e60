"""FedRTS: a mask by Thompson sampling from what all rounds so far have said about each weight (NeurIPS 2025).

1. The first mask is random, with Erdos-Renyi-Kernel densities: K weights of each layer are active.
2. The server has a belief about each weight, Beta(a, b): that it should be active.
3. In each round clients train the active weights. A share rho_t of them is in question; the others, the largest, are
   the core. For each active weight, X = gamma [it is in the core of the mean] + (1 - gamma) (the share of the samples
   whose clients have it in their core).
4. In every tenth round before round T, clients also send which rho_t K inactive weights have the largest |dL/dw| on one
   mini-batch: positions, no values. For each inactive weight, X = gamma / 2 + (1 - gamma) (the share of the samples
   whose clients named it).
5. a <- a + lambda X and b <- b + lambda (1 - X).
6. After step 4 the server draws a number from each belief. The K largest are the new mask; a weight that becomes active
   begins at zero.

rho_t = alpha / 2 (1 + cos(pi t / T)). The beliefs are in the server's memory, and so in each checkpoint.
"""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np

from minizerofl.autograd.tensor import Array
from minizerofl.fl.measures.clock import timed
from minizerofl.fl.methods.method import Method
from minizerofl.fl.methods.moving_mask import GROWN, MovingMask, add, entries_of
from minizerofl.fl.payload import Kept, Payload, State
from minizerofl.fl.seeds import Purpose, generator
from minizerofl.fl.uplinks.uplink import Context, ServerContext
from minizerofl.sparse.fixed import Erk
from minizerofl.sparse.selection import Positions, count_kept, keep_at, top_k

FEDRTS = Method(
    paper="Huang et al., FedRTS: Federated Robust Pruning via Combinatorial Thompson Sampling, NeurIPS 2025",
    settings={
        "selection": "active",
        "sparsity": 0.8,
        "activation_sparsity": 0.0,
        "uplink": "fedrts",
        "mask_ratio": 0.0,
        "local_epochs": 5,
        "batch_size": 64,
        "lr_start": 0.01,
        "lr_end": 0.01,
    },
)


class FedRts(MovingMask):
    """FedRTS; its constants are those of the paper."""

    every: ClassVar[int] = 10  # rounds
    until: ClassVar[int] = 300  # T
    alpha: ClassVar[float] = 0.4
    gamma: ClassVar[float] = 0.5
    strength: ClassVar[float] = 10.0  # lambda

    def begin(self, state: State) -> State:
        """Set all but random weights to zero."""
        weights = {name: state[name] for name in self.sparse}
        budget = {name: count_kept(weight.size, self.sparse[name]) for name, weight in weights.items()}
        drawn = Erk(self.selection.seed).select(weights, budget)
        return {**state, **{name: keep_at(state[name], drawn[name]) for name in weights}}

    def moves(self, round: int) -> bool:
        """Return whether the mask changes after a round."""
        return 0 < round < self.until and round % self.every == 0

    def in_question(self, round: int, active: int) -> int:
        """Return how many of the active weights of a layer are not in the core."""
        return int(self.alpha / 2 * (1 + math.cos(math.pi * min(round, self.until) / self.until)) * active)

    def select(self, start: State, end: State, ctx: Context | None = None) -> Payload:
        """Send all weights that are not zero; and if the mask is about to change, which others should be in it."""
        ctx = ctx or Context()
        payload = super().select(start, end, ctx)
        if not self.moves(ctx.round) or ctx.gradient is None:
            return payload
        gradient = ctx.gradient()
        kept = {name: tensor for name, tensor in payload.items() if isinstance(tensor, Kept)}
        named = {name: self.named(start[name], gradient[name], ctx.round) for name in kept}
        return {**payload, **{name: self.with_names(kept[name], named[name]) for name in kept}}

    def named(self, start: Array, gradient: Array, round: int) -> Positions:
        """Return the inactive weights of a layer that a client names."""
        return top_k(np.where(start == 0, gradient, 0), self.in_question(round, int(np.count_nonzero(start))))

    def with_names(self, sent: Kept, named: Positions) -> Kept:
        """Add the positions of inactive weights, with zeros as their values, to what is sent of a layer."""
        positions = np.concatenate([sent.positions, named])
        values = np.concatenate([sent.values, np.zeros_like(sent.values, shape=named.size)])
        order = np.argsort(positions)
        return Kept(sent.shape, positions[order], values[order])

    def count(self, state: State, ctx: ServerContext, payload: Payload, num_samples: int) -> None:
        """Count the samples of the clients that have a weight in their core, or name it."""
        for name in self.sparse:
            sent, w = entries_of(payload[name]), state[name]
            active = w.reshape(-1)[sent.positions] != 0
            core = self.core(sent.positions[active], sent.values[active], int(np.count_nonzero(w)), ctx.round)
            for positions in (core, sent.positions[~active]):
                add(ctx.tally, name, w.shape, positions, num_samples)

    def core(self, positions: Positions, values: Array, active: int, round: int) -> Positions:
        """Return the positions of the largest of the active weights."""
        return positions[top_k(values, active - self.in_question(round, active))]

    @timed("server step")
    def apply(self, state: State, average: State, ctx: ServerContext | None = None) -> State:
        """Learn from the round, and move the mask if it is time."""
        ctx, new = ctx or ServerContext(), dict(average)
        rng = generator(ctx.seed, ctx.round, "", Purpose.THOMPSON)
        for name in self.sparse:
            w, mask = average[name], state[name] != 0
            belief = self.learn(name, w, mask, ctx)
            if self.moves(ctx.round):
                drawn = rng.beta(*belief)
                mask = keep_at(drawn, top_k(drawn, int(np.count_nonzero(mask)))) != 0
            new[name] = np.where(mask, np.where(w == 0, GROWN, w), np.float32(0))
        return new

    def learn(self, name: str, w: Array, mask: Array, ctx: ServerContext) -> tuple[Array, Array]:
        """Update the belief about each weight of a layer, and remember it; a and b begin at 1."""
        a, b = (ctx.memory.get(f"{letter}:{name}", np.ones(w.shape, np.float32)) for letter in "ab")
        at = np.flatnonzero(mask).astype(np.int32)
        core = np.zeros(w.shape)
        core.reshape(-1)[self.core(at, w.reshape(-1)[at], at.size, ctx.round)] = 1
        of_mean = np.where(mask, core, 0.5)  # the mean gradient of inactive weights is not known
        x = (self.gamma * of_mean + (1 - self.gamma) * ctx.tally[name] / ctx.num_samples).astype(np.float32)
        observed = self.strength * (mask | self.moves(ctx.round))  # inactive weights only in rounds of step 4
        ctx.memory[f"a:{name}"] = a = (a + observed * x).astype(np.float32)
        ctx.memory[f"b:{name}"] = b = (b + observed * (1 - x)).astype(np.float32)
        return a, b
