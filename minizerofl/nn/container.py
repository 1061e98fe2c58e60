"""Layers that join others: Sequential, one after the other, and Flatten, from images to feature vectors."""

from __future__ import annotations

import math
from collections.abc import Iterator

from minizerofl import ops
from minizerofl.autograd.tensor import Tensor
from minizerofl.nn.module import Module


class Sequential(Module):
    """Apply layers one after the other; the parts are named ``0``, ``1``, ``2``.

    Parameters
    ----------
    *layers : Module
        The layers, in order.

    Raises
    ------
    TypeError
        Something that is not a Module was given.

    Examples
    --------
    >>> from minizerofl import nn
    >>> Sequential(nn.Linear(4, 3), nn.ReLU())
    Sequential(
      (0): Linear(in_features=4, out_features=3)
      (1): ReLU()
    )
    """

    def __init__(self, *layers: Module) -> None:
        for i, layer in enumerate(layers):
            if not isinstance(layer, Module):
                raise TypeError(
                    f"Sequential: part {i} is a {type(layer).__name__}, expected a Module; did you call it?"
                )
            setattr(self, str(i), layer)

    def __iter__(self) -> Iterator[Module]:
        return (part for part in vars(self).values() if isinstance(part, Module))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __getitem__(self, index: int) -> Module:
        return list(self)[index]

    def forward(self, x: Tensor) -> Tensor:
        """Apply the layers in order."""
        for layer in self:
            x = layer(x)
        return x


class Flatten(Module):
    """Join all axes but the batch, (C, H, W, N) -> (C*H*W, N). It goes before the first `Linear`.

    Raises
    ------
    ValueError
        At call time: the input has fewer than two axes.

    Examples
    --------
    >>> import numpy as np
    >>> Flatten()(Tensor(np.ones((3, 4, 4, 2), np.float32))).shape
    (48, 2)
    """

    def forward(self, x: Tensor) -> Tensor:
        """Reshape, (C, H, W, N) -> (C*H*W, N)."""
        if x.ndim < 2:
            raise ValueError(f"Flatten: the input has shape {x.shape}, expected (C, H, W, N) or (features, N)")
        *features, batch = x.shape
        return ops.reshape(x, (math.prod(features), batch))  # (C, H, W, N) -> (C*H*W, N)
