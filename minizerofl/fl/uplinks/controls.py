"""Uplinks that are not ZeroFL, to compare it with: error feedback, ternary values, and positions chosen by chance.

====================  ================================================  ========================
uplink                client k sends                                    client k remembers
====================  ================================================  ========================
`topk-diff-feedback`  a = m^k + w_E - w_t at the top k of |a|           m^k = a where it did not send
`stc`                 the signs of a at the top k of |a|, times their   m^k = a minus what it sent
                      mean magnitude
`random-k`            w_E - w_t at k positions drawn in each round      nothing
====================  ================================================  ========================

In both the server adds the average, as in `topk-diff`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar, final

import numpy as np

from minizerofl.fl.payload import Array, Kept, Payload, State, draw_positions
from minizerofl.fl.uplinks.uplink import Context, Uplink
from minizerofl.sparse.selection import Positions


class TopKDiffFeedback(Uplink):
    """The largest changes, where what was left out before is added first (error feedback: Stich et al. 2018).

    Not ZeroFL, whose clients remember nothing: here each client keeps an array of the size of every sparse layer.

    Examples
    --------
    >>> uplink, ctx = TopKDiffFeedback({"w": 0.5}), Context()
    >>> start, end = {"w": np.zeros((1, 2), np.float32)}, {"w": np.array([[3.0, 2.0]], np.float32)}
    >>> [uplink.select(start, end, ctx)["w"].values.tolist() for _ in range(3)]
    [[3.0], [4.0], [6.0]]
    """

    differences = True

    def rank(self, name: str, start: Array, end: Array, ctx: Context) -> Array:
        """Rank the changes together with what was left out before."""
        change = end - start
        return change + ctx.memory[name] if name in ctx.memory else change

    def values(self, name: str, ranked: Array, positions: Positions, start: Array, end: Array, ctx: Context) -> Array:
        """Send what was ranked; remember the rest."""
        sent: Array = ranked.reshape(-1)[positions]
        ranked.reshape(-1)[positions] = 0
        ctx.memory[name] = ranked
        return sent


class Stc(TopKDiffFeedback):
    """Sparse ternary compression, on the way up (Sattler et al. 2019): error feedback for the magnitudes too.

    A message has the positions, a bit for each of them, and one number for each layer. The paper counts k over the
    whole model, and compresses what the server sends in the same way. Here k is that of the run, layer by layer.

    Examples
    --------
    >>> uplink, ctx = Stc({"w": 0.25}), Context()
    >>> start, end = {"w": np.zeros((1, 4), np.float32)}, {"w": np.array([[3.0, -2.0, 0.5, 1.0]], np.float32)}
    >>> uplink.select(start, end, ctx)["w"].values
    array([ 2., -2.,  2.], dtype=float32)
    >>> ctx.memory["w"]
    array([[ 1. ,  0. ,  0.5, -1. ]], dtype=float32)
    """

    value_codec: ClassVar[str] = "ternary"

    def values(self, name: str, ranked: Array, positions: Positions, start: Array, end: Array, ctx: Context) -> Array:
        """Send signs, times the mean magnitude; remember the rest."""
        due = ranked.reshape(-1)[positions]
        magnitude = np.float32(np.abs(due).mean(dtype=np.float64)) if due.size else np.float32(0)
        sent: Array = np.where(due < 0, -magnitude, magnitude)
        ranked.reshape(-1)[positions] = due - sent
        ctx.memory[name] = ranked
        return sent


@final
class RandomK(Uplink):
    """The changes at k random positions: what remains of `topk-diff` if magnitude does not matter. Not ZeroFL.

    Client and server draw the positions from the same seed, so that only values are sent. Unlike the rule of the same
    name (`minizerofl.sparse.RandomK`) it draws positions again in each round.
    """

    differences = True

    def rank(self, name: str, start: Array, end: Array, ctx: Context) -> Array:
        """Return the weights, whose values do not matter."""
        return end

    def choose(self, ranked: Mapping[str, Array], budget: Mapping[str, int], ctx: Context) -> dict[str, Positions]:
        """Draw positions for this client and round."""
        seed = self._seed(ctx)
        return {name: draw_positions(seed, name, ranked[name].size, budget[name]) for name in ranked}

    def select(self, start: State, end: State, ctx: Context | None = None) -> Payload:
        """Choose what to send, and say from which seed the positions were drawn."""
        ctx = ctx or Context()
        chosen, seed = super().select(start, end, ctx), self._seed(ctx)
        return {name: replace(each, draw=seed) if isinstance(each, Kept) else each for name, each in chosen.items()}

    def _seed(self, ctx: Context) -> int:
        return int(ctx.rng().integers(2**32))
