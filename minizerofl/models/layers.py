"""Layers as the models use them: sparse ones, or plain dense ones where the sparsity is 0."""

from __future__ import annotations

import numpy as np

from minizerofl.nn import Conv2d, Linear, SparseConv2d, SparseLinear


def conv(
    in_channels: int,
    out_channels: int,
    kernel_size: int,
    sparsity: float,
    rng: np.random.Generator,
    stride: int = 1,
    bias: bool = True,
) -> Conv2d:
    """Make a convolution with an odd kernel that keeps H and W, or divides them by the stride and rounds up.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> type(conv(3, 8, 3, 0.9, rng)).__name__, type(conv(3, 8, 3, 0.0, rng)).__name__
    ('SparseConv2d', 'Conv2d')
    """
    padding = kernel_size // 2
    if sparsity == 0:
        return Conv2d(in_channels, out_channels, kernel_size, stride, padding, bias=bias, rng=rng)
    return SparseConv2d(in_channels, out_channels, kernel_size, stride, padding, bias=bias, rng=rng, sparsity=sparsity)


def linear(in_features: int, out_features: int, sparsity: float, rng: np.random.Generator) -> Linear:
    """Make a linear layer.

    Examples
    --------
    >>> linear(4, 3, 0.5, np.random.default_rng(0))
    SparseLinear(in_features=4, out_features=3, sparsity=0.5, activation_sparsity=None)
    """
    if sparsity == 0:
        return Linear(in_features, out_features, rng=rng)
    return SparseLinear(in_features, out_features, rng=rng, sparsity=sparsity)
