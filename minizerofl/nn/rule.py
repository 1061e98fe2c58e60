"""Which weights of a model take part: the sparse layers ask the rule of the run at every step.

Without a rule a layer selects its own top-k (`minizerofl.sparse.csr.TopWeights`), as in the paper.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from minizerofl.autograd.tensor import Tensor
from minizerofl.kernels.blocks import SIZES
from minizerofl.nn.module import Module
from minizerofl.nn.paths import sparse_layers
from minizerofl.nn.swat import SwatModule
from minizerofl.sparse.blocks import SparseMatrix, TopBlocks, blocks_of, bsr_at
from minizerofl.sparse.csr import TopWeights, csr_at
from minizerofl.sparse.ops import Select
from minizerofl.sparse.periodic import FixedWeights, PeriodicWeights
from minizerofl.sparse.rules import Selection, TopK, ask
from minizerofl.sparse.selection import Positions, count_kept
from minizerofl.sparse.structured import Block


def set_selection(model: Module, rule: Selection, period: int = 1) -> None:
    """Let a rule choose the weights that take part in the sparse layers of a model.

    Parameters
    ----------
    model : Module
        The model.
    rule : Selection
        The rule.
    period : int
        In training, select at every `period`-th step only, counted from `restart_selection`. SWAT's own code has a
        period of 10. With `TopK` the steps in between reuse the threshold, the smallest kept magnitude, so the
        number of kept weights drifts: it grows as weights grow. With other rules they reuse the positions. Evaluation
        always selects. Activations are selected at every step, since every mini-batch is new.

    Raises
    ------
    ValueError
        `period` is below 1.

    Notes
    -----
    Of a rule whose mask is `fixed` the weights are selected once, at the first step after `restart_selection`, and only
    those that take part are trained.

    Examples
    --------
    >>> from minizerofl import nn
    >>> from minizerofl.sparse import RandomK
    >>> model = nn.Sequential(nn.SparseLinear(2, 2, sparsity=0.5), nn.Flatten())
    >>> set_selection(model, RandomK(seed=0))
    """
    if period < 1:
        raise ValueError(f"selection period is {period}, expected at least 1")
    layers = {f"{name}.weight" if name else "weight": layer for name, layer in sparse_layers(model).items()}
    chosen = RuleWeights(rule, layers)
    for name, layer in layers.items():
        exact = _own_search(rule) or partial(chosen.select, name)
        if rule.fixed:
            layer.set_select(exact, FixedWeights(exact))
        else:
            layer.set_select(exact, PeriodicWeights(exact, period, type(rule) is TopK) if period > 1 else None)
        layer.matched = rule.matched


def search(rule: Selection) -> Select:
    """Return a function ``select(w, k)`` that finds the weights of a layer which is not part of a model.

    Examples
    --------
    >>> from minizerofl.sparse import TopK
    >>> search(TopK())(Tensor([[1.0, -3.0], [2.0, 0.5]]), 2).toarray()
    array([[ 0., -3.],
           [ 2.,  0.]], dtype=float32)
    """
    return _own_search(rule) or (
        lambda w, k: _kept(w, ask(rule, {"weight": w.array}, {"weight": k})["weight"], rule.block)
    )


def _kept(w: Tensor, positions: Positions, block: int) -> SparseMatrix:
    """Return the weights at some positions as a sparse matrix: of blocks, if that is how they are kept."""
    matrix = w.array.reshape(-1, w.shape[-1])
    chosen = blocks_of(positions, matrix.shape[1], block) if block in SIZES else None
    if chosen is not None:
        return bsr_at(matrix, chosen, block)
    return csr_at(matrix, positions, matrix.reshape(-1)[positions])


def _own_search(rule: Selection) -> Select | None:
    """Return what finds the weights of one layer faster than asking the rule; None if nothing does."""
    if type(rule) is TopK:  # a subclass may select otherwise
        return TopWeights().select
    if isinstance(rule, Block) and type(rule).choose is Block.choose and rule.block in SIZES:
        return TopBlocks(rule.block).select
    return None


def restart_selection(model: Module) -> None:
    """Start the count of steps again, as every client does when it starts to train; see `set_selection`."""
    for layer in sparse_layers(model).values():
        layer.restart_selection()


class RuleWeights:
    """The weights that take part in each sparse layer of one model, selected again when a weight has changed."""

    def __init__(self, rule: Selection, layers: Mapping[str, SwatModule]) -> None:
        self._rule = rule
        self._layers = dict(layers)
        self._seen: Any = None
        self._positions: dict[str, Positions] = {}
        self._kept: dict[str, SparseMatrix] = {}

    def select(self, name: str, w: Tensor, k: int) -> SparseMatrix:
        """Return the weights of a layer that take part, as a sparse matrix; `k` is the budget of this layer."""
        weights = {each: layer.weight.array for each, layer in self._layers.items()}
        budget = {each: count_kept(layer.weight.size, layer.sparsity) for each, layer in self._layers.items()}
        seen = [(id(layer.weight.array), layer.weight.writes.version) for layer in self._layers.values()], budget
        if seen != self._seen:
            self._positions, self._seen, self._kept = ask(self._rule, weights, budget), seen, {}
        if name not in self._kept:
            self._kept[name] = _kept(w, self._positions[name], self._rule.block)
        return self._kept[name]
