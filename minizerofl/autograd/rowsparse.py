"""Gradients that are zero at most places: all but some rows, or all but the positions of a mask.

Where only a few inputs of a linear layer have a kept activation, only a few rows of its weight gradient are not zero.
If the gradient holds just these rows, neither it nor the update nor the next selection touches the rest of the memory.
The life of such a gradient:

1. `minizerofl.sparse.fast.outer_products` makes it: dW of a sparse linear layer, one row for each input that has a kept
   activation.
2. The reverse sweep stores it in the weight's ``raw_grad``. If a second gradient is added, the sum is a dense array.
   `Tensor.grad` always shows a dense array.
3. `minizerofl.optim.SGD` updates these rows only, if a zero gradient means no step: without momentum, weight decay and
   proximal term. All other optimisers use the dense array.
4. The update happens inside ``weight.writing(rows)``, which records the rows in the weight's `WriteLog`.
5. At the next forward pass `minizerofl.sparse.csr.TopWeights` asks ``rows_changed_since`` and searches these rows only;
   of all others it still has the candidates.
6. After a second write, or one without rows (`Tensor.assign_`, at the start of a client's turn), the answer is "perhaps
   all", and the whole weight is searched.

Where a mask stays the same while a client trains, the gradient is wanted only at its positions (`EntrySparse`), and all
other weights stay as they are, whatever the optimiser. `minizerofl.sparse.periodic.FixedWeights` then has a copy of the
kept weights (`Mirror`), which SGD updates with them, so that nothing is read again for the next forward pass.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from minizerofl.kernels import support


@dataclass(frozen=True)
class RowSparse:
    """A matrix given by the rows that may differ from zero; an op may return it as a gradient.

    Attributes
    ----------
    shape : (int, int)
        The shape of the whole matrix.
    rows : (r,) int32
        The numbers of these rows, ascending.
    values : (r, shape[1]) float
        The rows themselves.

    Examples
    --------
    >>> dense(RowSparse((3, 2), np.array([1], np.int32), np.array([[5.0, 6.0]])))
    array([[0., 0.],
           [5., 6.],
           [0., 0.]])
    """

    shape: tuple[int, ...]
    rows: NDArray[np.int32]
    values: NDArray[Any]

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the values."""
        return self.values.dtype


@dataclass(frozen=True)
class EntrySparse:
    """A gradient that is given at some positions only; a weight at any other position is not trained.

    Attributes
    ----------
    shape : tuple of int
        The shape of the whole array.
    positions : (k,) int32
        Flat C-order positions, ascending.
    values : (k,) float
        The gradient there.

    Examples
    --------
    >>> dense(EntrySparse((2, 2), np.array([1, 2], np.int32), np.array([5.0, 6.0])))
    array([[0., 5.],
           [6., 0.]])
    """

    shape: tuple[int, ...]
    positions: NDArray[np.int32]
    values: NDArray[Any]

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the values."""
        return self.values.dtype


Gradient: TypeAlias = NDArray[Any] | RowSparse | EntrySparse


def dense(grad: Gradient) -> NDArray[Any]:
    """Return the whole array, zeros included; an array is returned as it is."""
    if not isinstance(grad, RowSparse | EntrySparse):
        return grad
    whole = np.zeros(grad.shape, grad.dtype)
    if isinstance(grad, RowSparse):
        whole[grad.rows] = grad.values
    else:
        whole.reshape(-1)[grad.positions] = grad.values
    return whole


def at_positions(grad: NDArray[Any], positions: NDArray[np.int32] | None) -> Gradient:
    """Return a gradient at some positions only; None: as it is.

    Examples
    --------
    >>> at_positions(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([1, 2], np.int32)).values
    array([2., 3.])
    """
    if positions is None:
        return grad
    values = np.empty(positions.size, grad.dtype)
    support.take(np.ascontiguousarray(grad).reshape(-1), positions, values)
    return EntrySparse(grad.shape, positions, values)
