"""The contract of an uplink: what a client sends after local training, and what the server makes of the average."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from minizerofl.fl.payload import Array, Kept, Payload, State
from minizerofl.fl.seeds import Purpose, generator
from minizerofl.sparse.selection import Selection, TopK, count_kept


@dataclass(frozen=True)
class Context:
    """Who selects, and when.

    Attributes
    ----------
    round : int
        The round, counted from 1.
    client : str
        The client's id.
    seed : int
        The seed of the run.
    memory : dict of str to array
        What this client remembers from round to round; a stateful uplink writes to it.
    """

    round: int = 0
    client: str = ""
    seed: int = 0
    memory: State = field(default_factory=dict)

    def rng(self) -> np.random.Generator:
        """Return the generator of this client in this round."""
        return generator(self.seed, self.round, self.client, Purpose.SELECT_POSITIONS)


class Uplink(ABC):
    """The rule of what is sent. A new one is a subclass with `keep`, and an entry in `UPLINKS`.

    Parameters
    ----------
    sparse : mapping of str to float
        Name and sparsity of each weight that is sent in part, see `minizerofl.nn.sparse_weights`.
    mask_ratio : float
        What is sent beyond the share that training uses (the paper's r_mask).
    selection : Selection, optional
        How entries are chosen; top-k by magnitude by default.

    Attributes
    ----------
    differences : bool
        Whether clients send w_E - w_t, which the server adds to w_t; otherwise they send w_E.
    stateful : bool
        Whether clients remember something from round to round.

    Examples
    --------
    >>> from minizerofl.fl import TopKDiff
    >>> uplink = TopKDiff({"w": 0.5})
    >>> start = {"w": np.array([[4.0, 1.0]], np.float32)}
    >>> end = {"w": np.array([[4.5, 3.0]], np.float32)}
    >>> uplink.select(start, end)["w"].values
    array([2.], dtype=float32)
    """

    differences: ClassVar[bool]
    stateful: ClassVar[bool] = False

    def __init__(
        self, sparse: Mapping[str, float], mask_ratio: float = 0.0, selection: Selection | None = None
    ) -> None:
        self.sparse = dict(sparse)
        self.mask_ratio = mask_ratio
        self.selection = selection or TopK()

    @abstractmethod
    def keep(self, name: str, start: Array, end: Array, k: int, ctx: Context) -> Kept:
        """Choose at most `k` entries of a sparse layer's weight, which was `start` and became `end`."""

    def select(self, start: State, end: State, ctx: Context | None = None) -> Payload:
        """Choose what to send.

        Parameters
        ----------
        start, end : dict of str to array
            The client's state before and after local training (w_t and w_E).
        ctx : Context, optional
            Who selects, and when.

        Returns
        -------
        dict of str to (array or Kept)
            The payload. Arrays that are sent whole may be those of `end`.
        """
        ctx = ctx or Context()
        payload: dict[str, Array | Kept] = {}
        for name, after in end.items():
            if name in self.sparse:
                k = count_kept(after.size, self.sparse[name], self.mask_ratio)
                payload[name] = self.keep(name, start[name], after, k, ctx)
            else:
                payload[name] = after - start[name] if self.differences else after
        return payload

    def apply(self, state: State, average: State) -> State:
        """Return what the average makes of the global state: itself, or the sum of both if differences are sent."""
        if not self.differences:
            return average
        return {name: value + average[name] for name, value in state.items()}
