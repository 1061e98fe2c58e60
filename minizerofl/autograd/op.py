"""An Op is one differentiable function: its forward pass and its derivative, side by side in one class.

The base class owns everything that is not calculus: checking dtypes, recording the graph, summing a gradient over the
axes that broadcasting added, and error messages that name the op and its inputs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, ClassVar, NamedTuple

import numpy as np

from minizerofl.autograd.rowsparse import EntrySparse, Gradient, RowSparse
from minizerofl.autograd.sums import accurate_sum
from minizerofl.autograd.tensor import FLOATS, Array, Tensor, as_array
from minizerofl.autograd.writelog import WriteLog

Watcher = Callable[["type[Op]", "tuple[Tensor | None, ...]", "dict[str, Any]", Tensor], None]

_recording: ContextVar[bool] = ContextVar("recording", default=True)
_watcher: ContextVar[Watcher | None] = ContextVar("watcher", default=None)


@contextmanager
def no_grad() -> Iterator[None]:
    """Record no graph inside this block: the results of ops do not require gradients.

    The switch belongs to the current thread (it is a `contextvars.ContextVar`), so one client may evaluate while
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


@contextmanager
def watch(watcher: Watcher) -> Iterator[None]:
    """Call ``watcher(op, inputs, options, result)`` after every op inside this block: the forward pass, step by step.

    The switch belongs to the current thread, as that of `no_grad`.

    Examples
    --------
    >>> import minizerofl as mz
    >>> with watch(lambda op, inputs, options, result: print(op.name, result.shape)):
    ...     _ = mz.ops.relu(mz.Tensor([1.0, 2.0]) * 3)
    mul (2,)
    relu (2,)
    """
    token = _watcher.set(watcher)
    try:
        yield
    finally:
        _watcher.reset(token)


class Node:
    """A node of the graph: one application of an op, and what it remembers for its derivative (PyTorch's ``ctx``).

    Attributes
    ----------
    inputs : tuple of Tensor or None
        The op's inputs; None for an optional input that was left out.
    needs_grad : tuple of bool
        For each input, whether its gradient is wanted. `backward` may return None for the others.
    """

    __slots__ = ("_saved", "inputs", "needs_grad", "op")

    def __init__(self, op: type[Op], inputs: tuple[Tensor | None, ...], recording: bool) -> None:
        self.op = op
        self.inputs = inputs
        self.needs_grad = tuple(recording and t is not None and t.requires_grad for t in inputs)
        self._saved: tuple[tuple[Any, WriteLog | None, int], ...] | None = ()

    def save(self, *values: Any) -> None:
        """Keep arrays (and anything else) for `backward`; inputs and views of them are guarded against writes."""
        if any(self.needs_grad):
            self._saved = tuple(self._guard(value) for value in values)

    def _guard(self, value: Any) -> tuple[Any, WriteLog | None, int]:
        for tensor in self.inputs:
            if tensor is not None and isinstance(value, np.ndarray) and np.may_share_memory(value, tensor.array):
                return value, tensor.writes, tensor.writes.version
        return value, None, 0

    @property
    def saved(self) -> tuple[Any, ...]:
        """The values that were given to `save`, in the same order.

        Raises
        ------
        RuntimeError
            The graph was freed by an earlier `backward`, or one of the arrays was written to since the forward pass.
        """
        if self._saved is None:
            raise RuntimeError(f"{self.op.name}: backward was called a second time on one graph; run forward again")
        for value, writes, version in self._saved:
            if writes is not None and writes.version != version:
                raise RuntimeError(
                    f"{self.op.name}: an input of shape {value.shape} was written to between forward and backward; "
                    "call assign_ (or the optimiser's step) after backward"
                )
        return tuple(value for value, _, _ in self._saved)

    def free(self) -> None:
        """Drop all that the forward pass saved, and the inputs."""
        self._saved = None
        self.inputs = ()


class Products(NamedTuple):
    """The multiply-adds of a layer's three products, and the number that each would take without masks (`dense`)."""

    forward: int = 0
    dx: int = 0
    dw: int = 0
    dense: int = 0

    @property
    def done(self) -> tuple[int, int, int]:
        """The multiply-adds of the three products."""
        return self.forward, self.dx, self.dw


class Op:
    """Base class of differentiable functions.

    A subclass defines two static methods over plain arrays and is called through `apply`:

    ``forward(node, *arrays, **options) -> array``
        computes the result and saves what the derivative needs with ``node.save(...)``.
    ``backward(node, grad) -> tuple``
        returns, for each input, the gradient of the loss with respect to it, given `grad`, the one with respect to the
        result (a vector-Jacobian product). It may be None where ``node.needs_grad`` is False, and it may have the
        broadcast shape where the input was broadcast.

    Attributes
    ----------
    name : str
        The name of the public function, used in error messages.

    Examples
    --------
    >>> class Square(Op):
    ...     name = "square"
    ...
    ...     @staticmethod
    ...     def forward(node, x):
    ...         node.save(x)
    ...         return x * x
    ...
    ...     @staticmethod
    ...     def backward(node, grad):
    ...         (x,) = node.saved
    ...         return (2 * x * grad,)
    >>> x = Tensor([3.0], requires_grad=True)
    >>> Square.apply(x).backward()
    >>> x.grad
    array([6.], dtype=float32)
    """

    name: ClassVar[str] = "op"

    @staticmethod
    def forward(node: Node, *arrays: Any, **options: Any) -> Array:
        """Compute the result from the input arrays."""
        raise NotImplementedError(f"{node.op.__name__} defines no forward(node, *arrays)")

    @staticmethod
    def backward(node: Node, grad: Array) -> tuple[Gradient | None, ...]:
        """Compute the gradient of each input from the gradient of the result."""
        raise NotImplementedError(f"{node.op.__name__} defines no backward(node, grad)")

    @staticmethod
    def macs(node: Node, out: tuple[int, ...]) -> Products:
        """Count the multiply-adds of the op that made a result of shape `out`; none for an op without products."""
        return Products()

    @classmethod
    def apply(cls, *operands: object, **options: Any) -> Tensor:
        """Run the op on Tensors, arrays, numbers or None, and record it in the graph if any input requires a gradient.

        Raises
        ------
        TypeError, ValueError, IndexError
            The inputs' dtypes differ, or they do not fit the op; the message names the op and the inputs.
        """
        inputs = cls.as_tensors(operands)
        node = Node(cls, inputs, _recording.get())
        arrays = [None if t is None else t.array for t in inputs]
        try:
            result = cls.forward(node, *arrays, **options)
        except (TypeError, ValueError, IndexError) as error:
            raise type(error)(f"{cls.name}({', '.join(map(_describe, arrays))}): {error}") from error
        dtype = next(t.dtype for t in inputs if t is not None)
        result = _keep_zero_d(result, dtype)
        if result.dtype != dtype:
            raise TypeError(f"{cls.name}: the result is {result.dtype}, but the inputs are {dtype}; an op must keep it")
        tensor = Tensor.wrap(result, _shared_writes(result, inputs), node if any(node.needs_grad) else None)
        watcher = _watcher.get()
        if watcher is not None:
            watcher(cls, inputs, options, tensor)
        return tensor

    @classmethod
    def as_tensors(cls, operands: tuple[object, ...]) -> tuple[Tensor | None, ...]:
        """Turn arrays and numbers among the operands into Tensors, all of one dtype; see `apply`."""
        typed = [t.dtype for t in operands if isinstance(t, Tensor)]
        typed += [t.dtype for t in operands if isinstance(t, np.ndarray) and t.dtype in FLOATS]
        dtype = typed[0] if typed else FLOATS[0]
        tensors: list[Tensor | None] = []
        for i, operand in enumerate(operands):
            if operand is None or isinstance(operand, Tensor):
                tensors.append(operand)
            else:
                try:
                    array = as_array(operand, dtype)
                except (TypeError, ValueError) as error:
                    kind = type(operand).__name__
                    raise TypeError(
                        f"{cls.name}: input {i} is a {kind}, expected a Tensor or floats ({error})"
                    ) from error
                if array.dtype not in FLOATS:
                    raise TypeError(f"{cls.name}: input {i} is an array of {array.dtype}, expected a Tensor or floats")
                tensors.append(Tensor(array))
            tensor = tensors[-1]
            if tensor is not None and tensor.dtype != dtype:
                raise TypeError(f"{cls.name}: input {i} is {tensor.dtype}, but another is {dtype}; convert one of them")
        return tuple(tensors)

    @classmethod
    def gradients(cls, node: Node, grad: Array) -> tuple[Gradient | None, ...]:
        """Call `backward` and bring each gradient to its input's shape: the adjoint of broadcasting is a sum."""
        grads = cls.backward(node, grad)
        if len(grads) != len(node.inputs):
            raise RuntimeError(f"{cls.name}: backward returned {len(grads)} gradients for {len(node.inputs)} inputs")
        return tuple(
            None if t is None or not wanted else cls._fit(g, t)
            for g, t, wanted in zip(grads, node.inputs, node.needs_grad, strict=True)
        )

    @classmethod
    def _fit(cls, grad: Gradient | None, tensor: Tensor) -> Gradient:
        if grad is None:
            raise RuntimeError(f"{cls.name}: backward returned None for an input that requires a gradient")
        if not isinstance(grad, RowSparse | EntrySparse):
            grad = _keep_zero_d(unbroadcast(_keep_zero_d(grad, tensor.dtype), tensor.shape), tensor.dtype)
        if grad.shape != tensor.shape or grad.dtype != tensor.dtype:
            raise RuntimeError(
                f"{cls.name}: backward returned {_describe(grad)} for an input of {_describe(tensor.array)}"
            )
        return grad


def unbroadcast(grad: Array, shape: tuple[int, ...]) -> Array:
    """Sum `grad` over the axes along which an array of `shape` was broadcast to ``grad.shape``.

    Examples
    --------
    >>> unbroadcast(np.ones((2, 3)), (3,))
    array([2., 2., 2.])
    """
    if grad.shape == shape:
        return grad
    extra = grad.ndim - len(shape)
    stretched = tuple(extra + i for i, n in enumerate(shape) if n == 1 and grad.shape[extra + i] != 1)
    summed = accurate_sum(grad, (*range(extra), *stretched), keepdims=True)
    return summed.reshape(summed.shape[extra:])


def _keep_zero_d(array: Array, dtype: np.dtype[Any]) -> Array:
    """Turn NumPy scalars back into 0-d arrays: before NumPy 2 a scalar times a Python float became float64."""
    return array if array.ndim else np.asarray(array, dtype)


def _shared_writes(result: Array, inputs: tuple[Tensor | None, ...]) -> WriteLog | None:
    """Return the write log of the input that `result` is a view of; None if it is not a view."""
    for tensor in inputs:
        if tensor is not None and np.may_share_memory(result, tensor.array):
            return tensor.writes
    return None


def _describe(array: Gradient | None) -> str:
    return "None" if array is None else f"{array.dtype}{list(array.shape)}"
