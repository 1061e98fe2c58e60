"""What a client sends after local training, and what the server makes of the average (paper, section 3.2).

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

from abc import ABC, abstractmethod
from collections.abc import Mapping

from minizerofl.fl.payload import Array, Kept, Payload, State
from minizerofl.sparse.selection import Selection, TopK, count_kept


class Uplink(ABC):
    """The rule of what is sent.

    Parameters
    ----------
    sparse : mapping of str to float
        Name and sparsity of each weight that is sent in part, see `minizerofl.nn.sparse_weights`.
    mask_ratio : float
        What is sent beyond the share that training uses (the paper's r_mask).
    selection : Selection, optional
        How entries are chosen; top-k by magnitude by default.

    Examples
    --------
    >>> import numpy as np
    >>> uplink = TopKDiff({"w": 0.5})
    >>> start = {"w": np.array([[4.0, 1.0]], np.float32)}
    >>> end = {"w": np.array([[4.5, 3.0]], np.float32)}
    >>> uplink.select(start, end)["w"].values
    array([2.], dtype=float32)
    """

    def __init__(
        self, sparse: Mapping[str, float], mask_ratio: float = 0.0, selection: Selection | None = None
    ) -> None:
        self.sparse = dict(sparse)
        self.mask_ratio = mask_ratio
        self.selection = selection or TopK()

    @abstractmethod
    def sent(self, start: Array, end: Array) -> Array:
        """Return the tensor whose entries are sent."""

    @abstractmethod
    def ranked(self, start: Array, end: Array) -> Array:
        """Return the tensor whose magnitudes decide which entries are sent."""

    @abstractmethod
    def apply(self, state: State, average: State) -> State:
        """Return the new global state from the old one and the average of what the clients sent."""

    def select(self, start: State, end: State) -> Payload:
        """Choose what to send.

        Parameters
        ----------
        start, end : dict of str to array
            The client's state before and after local training (w_t and w_E).

        Returns
        -------
        dict of str to (array or Kept)
            The payload.
        """
        payload: dict[str, Array | Kept] = {}
        for name, after in end.items():
            sent = self.sent(start[name], after)
            if name in self.sparse:
                k = count_kept(after.size, self.sparse[name], self.mask_ratio)
                positions = self.selection.select(self.ranked(start[name], after), k)
                payload[name] = Kept(after.shape, positions, sent.reshape(-1)[positions])
            else:
                payload[name] = sent
        return payload


class TopKWeights(Uplink):
    """The largest weights."""

    def sent(self, start: Array, end: Array) -> Array:
        """Return w_E."""
        return end

    def ranked(self, start: Array, end: Array) -> Array:
        """Return w_E."""
        return end

    def apply(self, state: State, average: State) -> State:
        """Return the average."""
        return average


class Full(TopKWeights):
    """All weights: FedAvg (McMahan et al. 2017), or what the paper calls vanilla SWAT in federated learning."""

    def __init__(
        self, sparse: Mapping[str, float], mask_ratio: float = 0.0, selection: Selection | None = None
    ) -> None:
        super().__init__({}, mask_ratio, selection)


class DiffTopKWeights(Uplink):
    """The changes of the largest weights."""

    def sent(self, start: Array, end: Array) -> Array:
        """Return w_E - w_t."""
        return end - start

    def ranked(self, start: Array, end: Array) -> Array:
        """Return w_E."""
        return end

    def apply(self, state: State, average: State) -> State:
        """Add the average change."""
        return {name: (value + average[name]).astype(value.dtype) for name, value in state.items()}


class TopKDiff(DiffTopKWeights):
    """The largest changes."""

    def ranked(self, start: Array, end: Array) -> Array:
        """Return w_E - w_t."""
        return end - start


UPLINKS: dict[str, type[Uplink]] = {
    "full": Full,
    "topk-weights": TopKWeights,
    "diff-topk-weights": DiffTopKWeights,
    "topk-diff": TopKDiff,
}
