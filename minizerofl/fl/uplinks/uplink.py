"""The contract of an uplink: what a client sends after local training, and what the server makes of the average."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from minizerofl.fl.errors import ConfigError
from minizerofl.fl.measures.clock import timed
from minizerofl.fl.payload import Array, Kept, Payload, State, whole_blocks
from minizerofl.fl.seeds import Purpose, generator
from minizerofl.nn import Module
from minizerofl.optim import SGD
from minizerofl.sparse.csr import entries
from minizerofl.sparse.rules import Selection, TopK, ask
from minizerofl.sparse.selection import Positions, count_kept

if TYPE_CHECKING:
    from minizerofl.fl.settings import Settings

Gradient = Callable[[], Mapping[str, Array]]


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
        What this client remembers from round to round; an uplink may write to it.
    schedule : int
        The length of the learning-rate schedule, in rounds.
    gradient : callable, optional
        Computes the gradient of all weights, for one more mini-batch of the client and the weights it ends with.
    """

    round: int = 0
    client: str = ""
    seed: int = 0
    memory: State = field(default_factory=dict)
    schedule: int = 0
    gradient: Gradient | None = None

    def rng(self) -> np.random.Generator:
        """Return the generator of this client in this round."""
        return generator(self.seed, self.round, self.client, Purpose.SELECT_POSITIONS)


@dataclass(frozen=True)
class ServerContext(Context):
    """What the server knows of a round, beside the average.

    Attributes
    ----------
    memory : dict of str to array
        What the server remembers from round to round; part of each checkpoint. An uplink may put new arrays into it.
    tally : dict of str to array
        What `Uplink.count` counted.
    num_samples : int
        The samples of all clients whose updates were accepted; 0 while updates come in.
    """

    tally: State = field(default_factory=dict)
    num_samples: int = 0


class Uplink(ABC):
    """What a client sends of each sparse layer.

    A new uplink is a subclass with `differences` and `rank`, and a line in `minizerofl.choices`.

    Parameters
    ----------
    sparse : mapping of str to float
        Name and sparsity of each weight that is sent in part, see `minizerofl.nn.sparse_weights`.
    mask_ratio : float
        What is sent beyond the share that training uses (the paper's r_mask, section 5).
    selection : Selection, optional
        The rule of the run, which chooses among what is ranked; top-k by magnitude by default.

    Attributes
    ----------
    differences : bool
        Whether clients send w_E - w_t, which the server adds to w_t; otherwise they send w_E.
    value_codec : str
        The codec of values that belongs to the method, whatever the settings say; empty for that of the settings.
    needed : mapping of str to tuple
        Settings, and the values that each of them may have beside this uplink.

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
    value_codec: ClassVar[str] = ""
    needed: ClassVar[Mapping[str, tuple[Any, ...]]] = {}

    def __init__(
        self, sparse: Mapping[str, float], mask_ratio: float = 0.0, selection: Selection | None = None
    ) -> None:
        self.sparse = dict(sparse)
        self.mask_ratio = mask_ratio
        self.selection = selection or TopK()

    @classmethod
    def check(cls, settings: Settings) -> None:
        """Refuse settings that contradict this uplink.

        Raises
        ------
        ConfigError
            A setting has none of the values that are `needed`.
        """
        resolved = settings.resolved()
        for name, values in cls.needed.items():
            if (found := getattr(resolved, name)) not in values:
                raise ConfigError(f"{name} is {found!r}, but uplink {settings.uplink} needs {values[0]!r}")

    def begin(self, state: State) -> State:
        """Return the global model with which the first round begins, made of the initial weights."""
        return state

    def optimiser(self, model: Module, lr: float, **options: Any) -> SGD:
        """Return what takes a client's local steps, with these options of `SGD`."""
        return SGD(model.parameters(), lr, **options)

    @abstractmethod
    def rank(self, name: str, start: Array, end: Array, ctx: Context) -> Array:
        """Return what is ranked to choose entries of a sparse layer's weight, which was `start` and became `end`."""

    def choose(self, ranked: Mapping[str, Array], budget: Mapping[str, int], ctx: Context) -> dict[str, Positions]:
        """Choose at most ``budget[name]`` entries of each sparse layer: flat positions, ascending."""
        return ask(self.selection, ranked, budget)

    def values(self, name: str, ranked: Array, positions: Positions, start: Array, end: Array, ctx: Context) -> Array:
        """Return what is sent of the chosen entries, (k,)."""
        sent = entries(end, positions)
        return sent - entries(start, positions) if self.differences else sent

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
        ranked = {name: self.rank(name, start[name], end[name], ctx) for name in end if name in self.sparse}
        chosen = self.choose(ranked, self._budget(ranked), ctx)
        payload: dict[str, Array | Kept] = {}
        for name, after in end.items():
            before = start[name]
            if name in chosen:
                values = self.values(name, ranked[name], chosen[name], before, after, ctx)
                block = self.selection.block if whole_blocks(chosen[name], after.shape, self.selection.block) else 1
                payload[name] = Kept(after.shape, chosen[name], values, block=block)
            else:
                payload[name] = after - before if self.differences else after
        return payload

    def known(self, state: State) -> dict[str, Positions]:
        """Return the positions that every client sends, where the server knows them without being told.

        That is so if the mask of the rule follows from what both ends have (`Selection.known`): `state` is the model
        that the server sent.
        """
        if not self.selection.known or type(self).choose is not Uplink.choose:
            return {}
        weights = {name: state[name] for name in state if name in self.sparse}
        return ask(self.selection, weights, self._budget(weights))

    def known_before(self, state: State) -> dict[str, Positions]:
        """Return the positions that every client sends, where clients know them before the server sends a model.

        That is so if the mask is the same for the whole run (`Selection.static`): only the shapes of `state` count.
        """
        return self.known(state) if self.selection.static else {}

    def _budget(self, arrays: Mapping[str, Array]) -> dict[str, int]:
        """Return how many entries of each may be sent."""
        return {name: count_kept(array.size, self.sparse[name], self.mask_ratio) for name, array in arrays.items()}

    def count(  # noqa: B027  # most uplinks count nothing
        self, state: State, ctx: ServerContext, payload: Payload, num_samples: int
    ) -> None:
        """Put into ``ctx.tally`` what is to be counted of an update that was accepted; `state` is what was sent."""

    @timed("server step")
    def apply(self, state: State, average: State, ctx: ServerContext | None = None) -> State:
        """Return what the average makes of the global model: itself, or the sum of both if differences are sent.

        Parameters
        ----------
        state, average : dict of str to array
            The global model that was sent (w_t), and the average of what clients sent.
        ctx : ServerContext, optional
            What the server knows besides.
        """
        if not self.differences:
            return average
        return {name: value + average[name] for name, value in state.items()}
