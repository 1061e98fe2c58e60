"""A selection of weights that is made every few steps and reused in between, as in SWAT's own code."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse

from minizerofl.autograd.tensor import Tensor
from minizerofl.sparse.csr import csr_at
from minizerofl.sparse.ops import Select


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

    def select(self, w: Tensor, k: int) -> scipy.sparse.csr_array:
        """Return the weights that take part, as a sparse matrix."""
        seen = id(w.array), w.writes.version, k
        if seen != self._seen:
            self._kept = self._reuse(w) if self._step % self._period else self._exact(w, k)
            self._step += 1
            self._seen = seen
        return self._kept

    def _reuse(self, w: Tensor) -> scipy.sparse.csr_array:
        matrix = w.array.reshape(-1, w.shape[-1])
        if not self._by_threshold:
            rows = np.repeat(np.arange(len(matrix)), np.diff(self._kept.indptr))
            values = matrix[rows, self._kept.indices]
            return scipy.sparse.csr_array((values, self._kept.indices, self._kept.indptr), shape=matrix.shape)
        if self._step % self._period == 1:
            self._threshold = np.abs(self._kept.data).min(initial=np.inf)
        flat = matrix.reshape(-1)
        positions = np.flatnonzero(np.abs(flat) >= self._threshold).astype(np.int32)
        return csr_at(matrix, positions, flat[positions])
