"""What methods share whose mask moves from round to round: it is in the global model, where weights are not zero.

A client trains the weights that are not zero in the model that it is sent, and no others. So the mask is the same
everywhere, in messages, statistics and saved models. A weight that has just grown begins at `GROWN` instead of zero,
which is too small to make a difference in any sum.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from minizerofl.autograd.tensor import Array
from minizerofl.fl.downlink import non_zeros
from minizerofl.fl.payload import Kept, State
from minizerofl.fl.uplinks.paper import TopKWeights
from minizerofl.sparse.fixed import erk_budget
from minizerofl.sparse.selection import Positions, count_kept

GROWN = np.float32(2.0**-100)


class MovingMask(TopKWeights):
    """Sends the weights that are not zero; a subclass says how the mask moves."""

    needed: ClassVar[Mapping[str, tuple[Any, ...]]] = {
        "selection": ("active",),
        "average": ("all",),
        "server": ("fedavg",),
        "server_lr": (0.0, 1.0),
        "downlink_values": ("float32",),
    }

    def sizes(self, state: State) -> dict[str, int]:
        """Return how many weights each layer keeps: a larger share of small layers, see `erk_budget`."""
        total = sum(count_kept(state[name].size, sparsity) for name, sparsity in self.sparse.items())
        return erk_budget({name: state[name].shape for name in self.sparse}, total)


def entries_of(sent: Array | Kept) -> Kept:
    """Return the entries that a client sent of a layer; of one that was sent with its zeros, all others."""
    return sent if isinstance(sent, Kept) else non_zeros(sent)


def add(tally: State, key: str, shape: tuple[int, ...], positions: Positions, num_samples: int) -> None:
    """Add a client's samples at some entries of an array of the tally, which is made if it is not there.

    Examples
    --------
    >>> tally = {}
    >>> add(tally, "w", (1, 3), np.array([0, 2]), 5)
    >>> tally
    {'w': array([[5., 0., 5.]])}
    """
    tally.setdefault(key, np.zeros(shape)).reshape(-1)[positions] += num_samples
