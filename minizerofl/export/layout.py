"""How weights lie in memory: ours, inputs first and the batch last, and that of PyTorch and ONNX, outputs first.

==================  =======================  =======================
tensor              ours                     PyTorch, ONNX
==================  =======================  =======================
input of a model    (C, H, W, N)             (N, C, H, W)
convolution         (IC, KH, KW, OC)         (OC, IC, KH, KW)
linear layer        (in, out)                (out, in)
all others          one number a channel     the same
==================  =======================  =======================

Flatten joins (C, H, W) in C order on both sides, so the linear layer that follows it needs no other order of inputs.
"""

from __future__ import annotations

import numpy as np

from minizerofl.fl.payload import Array, State
from minizerofl.nn import Conv2d, Linear, Module

CONV = (3, 0, 1, 2)  # (IC, KH, KW, OC) -> (OC, IC, KH, KW)
LINEAR = (1, 0)  # (in, out) -> (out, in)


def axes_of(model: Module) -> dict[str, tuple[int, ...]]:
    """Return, for each weight whose layout differs, the order in which its axes are taken for PyTorch and ONNX.

    Examples
    --------
    >>> from minizerofl import nn
    >>> axes_of(nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Linear(8, 2)))
    {'0.weight': (3, 0, 1, 2), '2.weight': (1, 0)}
    """
    axes: dict[str, tuple[int, ...]] = {}
    for prefix, layer in model.named_modules():
        if isinstance(layer, Conv2d | Linear):
            axes[f"{prefix}.weight" if prefix else "weight"] = CONV if isinstance(layer, Conv2d) else LINEAR
    return axes


def outputs_first(model: Module, state: State) -> State:
    """Turn the weights of a model into the layout of PyTorch and ONNX.

    Parameters
    ----------
    model : Module
        Tells which weight belongs to which kind of layer.
    state : dict of str to array
        Parameters and buffers in our layout.

    Examples
    --------
    >>> from minizerofl import nn
    >>> layer = nn.Conv2d(3, 8, kernel_size=5)
    >>> outputs_first(layer, layer.state_dict())["weight"].shape
    (8, 3, 5, 5)
    """
    return _turn(state, axes_of(model))


def inputs_first(model: Module, state: State) -> State:
    """Turn weights in the layout of PyTorch and ONNX into ours; the inverse of `outputs_first`.

    Examples
    --------
    >>> from minizerofl import nn
    >>> layer = nn.Linear(3, 8)
    >>> inputs_first(layer, {"weight": np.zeros((8, 3)), "bias": np.zeros(8)})["weight"].shape
    (3, 8)
    """
    return _turn(state, {name: tuple(np.argsort(order)) for name, order in axes_of(model).items()})


def kept_layouts(model: Module) -> list[str]:
    """Name the parameters with two or more axes that no layer of ours holds: nobody knows how to turn them.

    Examples
    --------
    >>> from minizerofl import nn
    >>> kept_layouts(nn.Sequential(nn.Linear(3, 8), nn.ReLU()))
    []
    """
    known = axes_of(model)
    return [name for name, value in model.named_parameters() if value.ndim > 1 and name not in known]


def _turn(state: State, axes: dict[str, tuple[int, ...]]) -> State:
    turned: dict[str, Array] = {}
    for name, value in state.items():
        order = axes.get(name)
        turned[name] = np.ascontiguousarray(value.transpose(order)) if order else value
    return turned
