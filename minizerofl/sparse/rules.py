"""Rules of selection: which entries of a model's sparse layers are kept.

One rule serves a whole run: the sparse layers ask it for W_top, the uplink for the entries to send, sparse evaluation
and the statistics of masks for the same masks. The paper's rule is top-k in each layer (ZeroFL, section 3.1); the
others are there for comparison.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar
from zlib import crc32

import numpy as np

from minizerofl.autograd.tensor import Array
from minizerofl.sparse.selection import Positions, top_k


class Selection(ABC):
    """A rule. A new one is a subclass with `select`, and a line in `minizerofl.choices`.

    Parameters
    ----------
    seed : int
        The seed of the run, for rules that draw.

    Attributes
    ----------
    block : int
        How many neighbouring entries, those of neighbouring outputs, the rule keeps or leaves out together. Where it is
        above 1, blocks are computed and sent as blocks.
    fixed : bool
        Whether the mask stays the same while a client trains. Then weights are selected once a turn, and only those
        that are kept are trained.
    matched : bool
        Whether a layer keeps as large a share of its activations as of its weights, instead of the share that
        `activation_sparsity` asks for.
    known : bool
        Whether the mask follows from what both ends have: the seed and the initial weights, or the model that was sent.
        Then a client that keeps just these weights sends values without positions.
    static : bool
        Whether the mask follows from the seed and the initial weights alone, and so stays the same for the whole run.
        Then the server sends values without positions, too.

    Examples
    --------
    >>> class First(Selection):
    ...     def select(self, values, budget):
    ...         return {name: np.arange(budget[name], dtype=np.int32) for name in values}
    >>> First().select({"w": np.array([[1.0, -3.0, 2.0]])}, {"w": 2})
    {'w': array([0, 1], dtype=int32)}
    """

    block: ClassVar[int] = 1
    fixed: ClassVar[bool] = False
    matched: ClassVar[bool] = False
    known: ClassVar[bool] = False
    static: ClassVar[bool] = False

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed

    def begin(self, weights: Mapping[str, Array], survey: Any = None) -> None:  # noqa: B027  # most rules need nothing
        """Note what the rule needs of the beginning of a run, before it is asked for the first time.

        Parameters
        ----------
        weights : mapping of str to array
            The initial weights of the sparse layers.
        survey : minizerofl.fl.survey.Survey, optional
            The clients, for rules that ask them something; None where there are none, as in a saved model.
        """

    @abstractmethod
    def select(self, values: Mapping[str, Array], budget: Mapping[str, int]) -> dict[str, Positions]:
        """Choose entries of all sparse layers together.

        The same arguments must always give the same answer: layers, uplinks and evaluations ask separately.

        Parameters
        ----------
        values : mapping of str to array
            What is ranked, by name: the weights of each sparse layer, or their changes.
        budget : mapping of str to int
            How many entries of each may be kept, at most. A rule may move entries from one layer to another.

        Returns
        -------
        dict of str to (k,) int32
            The kept positions of each array, flat in C order, ascending.
        """


def ask(rule: Selection, values: Mapping[str, Array], budget: Mapping[str, int]) -> dict[str, Positions]:
    """Ask a rule, and make sure that its answer can be used.

    Parameters
    ----------
    rule : Selection
        The rule.
    values, budget : mapping
        See `Selection.select`.

    Raises
    ------
    ValueError
        An array is missing, or its positions are not ascending, not in the array or too many in all.

    Examples
    --------
    >>> class Wrong(Selection):
    ...     def select(self, values, budget):
    ...         return {"w": np.array([2, 1], np.int32)}
    >>> ask(Wrong(), {"w": np.zeros(3)}, {"w": 2})
    Traceback (most recent call last):
        ...
    ValueError: Wrong.select: the positions of w are not ascending; sort them
    """
    kept = rule.select(values, budget)
    if type(rule) is TopK:  # it is asked most often, and is tested
        return kept
    name = f"{type(rule).__name__}.select"
    if kept.keys() != values.keys():
        raise ValueError(f"{name} returned positions of {', '.join(kept)}, expected those of {', '.join(values)}")
    kept = {each: np.asarray(positions, np.int32) for each, positions in kept.items()}
    for each, positions in kept.items():
        if positions.ndim != 1 or not np.all(positions[1:] > positions[:-1]):
            raise ValueError(f"{name}: the positions of {each} are not ascending; sort them")
        if positions.size and not 0 <= positions[0] <= positions[-1] < values[each].size:
            raise ValueError(f"{name}: the positions of {each} are not all in 0 ... {values[each].size - 1}")
    if sum(positions.size for positions in kept.values()) > sum(budget.values()):
        raise ValueError(f"{name} keeps more than {sum(budget.values())} entries, all that the budgets allow together")
    return kept


class TopK(Selection):
    """The k largest magnitudes of each layer (the paper's rule, and SWAT's)."""

    def select(self, values: Mapping[str, Array], budget: Mapping[str, int]) -> dict[str, Positions]:
        """Return the positions of the largest magnitudes, layer by layer, see `top_k`."""
        return {name: top_k(value, budget[name]) for name, value in values.items()}


class GlobalTopK(Selection):
    """The largest magnitudes of all layers together: a layer with larger weights keeps more of them.

    Examples
    --------
    >>> GlobalTopK().select({"a": np.array([1.0, 9.0]), "b": np.array([8.0, 2.0, 3.0])}, {"a": 1, "b": 2})
    {'a': array([1], dtype=int32), 'b': array([0, 2], dtype=int32)}
    """

    def select(self, values: Mapping[str, Array], budget: Mapping[str, int]) -> dict[str, Positions]:
        """Return the positions of the largest magnitudes; only the sum of the budgets counts."""
        ends = np.cumsum([value.size for value in values.values()])
        kept = top_k(np.concatenate([value.reshape(-1) for value in values.values()]), sum(budget.values()))
        parts = np.split(kept, np.searchsorted(kept, ends[:-1]))
        starts = [0, *ends[:-1]]
        return {name: part - np.int32(start) for name, part, start in zip(values, parts, starts, strict=True)}


class RandomK(Selection):
    """Entries that are drawn once from the seed and stay the same for the whole run: the control.

    The entries of a smaller budget are among those of a larger one. So a client that sends more than it trains with
    (mask ratio r > 0) sends all that it trained with.

    Examples
    --------
    >>> rule, w = RandomK(seed=1), {"w": np.zeros((4, 5))}
    >>> few, more = rule.select(w, {"w": 3})["w"], rule.select(w, {"w": 6})["w"]
    >>> few.size, more.size, set(few) <= set(more)
    (3, 6, True)
    """

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._order: dict[tuple[str, int], Positions] = {}
        self._chosen: dict[tuple[str, int, int], Positions] = {}

    def select(self, values: Mapping[str, Array], budget: Mapping[str, int]) -> dict[str, Positions]:
        """Return the drawn positions; what stands there does not matter."""
        return {name: self._choose(name, value.size, budget[name]) for name, value in values.items()}

    def _choose(self, name: str, size: int, k: int) -> Positions:
        if (name, size) not in self._order:
            rng = np.random.default_rng([self.seed, crc32(name.encode())])
            self._order[name, size] = rng.permutation(size).astype(np.int32)
        if (name, size, k) not in self._chosen:
            self._chosen[name, size, k] = np.sort(self._order[name, size][:k])
        return self._chosen[name, size, k]
