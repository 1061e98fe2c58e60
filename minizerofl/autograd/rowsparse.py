"""A gradient most of whose rows are zero.

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
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


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


def dense(grad: NDArray[Any] | RowSparse) -> NDArray[Any]:
    """Return the whole matrix, zeros included; an array is returned as it is."""
    if not isinstance(grad, RowSparse):
        return grad
    matrix = np.zeros(grad.shape, grad.dtype)
    matrix[grad.rows] = grad.values
    return matrix
