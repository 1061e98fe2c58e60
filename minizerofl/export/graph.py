"""What a model computes, step by step: the ops of one forward pass, in their order, with their inputs and options."""

from __future__ import annotations

import traceback
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np

from minizerofl.autograd.op import Op, no_grad, watch
from minizerofl.autograd.tensor import Tensor
from minizerofl.export.errors import ExportError
from minizerofl.nn import Module

SAMPLES = 2  # in the mini-batch that is tried; it must differ from 1, over which arrays broadcast


@dataclass(frozen=True)
class Step:
    """One op of a forward pass.

    Attributes
    ----------
    op : str
        Its name.
    inputs : tuple of Tensor or None
        What it was given; the same object stands wherever the same Tensor is used.
    options : dict
        Its options, such as ``stride``.
    result : Tensor
        What it returned.
    """

    op: str
    inputs: tuple[Tensor | None, ...]
    options: dict[str, Any]
    result: Tensor


@dataclass(frozen=True)
class Graph:
    """A forward pass in evaluation mode.

    Attributes
    ----------
    x : (C, H, W, N) Tensor
        The input, zeros.
    steps : list of Step
        The ops, in order.
    logits : (classes, N) Tensor
        The output.
    """

    x: Tensor
    steps: list[Step]
    logits: Tensor


def trace(model: Module, shape: tuple[int, int, int], known: Collection[str]) -> Graph:
    """Run a model on a mini-batch of zeros, and note every op.

    Parameters
    ----------
    model : Module
        The model. A branch that depends on the values of its input is not seen: the ops are those that were run.
    shape : tuple of int
        (C, H, W) of a sample.
    known : collection of str
        The names of the ops that may occur.

    Returns
    -------
    Graph
        The forward pass.

    Raises
    ------
    ExportError
        Another op occurs, or the model does not take such samples.

    Examples
    --------
    >>> from minizerofl import nn
    >>> model = nn.Sequential(nn.MaxPool2d(2), nn.Flatten(), nn.Linear(4, 3))
    >>> [step.op for step in trace(model, (1, 4, 4), ["max_pool2d", "reshape", "linear"]).steps]
    ['max_pool2d', 'reshape', 'linear']
    >>> trace(model, (1, 4, 4), ["max_pool2d", "linear"])
    Traceback (most recent call last):
    ...
    minizerofl.export.errors.ExportError: the layer 1 (Flatten) uses the op reshape, which cannot be exported to ONNX
    """
    steps: list[Step] = []

    def note(op: type[Op], inputs: tuple[Tensor | None, ...], options: dict[str, Any], result: Tensor) -> None:
        if op.name not in known:
            raise _UnknownOpError(op.name)
        steps.append(Step(op.name, inputs, options, result))

    x = Tensor(np.zeros((*shape, SAMPLES), np.float32))
    model.eval()
    try:
        with no_grad(), np.errstate(all="ignore"), watch(note):
            logits = model(x)
    except _UnknownOpError as error:
        raise ExportError(f"{_layer(model, error)} uses the op {error}, which cannot be exported to ONNX") from None
    except Exception as error:  # whatever the code of a user's model raises
        raise ExportError(f"the model does not take samples of shape {shape} ({error})") from error
    return Graph(x, steps, logits)


class _UnknownOpError(Exception):
    """An op occurred that cannot be exported."""


def _layer(model: Module, error: BaseException) -> str:
    """Name the innermost layer in which an error was raised: the last frame whose ``self`` is a part of the model."""
    names = {id(module): name for name, module in model.named_modules()}
    selves = [frame.f_locals.get("self") for frame, _ in traceback.walk_tb(error.__traceback__)]
    inside = [module for module in selves if id(module) in names]
    if not inside:
        return "the model"
    kind, name = type(inside[-1]).__name__, names[id(inside[-1])]
    return f"the layer {name} ({kind})" if name else f"the model ({kind})"
