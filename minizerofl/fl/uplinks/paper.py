"""The uplinks of the paper (section 3.2).

With sparsity sp and mask ratio r, a client sends the top k = 1 - sp + r of each sparse layer, and every other tensor
whole. Positions that a client does not send count as zero, and the divisor stays the number of all samples. w_t is
the model the client received, w_E the one it trained, n_k its number of samples and n their sum over the round's
clients:

===================  =================================  ==================================
uplink               client k sends                     server
===================  =================================  ==================================
`topk-weights`       w_E at the top k of |w_E|          w_{t+1} = sum (n_k/n) w^k
`diff-topk-weights`  w_E - w_t at the top k of |w_E|    w_{t+1} = w_t + sum (n_k/n) d^k
`topk-diff`          w_E - w_t at its own top k         w_{t+1} = w_t + sum (n_k/n) d^k
`full`               w_E                                w_{t+1} = sum (n_k/n) w^k (FedAvg)
===================  =================================  ==================================
"""

from __future__ import annotations

from collections.abc import Mapping

from minizerofl.fl.payload import Array, Kept
from minizerofl.fl.uplinks.uplink import Context, Uplink
from minizerofl.sparse.selection import Selection


class TopKWeights(Uplink):
    """The largest weights: w_E at the top k of |w_E|."""

    differences = False

    def keep(self, name: str, start: Array, end: Array, k: int, ctx: Context) -> Kept:
        """Keep the largest weights."""
        positions = self.selection.select(end, k)
        return Kept(end.shape, positions, end.reshape(-1)[positions])


class Full(TopKWeights):
    """All weights: FedAvg (McMahan et al. 2017), or what the paper calls vanilla SWAT in federated learning."""

    def __init__(
        self, sparse: Mapping[str, float], mask_ratio: float = 0.0, selection: Selection | None = None
    ) -> None:
        super().__init__({}, mask_ratio, selection)


class DiffTopKWeights(Uplink):
    """The changes of the largest weights: w_E - w_t at the top k of |w_E|."""

    differences = True

    def keep(self, name: str, start: Array, end: Array, k: int, ctx: Context) -> Kept:
        """Keep the changes of the largest weights."""
        positions = self.selection.select(end, k)
        return Kept(end.shape, positions, end.reshape(-1)[positions] - start.reshape(-1)[positions])


class TopKDiff(Uplink):
    """The largest changes: w_E - w_t at the top k of |w_E - w_t|."""

    differences = True

    def keep(self, name: str, start: Array, end: Array, k: int, ctx: Context) -> Kept:
        """Keep the largest changes."""
        change = end - start
        positions = self.selection.select(change, k)
        return Kept(end.shape, positions, change.reshape(-1)[positions])
