"""Selections of weights that are reused: made every few steps, as in SWAT's own code, or once in a client's turn."""

from __future__ import annotations

from typing import Any

import numpy as np

from minizerofl.autograd.tensor import Tensor
from minizerofl.autograd.writelog import Mirror
from minizerofl.sparse.blocks import SparseMatrix
from minizerofl.sparse.csr import csr_at, kept_positions, with_values_of
from minizerofl.sparse.ops import Select
from minizerofl.sparse.selection import Positions


class PeriodicWeights:
    """The weights of one layer that take part, selected at every `period`-th step only.

    In between, either the threshold (the smallest kept magnitude) or the positions are reused. With a threshold the
    number of kept weights drifts, since every weight that reaches it takes part.

    Parameters
    ----------
    exact : callable
        ``exact(w, k)`` selects k weights.
    period : int
        From one selection to the next, in steps (in versions of the weights).
    by_threshold : bool
        True reuses the threshold, False the positions.

    Examples
    --------
    >>> from minizerofl.sparse.csr import TopWeights
    >>> w, kept = Tensor([[1.0, -3.0], [2.0, 0.5]]), PeriodicWeights(TopWeights().select, 2, by_threshold=True)
    >>> kept.select(w, 2).nnz
    2
    >>> w.assign_([[2.5, -3.0], [2.0, 0.5]])
    >>> kept.select(w, 2).nnz
    3
    """

    def __init__(self, exact: Select, period: int, by_threshold: bool) -> None:
        self._exact = exact
        self._period = period
        self._by_threshold = by_threshold
        self.restart()

    def restart(self) -> None:
        """Select at the next step."""
        self._step = 0
        self._seen: Any = None

    def select(self, w: Tensor, k: int) -> SparseMatrix:
        """Return the weights that take part, as a sparse matrix."""
        seen = id(w.array), w.writes.version, k
        if seen != self._seen:
            self._kept = self._reuse(w) if self._step % self._period else self._exact(w, k)
            self._step += 1
            self._seen = seen
        return self._kept

    def _reuse(self, w: Tensor) -> SparseMatrix:
        matrix = w.array.reshape(-1, w.shape[-1])
        if not self._by_threshold:
            return with_values_of(self._kept, matrix, kept_positions(self._kept, w.shape[-1]))
        if self._step % self._period == 1:
            self._threshold = np.abs(self._kept.data).min(initial=np.inf)
        flat = matrix.reshape(-1)
        positions = np.flatnonzero(np.abs(flat) >= self._threshold).astype(np.int32)
        return csr_at(matrix, positions, flat[positions])


class FixedWeights:
    """The weights of one layer that take part, selected once; after each step their values follow those of the layer.

    They are a `Mirror` of the layer's weights: an optimiser that updates both saves reading them again.

    Parameters
    ----------
    exact : callable
        ``exact(w, k)`` selects k weights.

    Examples
    --------
    >>> from minizerofl.sparse.csr import TopWeights
    >>> w, kept = Tensor([[1.0, -3.0], [2.0, 0.5]]), FixedWeights(TopWeights().select)
    >>> kept.select(w, 2).toarray()
    array([[ 0., -3.],
           [ 2.,  0.]], dtype=float32)
    >>> w.assign_([[9.0, -4.0], [1.0, 0.5]])
    >>> kept.select(w, 2).toarray(), kept.positions()
    (array([[ 0., -4.],
           [ 1.,  0.]], dtype=float32), array([1, 2], dtype=int32))
    """

    def __init__(self, exact: Select) -> None:
        self._exact = exact
        self.restart()

    def restart(self) -> None:
        """Select at the next step."""
        self._chosen: Any = None
        self._version = -1
        self._mirror: Mirror | None = None

    def select(self, w: Tensor, k: int) -> SparseMatrix:
        """Return the weights that take part, as a sparse matrix."""
        log = w.writes
        if self._chosen != (id(w.array), k):
            self._kept, self._chosen = self._exact(w, k), (id(w.array), k)
            self._positions = kept_positions(self._kept, w.shape[-1])
        elif log.version != self._version and log.mirror is not self._mirror:
            self._kept = with_values_of(self._kept, w.array.reshape(-1, w.shape[-1]), self._positions)
        else:
            return self._kept
        self._version, self._mirror = log.version, Mirror(self._positions, self._kept.data.reshape(-1))
        if self._mirror.values.size == self._positions.size:  # nothing fills up the last blocks of rows
            log.mirror = self._mirror
        return self._kept

    def positions(self) -> Positions:
        """Return the flat positions of the weights that take part, ascending."""
        return self._positions
