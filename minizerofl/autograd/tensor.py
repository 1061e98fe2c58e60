"""A Tensor is a NumPy array that remembers which op made it.

``y = f(x)`` on Tensors records a node (the op, its inputs, the arrays its derivative needs). ``loss.backward()`` then
walks the nodes from the loss to the leaves in reverse topological order and applies the chain rule once per node
(reverse-mode differentiation: ``dL/dx = sum over uses of (dy/dx)^T dL/dy``).

Arrays are written in one place only, `Tensor.writing`, which `assign_` and the optimisers use. So a write between
forward and backward to an array that an op saved for its derivative is an error instead of a wrong gradient.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from minizerofl.autograd import ops  # the operators below call the ops, which in turn are built on Tensor
from minizerofl.autograd.interop import ReadByNumPy, read_only
from minizerofl.autograd.rowsparse import Gradient, dense
from minizerofl.autograd.writelog import Mirror, WriteLog
from minizerofl.kernels import types

if TYPE_CHECKING:
    from minizerofl.autograd.op import Node

Array = types.Array
Axis = int | tuple[int, ...] | None
FLOATS = (np.dtype(np.float32), np.dtype(np.float64))


def live_tensors() -> int:
    """Count the Tensors that are alive: in a training loop that keeps a graph by mistake, the number grows."""
    return sum(issubclass(type(o), Tensor) for o in gc.get_objects())


class Tensor(ReadByNumPy):
    """A float array with reverse-mode differentiation.

    Parameters
    ----------
    data : array_like
        The values; they are copied. Float32 and float64 arrays keep their dtype, numbers and lists become float32.
    requires_grad : bool
        Whether `backward` computes the gradient with respect to this Tensor.

    Attributes
    ----------
    data : numpy.ndarray
        A read-only view of the values.
    grad : numpy.ndarray or None
        A read-only view of the gradient, summed over all calls of `backward`. Leaves only.
    requires_grad : bool
        Whether `backward` computes the gradient with respect to this Tensor.
    array : numpy.ndarray
        The values themselves, for ops, kernels and optimisers; write to them inside `writing` only.
    raw_grad : numpy.ndarray, RowSparse, EntrySparse or None
        The gradient as the ops left it, for optimisers.
    node : Node or None
        The application of an op that made this Tensor; None for a leaf.
    writes : WriteLog
        The write history of the memory.

    Raises
    ------
    TypeError
        `data` is an array of another dtype than float32 and float64.

    Notes
    -----
    NumPy and Matplotlib read a Tensor as an array: ``np.asarray(x)`` is `data`, in the Tensor's own layout (of images,
    the batch is the last axis), and ``np.mean(x)`` is a number. As in PyTorch, a Tensor that requires a gradient is
    refused, since the result would be outside the graph; use ``x.data`` or ``x.detach()``. Functions that act on each
    element, such as ``np.exp``, refuse every Tensor: use `minizerofl.ops`, which have gradients.

    Examples
    --------
    >>> x = Tensor([1.0, 2.0, 3.0], requires_grad=True)
    >>> (x * x).sum().backward()
    >>> x.grad
    array([2., 4., 6.], dtype=float32)
    >>> np.median(x.detach()).item()
    2.0
    """

    __slots__ = ("__weakref__", "array", "node", "raw_grad", "requires_grad", "writes")

    def __init__(self, data: object, requires_grad: bool = False) -> None:
        if isinstance(data, Tensor):
            raise TypeError("Tensor: data is a Tensor already; use detach() for a Tensor outside the graph")
        dtype = data.dtype if isinstance(data, np.ndarray | np.generic) else np.float32
        array = np.array(data, dtype, order="C")
        if array.dtype not in FLOATS:
            raise TypeError(
                f"Tensor: data has dtype {array.dtype}, expected float32 or float64; "
                "convert it with .astype(np.float32) (class labels stay plain integer arrays)"
            )
        self.array: Array = array
        self.writes = WriteLog()
        self.node: Node | None = None
        self.raw_grad: Gradient | None = None
        self.requires_grad = requires_grad

    @classmethod
    def wrap(cls, array: Array, writes: WriteLog | None = None, node: Node | None = None) -> Tensor:
        """Make a Tensor of an array without a copy; from now on the array is written to through Tensors only."""
        self = cls.__new__(cls)
        self.array = array
        self.writes = writes or WriteLog()
        self.node = node
        self.raw_grad = None
        self.requires_grad = node is not None
        return self

    @property
    def data(self) -> Array:
        """A read-only view of the values; write with `assign_`."""
        return read_only(self.array)

    @property
    def grad(self) -> Array | None:
        """A read-only view of the gradient, or None before the first `backward`."""
        return None if self.raw_grad is None else read_only(dense(self.raw_grad))

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the values."""
        return self.array.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the values: float32, or float64 in gradient checks."""
        return self.array.dtype

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self.array.ndim

    @property
    def size(self) -> int:
        """The number of values."""
        return self.array.size

    @property
    def is_leaf(self) -> bool:
        """Whether this Tensor was made directly and not by an op."""
        return self.node is None

    def item(self) -> float:
        """Return the one value of a one-element Tensor as a Python float."""
        return float(self.array.item())

    def numpy(self) -> Array:
        """Return a copy of the values."""
        return self.array.copy()

    def detach(self) -> Tensor:
        """Return a Tensor with the same memory, outside the graph."""
        return Tensor.wrap(self.array, self.writes)

    def zero_grad(self) -> None:
        """Forget the gradient."""
        self.raw_grad = None

    def assign_(self, values: object) -> None:
        """Overwrite the values in place: the one way to write to a Tensor.

        Parameters
        ----------
        values : array_like
            The new values, of the Tensor's own shape. They are cast to its dtype.

        Raises
        ------
        RuntimeError
            The Tensor was made by an op.
        ValueError
            The shape differs.

        Examples
        --------
        >>> w = Tensor([1.0, 2.0])
        >>> w.assign_([3.0, 4.0])
        >>> w.data
        array([3., 4.], dtype=float32)
        """
        new = as_array(values, self.dtype)
        if new.shape != self.shape:
            raise ValueError(f"assign_: values have shape {new.shape}, expected {self.shape}")
        with self.writing() as array:
            np.copyto(array, new, casting="same_kind")

    @contextmanager
    def writing(self, rows: NDArray[np.int32] | None = None, mirror: Mirror | None = None) -> Iterator[Array]:
        """Open the memory for an in-place update, as optimisers do; a graph that saved it can no longer run backward.

        Parameters
        ----------
        rows : array of int, optional
            The only rows that will be changed, see `WriteLog.rows_changed_since`.
        mirror : Mirror, optional
            A copy of some values that will be changed with them.

        Yields
        ------
        numpy.ndarray
            The values, writable.

        Raises
        ------
        RuntimeError
            The Tensor was made by an op: only leaves can be written to.
        """
        if self.node is not None:
            raise RuntimeError("assign_: only leaves can be written to, and this Tensor was made by an op")
        self.writes.record(self.array, rows, mirror)
        yield self.array

    def backward(self, gradient: object = None) -> None:
        """Compute the gradient of this Tensor with respect to every leaf that requires one, and add it to its ``grad``.

        Parameters
        ----------
        gradient : array_like, optional
            The gradient of the final result with respect to this Tensor, of its shape; 1 for a one-element Tensor.

        Raises
        ------
        RuntimeError
            The Tensor is not part of a graph, the graph was used before, or a saved array was written to.
        ValueError
            The Tensor has more than one element and no `gradient` was given, or `gradient` has another shape.
        """
        from minizerofl.autograd.sweep import sweep

        if gradient is None:
            if self.size != 1:
                raise ValueError(f"backward: a Tensor of shape {self.shape} needs a gradient of its own shape")
            seed = np.ones(self.shape, self.dtype)
        else:
            seed = np.array(as_array(gradient, self.dtype), dtype=self.dtype)
            if seed.shape != self.shape:
                raise ValueError(f"backward: gradient has shape {seed.shape}, expected {self.shape}")
        sweep(self, seed)

    def __repr__(self) -> str:
        flag = ", requires_grad=True" if self.requires_grad else ""
        return f"Tensor({np.array2string(self.array, separator=', ', prefix='Tensor(')}, dtype={self.dtype}{flag})"

    def __len__(self) -> int:
        return len(self.array)

    def __float__(self) -> float:
        return self.item()

    def __bool__(self) -> bool:
        return bool(self.array)

    def __add__(self, other: object) -> Tensor:
        return ops.add(self, other)

    def __radd__(self, other: object) -> Tensor:
        return ops.add(other, self)

    def __sub__(self, other: object) -> Tensor:
        return ops.sub(self, other)

    def __rsub__(self, other: object) -> Tensor:
        return ops.sub(other, self)

    def __mul__(self, other: object) -> Tensor:
        return ops.mul(self, other)

    def __rmul__(self, other: object) -> Tensor:
        return ops.mul(other, self)

    def __truediv__(self, other: object) -> Tensor:
        return ops.div(self, other)

    def __rtruediv__(self, other: object) -> Tensor:
        return ops.div(other, self)

    def __matmul__(self, other: object) -> Tensor:
        return ops.matmul(self, other)

    def __rmatmul__(self, other: object) -> Tensor:
        return ops.matmul(other, self)

    def __neg__(self) -> Tensor:
        return ops.neg(self)

    def __pow__(self, exponent: float) -> Tensor:
        return ops.pow(self, exponent)

    def __getitem__(self, index: Any) -> Tensor:
        return ops.getitem(self, index)

    def sum(self, axis: Axis = None, keepdims: bool = False) -> Tensor:
        """Add up the elements over some axes, see `ops.sum`."""
        return ops.sum(self, axis, keepdims)

    def mean(self, axis: Axis = None, keepdims: bool = False) -> Tensor:
        """Average the elements over some axes, see `ops.mean`."""
        return ops.mean(self, axis, keepdims)

    def max(self, axis: Axis = None, keepdims: bool = False) -> Tensor:
        """Find the largest element over some axes, see `ops.max`."""
        return ops.max(self, axis, keepdims)

    def reshape(self, *shape: int | tuple[int, ...]) -> Tensor:
        """Arrange the elements in another shape, ``x.reshape(2, 3)`` or ``x.reshape((2, 3))``, see `ops.reshape`."""
        return ops.reshape(self, _unpacked(shape))

    def transpose(self, *axes: int | tuple[int, ...]) -> Tensor:
        """Permute the axes, or reverse them if none are given, see `ops.transpose`."""
        return ops.transpose(self, _unpacked(axes) or None)

    @property
    def T(self) -> Tensor:  # noqa: N802
        """The axes reversed."""
        return ops.transpose(self)


def as_array(data: object, dtype: DTypeLike) -> Array:
    """View data as an array: numbers and lists get `dtype`, arrays and Tensors keep their own."""
    data = data.array if isinstance(data, Tensor) else data
    return data if isinstance(data, np.ndarray) and data.ndim else np.asarray(data, dtype=dtype)


def _unpacked(sizes: tuple[Any, ...]) -> tuple[int, ...]:
    """Read both ``x.reshape(2, 3)`` and ``x.reshape((2, 3))``."""
    return tuple(sizes[0]) if len(sizes) == 1 and isinstance(sizes[0], tuple | list) else sizes
