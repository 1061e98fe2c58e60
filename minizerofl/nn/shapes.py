"""The one check that layers make before they call their op: that the input has the axes they expect."""

from __future__ import annotations

from minizerofl.autograd.tensor import Tensor
from minizerofl.nn.module import Module


def expect_axes(layer: Module, x: Tensor, axes: tuple[int | str, ...]) -> None:
    """Raise a `ValueError` that names the layer unless `x` has these axes; a number is a fixed length, a letter any.

    Examples
    --------
    >>> expect_axes(Module(), Tensor([[1.0]]), (3, "N"))
    Traceback (most recent call last):
    ...
    ValueError: Module(): the input has shape (1, 1), expected (3, N) (inside minizerofl the batch N is the last axis)
    """
    if x.ndim != len(axes) or any(isinstance(a, int) and a != n for a, n in zip(axes, x.shape, strict=True)):
        raise ValueError(
            f"{layer!r}: the input has shape {x.shape}, expected ({', '.join(map(str, axes))}) "
            "(inside minizerofl the batch N is the last axis)"
        )
