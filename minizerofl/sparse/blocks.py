"""Kept weights in blocks: the 1 x N rule, and W_top as block sparse rows (BSR).

A block is the N weights that one input (of a convolution: one input channel and tap) gives to N neighbouring outputs.
Its score is the sum of their squares. Where N does not divide the number of outputs, the last block of a row is
shorter; in the sparse matrix it is filled up with zeros.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from minizerofl.autograd.tensor import Tensor
from minizerofl.kernels import blocks
from minizerofl.kernels.types import Array
from minizerofl.sparse.selection import Positions, top_k

SparseMatrix: TypeAlias = scipy.sparse.csr_array | scipy.sparse.bsr_array


def top_blocks(scores: Array, width: int, size: int, k: int) -> Positions:
    """Select the blocks of highest score, in this order as long as they fit into k entries.

    Parameters
    ----------
    scores : (R, B) array
        The score of each block of a matrix. Zeros and NaN are never selected.
    width : int
        The number of columns of the matrix.
    size : int
        N, the length of a block.
    k : int
        The number of entries that may be kept.

    Returns
    -------
    (number of blocks,) int32
        The numbers of the selected blocks, counted row by row, ascending. Of equal scores the first are selected.

    Examples
    --------
    >>> top_blocks(np.array([[3.0, 9.0], [1.0, 2.0]]), width=6, size=4, k=6)
    array([0, 1], dtype=int32)
    """
    last = width % size
    if not last:
        return top_k(scores, k // size)
    chosen = top_k(scores, k // last)
    order = np.argsort(-scores.reshape(-1)[chosen], kind="stable")
    lengths = np.where(chosen[order] % scores.shape[1] == scores.shape[1] - 1, last, size)
    return np.sort(chosen[order[: np.searchsorted(np.cumsum(lengths), k, side="right")]])


def entries_of(chosen: Positions, width: int, size: int) -> Positions:
    """Return the flat positions of all entries of some blocks of a matrix with `width` columns, ascending.

    Examples
    --------
    >>> entries_of(np.array([1, 2], np.int32), width=6, size=4)
    array([4, 5, 6, 7, 8, 9], dtype=int32)
    """
    rows, places = np.divmod(chosen, np.int32(-(-width // size)))
    columns = places[:, None] * np.int32(size) + np.arange(size, dtype=np.int32)
    positions = (rows[:, None] * np.int32(width) + columns).astype(np.int32, copy=False)
    return positions[columns < width] if width % size else positions.reshape(-1)


def blocks_of(positions: Positions, width: int, size: int) -> Positions | None:
    """Return the numbers of the blocks that some positions make up, ascending; None if they make up no whole blocks.

    Examples
    --------
    >>> blocks_of(np.array([4, 5, 6, 7, 8, 9], np.int32), width=6, size=4)
    array([1, 2], dtype=int32)
    """
    rows, columns = np.divmod(positions, np.int32(width))
    number = (rows * np.int32(-(-width // size)) + columns // np.int32(size)).astype(np.int32, copy=False)
    chosen = number[np.diff(number, prepend=np.int32(-1)) > 0]
    return chosen if entries_of(chosen, width, size).size == positions.size else None


def scores_of(matrix: Array, size: int) -> Array:
    """Return the score of each block of a matrix: the sum of squares; of a block of one entry its magnitude.

    Examples
    --------
    >>> scores_of(np.array([[1.0, -2.0, 3.0]]), 2)
    array([[5., 9.]])
    """
    if size == 1:
        return np.abs(matrix)
    scores = np.empty((len(matrix), -(-matrix.shape[1] // size)), matrix.dtype)
    blocks.block_squares(np.ascontiguousarray(matrix), size, scores)
    return scores


def bsr_at(matrix: Array, chosen: Positions, size: int) -> scipy.sparse.bsr_array:
    """Make a block-sparse matrix of some blocks of a dense one.

    Examples
    --------
    >>> bsr_at(np.array([[1.0, 2.0, 3.0, 4.0]]), np.array([1], np.int32), 2).toarray()
    array([[0., 0., 3., 4.]])
    """
    R, width = matrix.shape
    B = -(-width // size)
    rows, columns = np.divmod(chosen, np.int32(B))
    indptr = np.searchsorted(rows, np.arange(R + 1)).astype(np.int32)
    return scipy.sparse.bsr_array((_take(matrix, chosen, size), columns, indptr), shape=(R, B * size))


def refreshed(kept: scipy.sparse.bsr_array, matrix: Array) -> scipy.sparse.bsr_array:
    """Return the same blocks with the values of another matrix.

    Examples
    --------
    >>> kept = bsr_at(np.array([[1.0, 2.0, 3.0, 4.0]]), np.array([1], np.int32), 2)
    >>> refreshed(kept, np.array([[5.0, 6.0, 7.0, 8.0]])).toarray()
    array([[0., 0., 7., 8.]])
    """
    values = _take(matrix, numbers_of(kept), kept.blocksize[1])
    return scipy.sparse.bsr_array((values, kept.indices, kept.indptr), shape=kept.shape)


def numbers_of(kept: scipy.sparse.bsr_array) -> Positions:
    """Return the numbers of the blocks of a sparse matrix, counted row by row, as `top_blocks` does."""
    B = kept.shape[1] // kept.blocksize[1]
    rows = np.repeat(np.arange(kept.shape[0], dtype=np.int32), np.diff(kept.indptr))
    positions: Positions = rows * np.int32(B) + kept.indices
    return positions


def blocks_in(matrix: SparseMatrix) -> tuple[Array, Array, Array]:
    """Return indptr, indices and values (number, N) of a matrix; entries are blocks of one.

    Examples
    --------
    >>> blocks_in(scipy.sparse.csr_array(np.array([[0.0, 3.0], [2.0, 0.0]])))[2]
    array([[3.],
           [2.]])
    """
    size = matrix.blocksize[1] if isinstance(matrix, scipy.sparse.bsr_array) else 1
    return matrix.indptr, matrix.indices, matrix.data.reshape(-1, size)


def count_entries(w_top: SparseMatrix, width: int) -> int:
    """Count the weights in a sparse matrix; what fills up the last block of a row does not count.

    Examples
    --------
    >>> count_entries(scipy.sparse.bsr_array(np.ones((1, 8)), blocksize=(1, 4)), width=6)
    6
    """
    return int(np.count_nonzero(inside(w_top, width))) if w_top.shape[1] > width else int(w_top.nnz)


def weights_of(numbers: Array, w_top: SparseMatrix, width: int) -> Array:
    """Return those numbers of the blocks that belong to weights, see `inside`."""
    return numbers[inside(w_top, width)] if w_top.shape[1] > width else numbers.reshape(-1)


def inside(w_top: SparseMatrix, width: int) -> NDArray[np.bool_]:
    """Return which numbers of the blocks are weights, (number, N); the others fill up the last block of a row.

    Examples
    --------
    >>> inside(scipy.sparse.bsr_array(np.ones((1, 4)), blocksize=(1, 4)), width=3)
    array([[ True,  True,  True, False]])
    """
    _, indices, values = blocks_in(w_top)
    size = values.shape[1]
    answer: NDArray[np.bool_] = indices[:, None] * size + np.arange(size) < width
    return answer


def _take(matrix: Array, chosen: Positions, size: int) -> Array:
    """Return the values of some blocks, (number, 1, size)."""
    missing = -matrix.shape[1] % size
    whole = np.pad(matrix, ((0, 0), (0, missing))) if missing else np.ascontiguousarray(matrix)
    return np.take(whole.reshape(-1, size), chosen, axis=0)[:, None]  # many times as fast as indexing with an array


class TopBlocks:
    """The blocks of highest score of a layer, found again after every step.

    From one step to the next only a few rows may have changed (see `WriteLog.rows_changed_since`). Then only the scores
    of these are computed again.

    Examples
    --------
    >>> w, top = Tensor([[1.0, -3.0, 1.0, 1.0], [2.0, 0.5, 0.0, 9.0]]), TopBlocks(2)
    >>> top.select(w, 4).toarray()
    array([[ 1., -3.,  0.,  0.],
           [ 0.,  0.,  0.,  9.]], dtype=float32)
    >>> top.select(w, 4) is top.select(w, 4)
    True
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._seen: tuple[Any, ...] = ()
        self._kept: scipy.sparse.bsr_array | None = None

    def select(self, w: Tensor, k: int) -> scipy.sparse.bsr_array:
        """Select blocks with at most k weights; the result is (rows, number of blocks in a row * N)."""
        matrix = np.ascontiguousarray(w.array).reshape(-1, w.shape[-1])
        changed = self._changed(w)
        if changed is None:
            self._scores = scores_of(matrix, self._size)
        elif changed.size:
            self._scores[changed] = scores_of(matrix[changed], self._size)
        elif self._kept is not None and self._seen[2] == k:
            return self._kept
        self._kept = bsr_at(matrix, top_blocks(self._scores, matrix.shape[1], self._size, k), self._size)
        self._seen = w.array, w.writes.version, k
        return self._kept

    def _changed(self, w: Tensor) -> NDArray[np.int32] | None:
        """Return the rows that may have changed since the last selection; None: perhaps all."""
        if not self._seen or self._seen[0] is not w.array:
            return None
        return w.writes.rows_changed_since(self._seen[1], w.array)
