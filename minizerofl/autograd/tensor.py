"""A Tensor is a NumPy array that remembers which op made it.

``y = f(x)`` on Tensors records a node (the op, its inputs, the arrays its derivative needs). ``loss.backward()`` then
walks the nodes from the loss to the leaves in reverse topological order and applies the chain rule once per node
(reverse-mode differentiation: ``dL/dx = sum over uses of (dy/dx)^T dL/dy``).

Arrays are written in one place only, `Tensor.assign_`: whatever an op has saved for its derivative is protected, and a
write between forward and backward is an error instead of a wrong gradient.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from minizerofl.autograd.rowsparse import RowSparse, dense

if TYPE_CHECKING:
    from minizerofl.autograd.op import Context

Array = NDArray[Any]
FLOATS = (np.dtype(np.float32), np.dtype(np.float64))

_recording: ContextVar[bool] = ContextVar("recording", default=True)


@contextmanager
def no_grad() -> Iterator[None]:
    """Record no graph inside this block: outputs of ops do not require gradients.

    The switch belongs to the current thread (it is a `contextvars.ContextVar`), so that one client may evaluate while
    another trains.

    Examples
    --------
    >>> import minizerofl as mz
    >>> x = mz.Tensor([1.0, 2.0], requires_grad=True)
    >>> with mz.no_grad():
    ...     (x * x).requires_grad
    False
    """
    token = _recording.set(False)
    try:
        yield
    finally:
        _recording.reset(token)


def is_recording() -> bool:
    """Whether ops record their graph at the moment, see `no_grad`."""
    return _recording.get()


def live_tensors() -> int:
    """Count the Tensors that are alive: a training loop that keeps a graph shows here as a number that grows."""
    return sum(issubclass(type(o), Tensor) for o in gc.get_objects())


class Memory:
    """What is known of the writes to a piece of memory, shared by every Tensor that looks at it.

    Attributes
    ----------
    version : int
        The number of writes.
    touched : (array, array of int) or None
        The array that was written to last, and the only rows of it that were changed; None: not known.
    """

    __slots__ = ("touched", "version")

    def __init__(self) -> None:
        self.version = 0
        self.touched: tuple[Array, NDArray[np.int32]] | None = None


class Tensor:
    """A float array with reverse-mode differentiation.

    Parameters
    ----------
    data : array_like
        The values; they are copied. Float32 and float64 arrays keep their dtype, numbers and lists become float32.
    requires_grad : bool
        Whether `backward` shall compute the gradient with respect to this Tensor.

    Attributes
    ----------
    data : numpy.ndarray
        A read-only view of the values.
    grad : numpy.ndarray or None
        A read-only view of the gradient, summed over all calls of `backward`. Leaves only.

    Raises
    ------
    TypeError
        `data` is an integer, boolean or other array that is no float32 or float64.

    Examples
    --------
    >>> x = Tensor([1.0, 2.0, 3.0], requires_grad=True)
    >>> (x * x).sum().backward()
    >>> x.grad
    array([2., 4., 6.], dtype=float32)
    """

    __slots__ = ("__weakref__", "_array", "_grad", "_memory", "_node", "requires_grad")
    __array_ufunc__ = None  # `ndarray + Tensor` calls Tensor.__radd__ instead of adding element by element

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
        self._array: Array = array
        self._memory = Memory()
        self._node: Context | None = None
        self._grad: Array | RowSparse | None = None
        self.requires_grad = requires_grad

    @classmethod
    def _wrap(cls, array: Array, memory: Memory | None = None, node: Context | None = None) -> Tensor:
        """Make a Tensor of an array that nobody else will write to, without a copy."""
        self = cls.__new__(cls)
        self._array = array
        self._memory = memory or Memory()
        self._node = node
        self._grad = None
        self.requires_grad = node is not None
        return self

    @property
    def data(self) -> Array:
        """A read-only view of the values; write with `assign_`."""
        return _read_only(self._array)

    @property
    def grad(self) -> Array | None:
        """A read-only view of the gradient, or None before the first `backward`."""
        return None if self._grad is None else _read_only(dense(self._grad))

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the values."""
        return self._array.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the values: float32, or float64 in gradient checks."""
        return self._array.dtype

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self._array.ndim

    @property
    def size(self) -> int:
        """The number of values."""
        return self._array.size

    @property
    def is_leaf(self) -> bool:
        """Whether this Tensor was made by hand and not by an op."""
        return self._node is None

    def item(self) -> float:
        """Return the one value of a one-element Tensor as a Python float."""
        return float(self._array.item())

    def numpy(self) -> Array:
        """Return a copy of the values."""
        return self._array.copy()

    def detach(self) -> Tensor:
        """Return a Tensor on the same memory that is outside the graph."""
        return Tensor._wrap(self._array, self._memory)

    def zero_grad(self) -> None:
        """Forget the gradient."""
        self._grad = None

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
    def writing(self, rows: NDArray[np.int32] | None = None) -> Iterator[Array]:
        """Open the memory for an in-place update, as optimisers do; graphs that saved it become stale.

        Parameters
        ----------
        rows : array of int, optional
            The only rows that will be changed, see `rows_changed_since`.

        Yields
        ------
        numpy.ndarray
            The values, writable.

        Raises
        ------
        RuntimeError
            The Tensor was made by an op: only leaves can be written to.
        """
        if self._node is not None:
            raise RuntimeError("assign_: only leaves can be written to, and this Tensor was made by an op")
        self._memory.version += 1
        self._memory.touched = None if rows is None else (self._array, rows)
        yield self._array

    def rows_changed_since(self, version: int) -> NDArray[np.int32] | None:
        """Return the only rows that may have changed since the memory had that version; None: perhaps all."""
        memory = self._memory
        if version == memory.version:
            return np.empty(0, np.int32)
        if version == memory.version - 1 and memory.touched is not None and memory.touched[0] is self._array:
            return memory.touched[1]
        return None

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
        return f"Tensor({np.array2string(self._array, separator=', ', prefix='Tensor(')}, dtype={self.dtype}{flag})"

    def __len__(self) -> int:
        return len(self._array)

    def __bool__(self) -> bool:
        return bool(self._array)

    if TYPE_CHECKING:
        # Operators and methods are hung on by minizerofl.autograd.ops, each beside the op it stands for.
        T: Tensor  # the axes reversed

        def __add__(self, other: object) -> Tensor: ...
        def __radd__(self, other: object) -> Tensor: ...
        def __sub__(self, other: object) -> Tensor: ...
        def __rsub__(self, other: object) -> Tensor: ...
        def __mul__(self, other: object) -> Tensor: ...
        def __rmul__(self, other: object) -> Tensor: ...
        def __truediv__(self, other: object) -> Tensor: ...
        def __rtruediv__(self, other: object) -> Tensor: ...
        def __matmul__(self, other: object) -> Tensor: ...
        def __rmatmul__(self, other: object) -> Tensor: ...
        def __neg__(self) -> Tensor: ...
        def __pow__(self, exponent: float) -> Tensor: ...
        def __getitem__(self, index: Any) -> Tensor: ...
        def sum(self, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> Tensor: ...
        def mean(self, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> Tensor: ...
        def max(self, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> Tensor: ...
        def reshape(self, *shape: int | tuple[int, ...]) -> Tensor: ...
        def transpose(self, *axes: int | tuple[int, ...]) -> Tensor: ...


def _read_only(array: Array) -> Array:
    view = array.view()
    view.flags.writeable = False
    return view


def as_array(data: object, dtype: DTypeLike) -> Array:
    """Look at data as an array: numbers and lists take on `dtype`, arrays and Tensors keep their own."""
    data = data._array if isinstance(data, Tensor) else data
    return data if isinstance(data, np.ndarray) and data.ndim else np.asarray(data, dtype=dtype)
