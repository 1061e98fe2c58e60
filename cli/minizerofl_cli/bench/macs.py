"""Counting: how many multiplications the three products of a layer take, dense and with what SWAT keeps."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from minizerofl.nn import Conv2d
from minizerofl.nn.swat import SwatModule
from minizerofl.sparse import count_kept
from minizerofl_cli.bench.hooks import Call


@dataclass(frozen=True)
class Macs:
    """Multiply-adds of one call of a layer, and what it keeps.

    Attributes
    ----------
    dense : int
        Of each of the three products if the layer were dense; the border of zeros counts.
    done : tuple of int
        Of forward product, input gradient and weight gradient: those of whose factors none was left out.
    kept_weights, kept_activations : int
        How many entries of W_top and x_top there are.
    """

    dense: int
    done: tuple[int, int, int]
    kept_weights: int
    kept_activations: int


def macs(call: Call) -> Macs:
    """Count the multiply-adds of one call.

    Every kept weight meets every place of the output; every kept activation meets, on average, as many weights as an
    activation of the dense layer does.

    Examples
    --------
    >>> from minizerofl import Tensor, nn
    >>> layer = nn.SparseLinear(10, 6, sparsity=0.9)
    >>> macs(Call("linear", layer, Tensor(np.ones((10, 4), np.float32)), (6, 4)))
    Macs(dense=240, done=(24, 24, 24), kept_weights=6, kept_activations=4)
    """
    layer, x = call.layer, call.x.data
    w = layer.weight.data
    places = math.prod(call.out[1:]) if isinstance(layer, Conv2d) else call.out[1]
    dense = w.size * places
    if not isinstance(layer, SwatModule):
        return Macs(dense, (dense, dense, dense), w.size, x.size)
    share = layer.sparsity if layer.activation_sparsity is None else layer.activation_sparsity
    weights = min(count_kept(w.size, layer.sparsity), int(np.count_nonzero(w)))
    activations = min(count_kept(x.size, share), int(np.count_nonzero(x)))
    product = weights * places
    return Macs(dense, (product, product, round(dense * activations / x.size)), weights, activations)
