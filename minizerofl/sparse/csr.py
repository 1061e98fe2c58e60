"""W_top, the weights that take part, as a scipy.sparse matrix, and how it is found again after each step."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from minizerofl.autograd.tensor import Tensor
from minizerofl.kernels import topk
from minizerofl.kernels.support import take
from minizerofl.kernels.types import Array
from minizerofl.sparse.blocks import SparseMatrix, entries_of, numbers_of, refreshed
from minizerofl.sparse.selection import SAMPLE, Candidates, Positions, estimate, keep, largest, make_entries, room


def top_k_csr(w: Array, k: int) -> scipy.sparse.csr_array:
    """Compress the k weights of largest magnitude of a layer.

    Parameters
    ----------
    w : (..., OC) array
        The dense weights: (in, out) of a linear layer, (IC, KH, KW, OC) of a convolution.
    k : int
        The number of weights to keep.

    Returns
    -------
    (product of the other axes, OC) scipy.sparse.csr_array
        The kept weights, with sorted int32 indices.

    Examples
    --------
    >>> top_k_csr(np.array([[1.0, -3.0], [2.0, 0.5]]), 2).toarray()
    array([[ 0., -3.],
           [ 2.,  0.]])
    """
    return TopWeights().select(Tensor.wrap(w), k)


def kept_mask(kept: SparseMatrix, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Return which weights of a layer a sparse matrix holds, in the shape of the weights.

    Examples
    --------
    >>> kept_mask(top_k_csr(np.array([[1.0, -3.0], [2.0, 0.5]]), 2), (2, 2))
    array([[False,  True],
           [ True, False]])
    """
    mask = np.zeros(math.prod(shape), np.bool_)
    mask[kept_positions(kept, shape[-1])] = True
    return mask.reshape(shape)


def kept_positions(kept: SparseMatrix, width: int) -> Positions:
    """Return the flat positions of the weights that a sparse matrix holds, ascending, in a matrix of `width` columns.

    Examples
    --------
    >>> kept_positions(top_k_csr(np.array([[1.0, -3.0], [2.0, 0.5]]), 2), 2)
    array([1, 2], dtype=int32)
    """
    if isinstance(kept, scipy.sparse.bsr_array):
        return entries_of(numbers_of(kept), width, kept.blocksize[1])
    rows = np.repeat(np.arange(kept.shape[0], dtype=np.int32), np.diff(kept.indptr))
    positions: Positions = rows * np.int32(width) + kept.indices
    return positions


def with_values_of(kept: SparseMatrix, matrix: Array, positions: Positions) -> SparseMatrix:
    """Return a sparse matrix with the same entries as `kept`, and the values that a dense one has there.

    Parameters
    ----------
    kept : sparse matrix
        The entries.
    matrix : (R, C) array
        The values.
    positions : (n,) int32
        What `kept_positions` returns.

    Examples
    --------
    >>> kept = top_k_csr(np.array([[1.0, -3.0], [2.0, 0.5]]), 2)
    >>> with_values_of(kept, np.array([[5.0, 6.0], [7.0, 8.0]]), kept_positions(kept, 2)).toarray()
    array([[0., 6.],
           [7., 0.]])
    """
    if isinstance(kept, scipy.sparse.bsr_array):
        return refreshed(kept, matrix)
    return scipy.sparse.csr_array((entries(matrix, positions), kept.indices, kept.indptr), shape=matrix.shape)


def entries(x: Array, positions: Positions) -> Array:
    """Return the entries of an array at some flat positions: ``x.reshape(-1)[positions]``, much faster.

    Examples
    --------
    >>> entries(np.array([[1.0, -3.0], [2.0, 0.5]]), np.array([1, 2], np.int32))
    array([-3.,  2.])
    """
    values = np.empty(positions.size, x.dtype)
    take(np.ascontiguousarray(x).reshape(-1), positions, values)
    return values


@dataclass(frozen=True)
class Last:
    """What a selection leaves for the next one.

    Attributes
    ----------
    weights, version : array, int
        The array it was made from, and the version of its buffer then.
    k : int
        The number of weights to keep.
    cut : float
        The smallest magnitude of a candidate.
    candidates : Candidates
        All weights that reach the cut, among them the k largest. The next selection changes them in place.
    kept : scipy.sparse.csr_array
        The result.
    """

    weights: Array
    version: int
    k: int
    cut: Any
    candidates: Candidates
    kept: scipy.sparse.csr_array


class TopWeights:
    """The k weights of largest magnitude of a layer, found again after every step: `TopK`, but faster.

    From one step to the next only a few rows may have changed (see `WriteLog.rows_changed_since`). Then only these are
    searched; of all others the candidates are still known. The result is always the exact top-k.

    Examples
    --------
    >>> w, top = Tensor([[1.0, -3.0], [2.0, 0.5]]), TopWeights()
    >>> top.select(w, 2).toarray()
    array([[ 0., -3.],
           [ 2.,  0.]], dtype=float32)
    >>> top.select(w, 2) is top.select(w, 2)
    True
    """

    def __init__(self) -> None:
        self._last: Last | None = None

    def select(self, w: Tensor, k: int) -> scipy.sparse.csr_array:
        """Select the k weights of largest magnitude; parameters and result as in `top_k_csr`."""
        matrix = np.ascontiguousarray(w.array).reshape(-1, w.shape[-1])
        last = self._last
        if last is None or last.weights is not w.array or last.k != k:
            cut, candidates = _new_candidates(matrix, k)
        else:
            changed = w.writes.rows_changed_since(last.version, w.array)
            if changed is not None and not changed.size:
                return last.kept
            self._last = None  # its candidates are about to be changed
            cut, candidates = _candidates(matrix, k, last, changed)
        if candidates is None:
            return _compress(matrix, k)
        indptr, indices, values = keep(candidates, k)
        kept = scipy.sparse.csr_array((values, indices, indptr), shape=matrix.shape)
        self._last = Last(w.array, w.writes.version, k, cut, candidates, kept)
        return kept


def _candidates(matrix: Array, k: int, last: Last, changed: Array | None) -> tuple[Any, Candidates | None]:
    """Scan only the changed rows against the last cut; start over if too few or too many candidates remain."""
    rows = np.arange(len(matrix), dtype=np.int32) if changed is None else changed
    if k <= topk.collect_rows(matrix, last.cut, rows, *last.candidates) <= k + k // 4:
        return last.cut, last.candidates
    return _new_candidates(matrix, k)


def _new_candidates(matrix: Array, k: int) -> tuple[Any, Candidates | None]:
    """Collect at least k weights; None if the estimate was too high, or if too many weights are equal."""
    cut = estimate(matrix.reshape(-1), k, 4, sample=64 * SAMPLE)  # low enough to serve for many steps
    R, space = len(matrix), room(matrix.size, k)
    space += space // 32 + 2 * R  # slots are a little longer than their contents
    candidates = np.zeros((3, R), np.int32), *make_entries(space, matrix.dtype)
    found = topk.collect_rows(matrix, cut, np.arange(R, dtype=np.int32), *candidates)
    return cut, candidates if found >= max(k, 1) else None


def _compress(matrix: Array, k: int) -> scipy.sparse.csr_array:
    """Select without candidates by row: where very many values are equal, or the estimate was too high."""
    return csr_at(matrix, *largest(matrix, k))


def csr_at(matrix: Array, positions: Positions, values: Array) -> scipy.sparse.csr_array:
    """Make a sparse matrix of some entries of a dense one: their flat positions, ascending, and their values."""
    rows, columns = np.divmod(positions, np.int32(matrix.shape[1]))
    indptr = np.searchsorted(rows, np.arange(len(matrix) + 1)).astype(np.int32)
    return scipy.sparse.csr_array((values, columns, indptr), shape=matrix.shape)
