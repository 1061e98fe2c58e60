"""Weights that are trained only where a mask keeps them: read, picked and updated at its positions.

Positions are flat, ascending, and the same for many steps; what lies between them is not touched.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minizerofl.kernels.jit import kernel
from minizerofl.kernels.types import Floats, Indices

__all__ = ["put", "sgd_at", "take"]

Scalar = np.floating[Any]


@kernel
def take(x: Floats, positions: Indices, values: Floats) -> None:
    """Gather: ``values[i] = x[positions[i]]``."""
    for i in range(np.uint64(positions.size)):
        values[i] = x[np.uint64(positions[i])]


@kernel
def put(values: Floats, positions: Indices, x: Floats) -> None:
    """Scatter: ``x[positions[i]] = values[i]``."""
    for i in range(np.uint64(positions.size)):
        x[np.uint64(positions[i])] = values[i]


@kernel
def sgd_at(w: Floats, positions: Indices, kept: Floats, g: Floats, lr: Scalar, weight_decay: Scalar) -> None:
    """Step against the gradient at some positions, in the weights and in a copy of those that are kept.

    ``kept[i] -= lr (g[i] + weight_decay kept[i])`` and ``w[positions[i]] = kept[i]``. Without weight decay, a weight
    whose gradient is zero is not even read.
    """
    for i in range(np.uint64(positions.size)):
        if g[i] != 0 or weight_decay != 0:
            kept[i] -= lr * (g[i] + weight_decay * kept[i])
            w[np.uint64(positions[i])] = kept[i]
