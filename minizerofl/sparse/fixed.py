"""Rules whose mask is chosen once and stays the same for the whole run; only kept weights are trained.

===============  ===========================================  ==========================================
rule             which weights of a layer are kept            how many weights each layer keeps
===============  ===========================================  ==========================================
`uniform`        random ones                                  its share: 1 - sparsity
`erk`            random ones                                  more the smaller it is, see `erk_budget`
`fixed`          those with the largest initial values        its share: 1 - sparsity
`fixed-block-8`  the best blocks of 8 outputs, as `block-8`   its share: 1 - sparsity
===============  ===========================================  ==========================================

`active` has no mask of its own: the weights that are not zero when a client begins are those it trains.

A larger budget keeps what a smaller one keeps, and more. So a client that sends more than it trains with (mask ratio
r > 0) sends all that it trained with; the rest has its initial values, so r = 0 is the usual choice.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from minizerofl.kernels.types import Array
from minizerofl.sparse.rules import GlobalTopK, RandomK, Selection, TopK
from minizerofl.sparse.selection import Positions
from minizerofl.sparse.structured import Block8


class Uniform(RandomK):
    """Random weights, drawn once from the seed; the others are not trained.

    `RandomK` keeps the same weights, but trains all of them.
    """

    fixed = known = static = True


class Erk(Uniform):
    """Random weights, drawn once; small layers keep more of theirs (Erdos-Renyi-Kernel densities; RigL, ICML 2020)."""

    def select(self, values: Mapping[str, Array], budget: Mapping[str, int]) -> dict[str, Positions]:
        """Return the drawn positions; only shapes and the sum of the budgets count."""
        shapes = {name: value.shape for name, value in values.items()}
        return super().select(values, erk_budget(shapes, sum(budget.values())))


def erk_budget(shapes: Mapping[str, tuple[int, ...]], total: int) -> dict[str, int]:
    """Divide a number of weights among layers: the density of each is proportional to (sum of axes) / (their product).

    A layer whose share would exceed its size is kept whole, and the others share what is left.

    Parameters
    ----------
    shapes : mapping of str to tuple of int
        (IC, KH, KW, OC) of a convolution, (in, out) of a linear layer.
    total : int
        How many weights are kept in all, at most.

    Returns
    -------
    dict of str to int
        How many each layer keeps.

    Examples
    --------
    >>> erk_budget({"small": (4, 4), "large": (40, 40)}, 88)
    {'small': 8, 'large': 80}
    >>> erk_budget({"small": (4, 4), "large": (40, 40)}, 400)
    {'small': 16, 'large': 384}
    """
    whole: set[str] = set()
    while True:
        rest = [name for name in shapes if name not in whole]
        left = total - sum(int(np.prod(shapes[name])) for name in whole)
        unit = left / max(1, sum(sum(shapes[name]) for name in rest))
        full = {name for name in rest if unit * sum(shapes[name]) >= np.prod(shapes[name])}
        if not full or left <= 0:
            break
        whole |= full
    return {
        name: int(np.prod(shape)) if name in whole else max(0, int(unit * sum(shape))) for name, shape in shapes.items()
    }


class Initial(Selection):
    """What another rule, top-k, keeps of the initial weights."""

    fixed = known = static = True
    of: ClassVar[type[Selection]] = TopK

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._first: dict[str, Array] = {}
        self._chosen: dict[tuple[tuple[str, int], ...], dict[str, Positions]] = {}

    def begin(self, weights: Mapping[str, Array], survey: Any = None) -> None:
        """Note the initial weights."""
        self._first = {name: value.copy() for name, value in weights.items()}
        self._chosen.clear()

    def select(self, values: Mapping[str, Array], budget: Mapping[str, int]) -> dict[str, Positions]:
        """Return what is kept of the initial weights; of weights that were not noted, what is kept of the values."""
        key = tuple(budget.items())
        if key not in self._chosen or not values.keys() <= self._first.keys():
            first = {name: self._first.get(name, value) for name, value in values.items()}
            self._chosen[key] = self.of(self.seed).select(first, budget)
        return self._chosen[key]


class InitialBlock8(Initial):
    """The blocks of 8 outputs whose initial weights have the largest sums of squares."""

    of = Block8
    block = 8


class Given(Selection):
    """The weights at positions that somebody sets, whatever their values and the budget.

    Attributes
    ----------
    positions : dict of str to (k,) int32
        The positions of each layer, ascending.
    """

    fixed = True

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self.positions: dict[str, Positions] = {}

    def select(self, values: Mapping[str, Array], budget: Mapping[str, int]) -> dict[str, Positions]:
        """Return the positions of these layers."""
        return {name: self.positions[name] for name in values}


class Active(GlobalTopK):
    """The weights that are not zero; if the budget has no room for all, the largest of all layers together.

    So the mask of a run is in its global model: a server that sets a weight to zero takes it out, and one that makes
    another number of a zero puts it in. Clients that send all of it need not say where.

    Examples
    --------
    >>> Active().select({"w": np.array([[0.0, 2.0], [-1.0, 0.0]])}, {"w": 3})
    {'w': array([1, 2], dtype=int32)}
    """

    fixed = known = True
