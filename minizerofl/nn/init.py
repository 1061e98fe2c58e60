"""The initial weights: He-normal unless told otherwise, Gaussian with variance 2 / fan_in (He et al., 2015).

The choice decides whether sparse training learns at all. SWAT uses only the few per cent of a layer's weights that are
largest. The top 5 % of Gaussian weights hold 28 % of the sum of squares, those of uniform weights only 14 %: with these
the signal dies out on its way through the layers.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from minizerofl.choices import INITS
from minizerofl.registry import unknown

if TYPE_CHECKING:
    from minizerofl.nn.module import Module


def he_normal(shape: tuple[int, ...], fan_in: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Draw weights from N(0, 2 / fan_in), which keeps the variance of activations through linear maps followed by ReLU.

    Parameters
    ----------
    shape : tuple of int
        The shape of the weights.
    fan_in : int
        The number of inputs that each output sums over in the **dense** layer (IC * KH * KW for a convolution),
        whatever its sparsity.
    rng : numpy.random.Generator
        The source of randomness.

    Returns
    -------
    numpy.ndarray
        float32 weights.

    Raises
    ------
    ValueError
        `fan_in` is not positive.

    Examples
    --------
    >>> w = he_normal((400, 50), fan_in=50, rng=np.random.default_rng(0))
    >>> round(float(w.std()), 2)
    0.2
    """
    if fan_in < 1:
        raise ValueError(f"he_normal: fan_in is {fan_in}, expected a positive number of inputs")
    return rng.standard_normal(shape, dtype=np.float32) * np.float32(math.sqrt(2 / fan_in))


def initialise(model: Module, name: str, seed: int) -> None:
    """Draw the initial weights of a model's linear and convolutional layers again.

    ============  ==========================================================================
    name          weights, and biases
    ============  ==========================================================================
    `he-normal`   N(0, 2 / fan_in), and 0: the builders draw this, so nothing changes
    `he-uniform`  uniform with the same variance: between plus and minus sqrt(6 / fan_in), and 0
    `torch`       PyTorch's default: both uniform between plus and minus 1 / sqrt(fan_in)
    ============  ==========================================================================

    The two others are there to show their effect on sparse training.

    Parameters
    ----------
    model : Module
        The model.
    name : str
        One of `INITS`.
    seed : int
        Draws the weights.

    Raises
    ------
    ValueError
        No initialisation has that name.

    Examples
    --------
    >>> from minizerofl import nn
    >>> layer = nn.Linear(100, 50)
    >>> initialise(layer, "torch", seed=0)
    >>> bool(abs(layer.weight.data).max() <= 0.1)
    True
    """
    from minizerofl.nn.conv import Conv2d
    from minizerofl.nn.linear import Linear

    if name not in INITS:
        raise ValueError(f"init {unknown(name, INITS)}")
    if name == "he-normal":
        return
    rng = np.random.default_rng(seed)
    for layer in model.modules():
        if isinstance(layer, Conv2d | Linear):
            fan_in = layer.weight.size // layer.weight.shape[-1]
            bound = math.sqrt((6 if name == "he-uniform" else 1) / fan_in)
            layer.weight.assign_(rng.uniform(-bound, bound, layer.weight.shape))
            if name == "torch" and layer.bias is not None:
                layer.bias.assign_(rng.uniform(-bound, bound, layer.bias.shape))
