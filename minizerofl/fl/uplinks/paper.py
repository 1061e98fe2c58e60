"""The uplinks of the paper (section 5 and algorithm 1).

With sparsity sp and mask ratio r, a client sends the top k = 1 - sp + r of each sparse layer, and every other tensor
whole. Positions that a client does not send count as zero, and the divisor stays the number of all samples. w_t is
the model the client received, w_E the one it trained, n_k its number of samples and n their sum over the round's
clients. The strategies differ only in what is ranked and in what is sent:

===================  ===================================  ==================================
uplink               client k sends                       server
===================  ===================================  ==================================
`topk-weights`       w_E at the top k of abs(w_E)         w_{t+1} = sum (n_k/n) w^k
`diff-topk-weights`  w_E - w_t at the top k of abs(w_E)   w_{t+1} = w_t + sum (n_k/n) d^k
`topk-diff`          w_E - w_t at its own top k           w_{t+1} = w_t + sum (n_k/n) d^k
`full`               w_E                                  w_{t+1} = sum (n_k/n) w^k (FedAvg)
===================  ===================================  ==================================
"""

from __future__ import annotations

from collections.abc import Mapping

from minizerofl.fl.payload import Array
from minizerofl.fl.uplinks.uplink import Context, Uplink
from minizerofl.sparse.rules import Selection


class TopKWeights(Uplink):
    """The largest weights: w_E at the top k of abs(w_E)."""

    differences = False

    def rank(self, name: str, start: Array, end: Array, ctx: Context) -> Array:
        """Rank the weights."""
        return end


class DiffTopKWeights(Uplink):
    """The changes of the largest weights: w_E - w_t at the top k of abs(w_E)."""

    differences = True

    def rank(self, name: str, start: Array, end: Array, ctx: Context) -> Array:
        """Rank the weights."""
        return end


class TopKDiff(Uplink):
    """The largest changes: w_E - w_t at the top k of abs(w_E - w_t)."""

    differences = True

    def rank(self, name: str, start: Array, end: Array, ctx: Context) -> Array:
        """Rank the changes."""
        return end - start


class Full(TopKWeights):
    """All weights: FedAvg (McMahan et al. 2017), or what the paper calls vanilla SWAT in federated learning."""

    def __init__(
        self, sparse: Mapping[str, float], mask_ratio: float = 0.0, selection: Selection | None = None
    ) -> None:
        super().__init__({}, mask_ratio, selection)
