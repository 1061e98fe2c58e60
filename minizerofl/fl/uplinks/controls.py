"""Uplinks that are not ZeroFL, to compare it with: error feedback, and positions chosen by chance.

====================  ================================================  ========================
uplink                client k sends                                    client k remembers
====================  ================================================  ========================
`topk-diff-feedback`  a = m^k + w_E - w_t at the top k of |a|           m^k = a where it did not send
`random-k`            w_E - w_t at k positions drawn anew each round    nothing
====================  ================================================  ========================

In both the server adds the average, as in `topk-diff`.
"""

from __future__ import annotations

import numpy as np

from minizerofl.fl.payload import Array, Kept
from minizerofl.fl.uplinks.uplink import Context, Uplink


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
    stateful = True

    def keep(self, name: str, start: Array, end: Array, k: int, ctx: Context) -> Kept:
        """Keep the largest of the changes and what was left out before."""
        change = end - start
        if name in ctx.memory:
            change += ctx.memory[name]
        positions = self.selection.select(change, k)
        values = change.reshape(-1)[positions]
        change.reshape(-1)[positions] = 0
        ctx.memory[name] = change
        return Kept(end.shape, positions, values)


class RandomK(Uplink):
    """The changes at k random positions: what remains of `topk-diff` if magnitude does not matter. Not ZeroFL."""

    differences = True

    def keep(self, name: str, start: Array, end: Array, k: int, ctx: Context) -> Kept:
        """Keep the changes at random positions."""
        # The name is part of the draw: layers of one size would have the same positions otherwise.
        rng = np.random.default_rng([*name.encode(), int(ctx.rng().integers(2**32))])
        positions = np.sort(rng.choice(end.size, k, replace=False, shuffle=False)).astype(np.int32)
        return Kept(end.shape, positions, end.reshape(-1)[positions] - start.reshape(-1)[positions])
