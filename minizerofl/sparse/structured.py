"""Rules that keep weights in groups: blocks of outputs, whole filters, whole input channels, equal shares of outputs.

=========  ====================================================  =============================================
rule       what is kept or left out together                     ranked by
=========  ====================================================  =============================================
`block-N`  the weights of N neighbouring outputs for one input   their sum of squares
`kernel`   the KH x KW weights from one channel to another       their sum of squares
`channel`  all weights of an input channel, or of an input       their sum of squares
`fan-in`   each weight by itself, equally many for each output   magnitude, among the weights of its output
=========  ====================================================  =============================================

A group is kept only if the budget has room for all of it. Weights lie inputs first: (IC, KH, KW, OC) or (in, out).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping

import numpy as np

from minizerofl.kernels.types import Array
from minizerofl.sparse.blocks import entries_of, scores_of, top_blocks
from minizerofl.sparse.rules import Selection
from minizerofl.sparse.selection import Positions, top_k


class LayerByLayer(Selection):
    """A rule that looks at one layer at a time."""

    def select(self, values: Mapping[str, Array], budget: Mapping[str, int]) -> dict[str, Positions]:
        """Return the kept positions of each layer."""
        return {name: self.choose(value, budget[name]) for name, value in values.items()}

    @abstractmethod
    def choose(self, value: Array, k: int) -> Positions:
        """Choose at most k entries of one layer: flat positions, ascending."""


class Block(LayerByLayer):
    """Blocks of `block` neighbouring outputs. Another size is a subclass with another `block`.

    Examples
    --------
    >>> w = np.array([[1.0, 1.0, 1.0, 1.0, 3.0, 0.0, 0.0, 0.0]])
    >>> Block4().select({"w": w}, {"w": 4})
    {'w': array([4, 5, 6, 7], dtype=int32)}
    """

    def choose(self, value: Array, k: int) -> Positions:
        """Choose blocks, see `top_blocks`."""
        matrix = value.reshape(-1, value.shape[-1])
        width, size = matrix.shape[1], self.block
        return entries_of(top_blocks(scores_of(matrix, size), width, size, k), width, size)


class Block4(Block):
    """Blocks of 4 outputs."""

    block = 4


class Block8(Block):
    """Blocks of 8 outputs."""

    block = 8


class Block16(Block):
    """Blocks of 16 outputs."""

    block = 16


class Groups(LayerByLayer):
    """Whole groups of weights, by their sum of squares; the groups of a layer are equally large."""

    @abstractmethod
    def axes(self, ndim: int) -> tuple[int, ...]:
        """Return the axes of a weight along which its groups lie."""

    def choose(self, value: Array, k: int) -> Positions:
        """Choose groups."""
        axes = self.axes(value.ndim)
        scores = np.square(value).sum(axis=axes, keepdims=True)
        mask = np.zeros(scores.shape, np.bool_)
        mask.reshape(-1)[top_k(scores, k * scores.size // value.size)] = True
        return np.flatnonzero(np.broadcast_to(mask, value.shape)).astype(np.int32)


class Kernel(Groups):
    """Whole filters from one channel to another; in a linear layer single weights.

    Examples
    --------
    >>> w = np.zeros((1, 2, 2, 2))
    >>> w[0, 0, 0] = 1.0, 2.0
    >>> Kernel().select({"w": w}, {"w": 5})
    {'w': array([1, 3, 5, 7], dtype=int32)}
    """

    def axes(self, ndim: int) -> tuple[int, ...]:
        """Return the axes of the taps."""
        return tuple(range(1, ndim - 1))


class Channel(Groups):
    """All weights of an input channel, or of an input of a linear layer.

    Examples
    --------
    >>> Channel().select({"w": np.array([[1.0, 1.0], [0.0, 2.0]])}, {"w": 3})
    {'w': array([2, 3], dtype=int32)}
    """

    def axes(self, ndim: int) -> tuple[int, ...]:
        """Return all axes but that of the inputs."""
        return tuple(range(1, ndim))


class FanIn(LayerByLayer):
    """The same number of weights for each output, the largest that it has (constant fan-in; SRigL, ICLR 2024).

    Examples
    --------
    >>> FanIn().select({"w": np.array([[5.0, 1.0], [9.0, -2.0]])}, {"w": 2})
    {'w': array([2, 3], dtype=int32)}
    """

    def choose(self, value: Array, k: int) -> Positions:
        """Choose the largest weights of each output; zeros and NaN are never chosen."""
        magnitude = np.nan_to_num(np.abs(value.reshape(-1, value.shape[-1])), nan=0.0, posinf=np.inf)
        each = k // magnitude.shape[1]
        largest = np.argpartition(-magnitude, min(each, len(magnitude) - 1), axis=0)[:each]
        mask = np.zeros(magnitude.shape, np.bool_)
        np.put_along_axis(mask, largest, True, axis=0)
        return np.flatnonzero(mask & (magnitude > 0)).astype(np.int32)
