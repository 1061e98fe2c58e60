"""W_top, the weights that take part, as a scipy.sparse matrix, and how it is found again after each step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from minizerofl.autograd.tensor import Tensor
from minizerofl.kernels import topk
from minizerofl.kernels.types import Array
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


def csr_mask(matrix: scipy.sparse.csr_array, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Return where a sparse matrix has entries, in the shape of its layer's weights.

    Examples
    --------
    >>> csr_mask(top_k_csr(np.array([[1.0, -3.0], [2.0, 0.5]]), 2), (2, 2))
    array([[False,  True],
           [ True, False]])
    """
    mask = np.zeros(matrix.shape, np.bool_)
    mask[np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr)), matrix.indices] = True
    return mask.reshape(shape)


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
