"""Sums of float32 numbers over any axes that keep their digits, however many numbers are added.

NumPy adds in pairs, where the rounding error grows with the logarithm of the count, only if the numbers lie next to
each other in memory. Over any other axis it adds one row to the next, and the error grows with the count: a sum of a
million numbers loses four digits. These sums are computed in float64 and rounded once, at the end.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import DTypeLike

from minizerofl.autograd.tensor import Array

PLAIN = 128  # numbers that NumPy adds one after the other in any case, also where it adds in pairs


def accurate_sum(x: Array, axes: tuple[int, ...], keepdims: bool = False) -> Array:
    """Add up over some axes, in the dtype of `x`.

    Parameters
    ----------
    x : array of floats
        Any shape.
    axes : tuple of int
        The axes to reduce, ascending, counted from 0.
    keepdims : bool
        Whether reduced axes stay, with size 1.

    Examples
    --------
    >>> accurate_sum(np.full((1_000_000, 2), 0.1, np.float32), (0,))
    array([100000., 100000.], dtype=float32)
    """
    total: Array = np.sum(x, axis=axes, keepdims=keepdims, dtype=wide(x, axes)).astype(x.dtype, copy=False)
    return total


def accurate_mean(x: Array, axes: tuple[int, ...], keepdims: bool = False) -> Array:
    """Average over some axes; parameters as for `accurate_sum`.

    Examples
    --------
    >>> accurate_mean(np.full((1_000_000, 2), 0.1, np.float32), (0,))
    array([0.1, 0.1], dtype=float32)
    """
    mean: Array = np.mean(x, axis=axes, keepdims=keepdims, dtype=wide(x, axes)).astype(x.dtype, copy=False)
    return mean


def wide(x: Array, axes: tuple[int, ...]) -> DTypeLike:
    """Return the dtype to add up in: float64 where many numbers would be added without pairs, else that of `x`.

    Examples
    --------
    >>> x = np.ones((1000, 1000), np.float32)
    >>> wide(x, (0,)), wide(x, (1,)), wide(x[:100], (0,))
    (dtype('float64'), dtype('float32'), dtype('float32'))
    """
    last = axes == tuple(range(x.ndim - len(axes), x.ndim))  # then the numbers of a sum are neighbours
    in_pairs = last and x.flags.c_contiguous
    return x.dtype if in_pairs or math.prod(x.shape[a] for a in axes) <= PLAIN else np.dtype(np.float64)
