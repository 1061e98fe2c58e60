"""What NumPy and Matplotlib see of a Tensor: an array, as long as no gradient is lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from minizerofl.kernels.types import Array


class ReadByNumPy:
    """The methods that NumPy calls when it is given a Tensor; NumPy's guide on interoperability explains them.

    Examples
    --------
    >>> from minizerofl import Tensor
    >>> x = Tensor([1.0, 5.0, 3.0])
    >>> np.asarray(x), np.median(x).item()
    (array([1., 5., 3.], dtype=float32), 3.0)
    >>> np.asarray(Tensor([1.0], requires_grad=True))
    Traceback (most recent call last):
        ...
    RuntimeError: this Tensor requires a gradient, which NumPy would lose; use .data or .detach()
    """

    __slots__ = ()
    __array_ufunc__ = None  # `ndarray + Tensor` calls Tensor.__radd__ instead of adding element by element

    array: Array
    requires_grad: bool

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> Array:
        if self.requires_grad:
            raise RuntimeError("this Tensor requires a gradient, which NumPy would lose; use .data or .detach()")
        view = read_only(self.array)
        array = np.array(view, dtype) if copy else np.asarray(view, dtype)
        if copy is False and array.dtype != view.dtype:
            raise ValueError(f"a Tensor of {view.dtype} needs a copy to become {array.dtype}; leave out copy=False")
        return array

    def __array_function__(self, function: Callable[..., Any], types: object, args: Any, kwargs: Any) -> Any:
        # Without it, np.mean(x) would call x.mean, which is an op, with arguments that it does not have.
        return function(*_arrays(args), **_arrays(kwargs))


def _arrays(arguments: Any) -> Any:
    """Replace the Tensors among the arguments of a function of NumPy by arrays."""
    if isinstance(arguments, ReadByNumPy):
        return np.asarray(arguments)
    if isinstance(arguments, dict):
        return {name: _arrays(each) for name, each in arguments.items()}
    return type(arguments)(map(_arrays, arguments)) if type(arguments) in (list, tuple) else arguments


def read_only(array: Array) -> Array:
    """Return a view of an array that cannot be written to."""
    view = array.view()
    view.flags.writeable = False
    return view
