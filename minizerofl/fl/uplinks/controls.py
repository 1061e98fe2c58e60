"""Uplinks that are not ZeroFL, to compare it with: error feedback, and positions chosen by chance.

====================  ================================================  ========================
uplink                client k sends                                    client k remembers
====================  ================================================  ========================
`topk-diff-feedback`  a = m^k + w_E - w_t at the top k of |a|           m^k = a where it did not send
`random-k`            w_E - w_t at k positions drawn in each round      nothing
====================  ================================================  ========================

In both the server adds the average, as in `topk-diff`.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from minizerofl.fl.payload import Array
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


class RandomK(Uplink):
    """The changes at k random positions: what remains of `topk-diff` if magnitude does not matter. Not ZeroFL.

    Unlike the rule of the same name (`minizerofl.sparse.RandomK`) it draws positions again in each round.
    """

    differences = True

    def rank(self, name: str, start: Array, end: Array, ctx: Context) -> Array:
        """Return the weights, whose values do not matter."""
        return end

    def choose(self, ranked: Mapping[str, Array], budget: Mapping[str, int], ctx: Context) -> dict[str, Positions]:
        """Draw positions for this client and round."""
        return {name: self._draw(name, ranked[name].size, budget[name], ctx) for name in ranked}

    def _draw(self, name: str, size: int, k: int, ctx: Context) -> Positions:
        # The name is part of the draw: layers of one size would have the same positions otherwise.
        rng = np.random.default_rng([*name.encode(), int(ctx.rng().integers(2**32))])
        return np.sort(rng.choice(size, k, replace=False, shuffle=False)).astype(np.int32)
