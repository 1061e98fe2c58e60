"""The profile of one training step: what each layer computes, keeps for its backward pass, and takes.

Layers do not know that they are watched: their `forward` is wrapped for the length of the step, and the nodes that they
leave in the graph are given an op that takes the time of its own backward pass.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minizerofl import ops
from minizerofl.autograd.op import Node, Products
from minizerofl.autograd.tensor import Array, Tensor
from minizerofl.nn import Conv2d, Linear, Module
from minizerofl.nn.swat import SwatModule
from minizerofl.optim import Optimizer
from minizerofl.sparse import count_kept
from minizerofl_cli.bench.clock import clock
from minizerofl_cli.bench.hooks import Forward, hooked

BETWEEN = "(between layers)"  # activation functions and sums that are no layers, and the loss
UPDATE = "(optimiser)"


@dataclass
class Row:
    """One call of one layer.

    Attributes
    ----------
    name, kind : str
        The layer's dotted name and class.
    shape : tuple of int
        Of its output.
    macs : Products or None
        Multiply-adds; None for a layer without a matrix product.
    weight_density, activation_density : float or None
        The share of the weights, and of the input, that takes part; None where nothing is chosen.
    kept_bytes : int
        What the layer keeps from forward to backward and nobody before it keeps already; parameters do not count.
    forward_seconds, backward_seconds : float
        How long it takes.
    """

    name: str
    kind: str = ""
    shape: tuple[int, ...] = ()
    macs: Products | None = None
    weight_density: float | None = None
    activation_density: float | None = None
    kept_bytes: int = 0
    forward_seconds: float = 0.0
    backward_seconds: float = 0.0
    nodes: list[Node] = field(default_factory=list, repr=False)


class TimedOp:
    """Stands in for the op of a node, and adds the time of its backward pass to a row."""

    def __init__(self, op: Any, row: Row) -> None:
        self._op = op
        self._row = row
        self.name = op.name

    def gradients(self, node: Node, grad: Array) -> tuple[Array | None, ...]:
        """Call the op's own."""
        start = clock()
        result: tuple[Array | None, ...] = self._op.gradients(node, grad)
        self._row.backward_seconds += clock() - start
        return result


def profile_step(model: Module, optimiser: Optimizer, x: Array, y: Array) -> list[Row]:
    """Do one training step and return a row for each call of a layer, one for what lies between, one for the update.

    Parameters
    ----------
    model : Module
        The model, which learns.
    optimiser : Optimizer
        Its optimiser.
    x : (..., N) float32
        Images, batch last.
    y : (N,) int64
        Labels.

    Examples
    --------
    >>> from minizerofl import nn, optim
    >>> model = nn.Sequential(nn.SparseLinear(10, 6, sparsity=0.5), nn.Linear(6, 2))
    >>> rows = profile_step(model, optim.SGD(model.parameters(), 0.1), np.ones((10, 4), np.float32), np.zeros(4, int))
    >>> [(row.name, row.weight_density) for row in rows]
    [('0', 0.5), ('1', 1.0), ('(between layers)', None), ('(optimiser)', None)]
    """
    seen: list[tuple[Row, Module, tuple[Tensor | None, ...], Tensor]] = []

    def wrap(name: str, layer: Module, forward: Forward) -> Forward:
        def call(*inputs: Tensor | None) -> Tensor:
            start = clock()
            out = forward(*inputs)
            seconds = clock() - start
            if out is not inputs[0]:
                seen.append((Row(name, type(layer).__name__, out.shape, forward_seconds=seconds), layer, inputs, out))
            return out

        return call

    with hooked(model, wrap):
        start = clock()
        loss = ops.cross_entropy(model(Tensor(x)), y)
        forward_seconds = clock() - start
    rows = [_describe(*each) for each in seen]
    between = Row(BETWEEN, forward_seconds=forward_seconds - sum(row.forward_seconds for row in rows))
    taken = {id(node) for row in rows for node in row.nodes}
    between.nodes = [node for node in _nodes(loss, ()) if id(node) not in taken]
    _count_kept([*rows, between], {id(_root(p.data)) for p in model.parameters()})
    for row in (*rows, between):
        for node in row.nodes:
            node.op = TimedOp(node.op, row)  # type: ignore[assignment]
    optimiser.zero_grad()
    loss.backward()
    start = clock()
    optimiser.step()
    update = Row(UPDATE, backward_seconds=clock() - start)
    return [*rows, between, update]


def _describe(row: Row, layer: Module, inputs: tuple[Tensor | None, ...], out: Tensor) -> Row:
    """Fill in what is not a time; counting takes a while, so it is done when the clock has been read."""
    row.nodes = list(_nodes(out, inputs))
    x = inputs[0]
    if isinstance(layer, Conv2d | Linear) and x is not None and out.node is not None:
        products = out.node.op.macs(out.node, out.shape)
        row.macs = products if x.requires_grad else products._replace(dx=0)  # images need no gradient
        row.weight_density = products.forward / products.dense
        row.activation_density = _activation_density(layer, x)
    return row


def _activation_density(layer: Conv2d | Linear, x: Tensor) -> float:
    """Return the share of a layer's input that takes part in dW."""
    if not isinstance(layer, SwatModule):
        return 1.0
    sparsity = layer.sparsity if layer.activation_sparsity is None else layer.activation_sparsity
    return min(count_kept(x.size, sparsity), int(np.count_nonzero(x.data))) / x.size


def _nodes(out: Tensor, inputs: tuple[Tensor | None, ...]) -> Iterator[Node]:
    """Yield the nodes through which `out` was made from some inputs, and from what has no node."""
    stack = [out]
    seen = {id(tensor.node) for tensor in inputs if tensor is not None}
    while stack:
        node = stack.pop().node
        if node is not None and id(node) not in seen:
            seen.add(id(node))
            yield node
            stack.extend(source for source in node.inputs if source is not None)


def _count_kept(rows: list[Row], counted: set[int]) -> None:
    """Count each piece of memory once, for the first layer that keeps it; `counted` are those not to count at all."""
    for row in rows:
        for node in row.nodes:
            for array in _arrays(node.saved):
                root = _root(array)
                if id(root) not in counted:
                    counted.add(id(root))
                    row.kept_bytes += root.nbytes


def _arrays(value: Any) -> Iterator[Array]:
    """Yield the arrays inside what an op has saved."""
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _arrays(part)
    elif hasattr(value, "indptr"):  # a scipy.sparse matrix
        yield from (value.indptr, value.indices, value.data)


def _root(array: Array) -> Array:
    """Return the array whose memory a view keeps alive."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array
