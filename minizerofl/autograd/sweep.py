"""The reverse sweep: the chain rule, once per node, from the result back to the leaves."""

from __future__ import annotations

import numpy as np

from minizerofl.autograd.op import Node
from minizerofl.autograd.rowsparse import Gradient, dense
from minizerofl.autograd.tensor import Array, Tensor


def sweep(root: Tensor, seed: Array) -> None:
    """Add to every leaf's gradient the product of `seed` with the derivative of `root` with respect to the leaf.

    The gradient of a Tensor is complete when every Tensor made from it has passed its share back, hence the topological
    order. Interior gradients live in a dictionary and are popped as the sweep passes; what the ops saved is
    freed at the same time. So memory falls as the sweep proceeds, and nothing outlives it.

    Raises
    ------
    RuntimeError
        `root` is not part of a graph, or its graph was used before.
    """
    if not root.requires_grad:
        raise RuntimeError("backward: this Tensor depends on nothing that requires a gradient")
    gradients: dict[int, Gradient] = {id(root): seed}
    order = topological_order(root)
    while order:
        tensor = order.pop()  # the last reference to an interior Tensor: it is freed in passing
        grad = gradients.pop(id(tensor))
        node = tensor.node
        if node is None:
            tensor.raw_grad = _plus(tensor.raw_grad, grad)
            continue
        for source, share in zip(node.inputs, node.op.gradients(node, dense(grad)), strict=True):
            if source is not None and share is not None:
                key = id(source)
                gradients[key] = _plus(gradients.get(key), share)
        node.free()


def topological_order(root: Tensor) -> list[Tensor]:
    """List the Tensors that `root` depends on and that require a gradient, each after its inputs.

    The search is depth first with an explicit stack: a chain of ten thousand ops is no harder than one of ten, and a
    Tensor that is used a thousand times is visited once.
    """
    order: list[Tensor] = []
    seen: set[int] = set()
    stack: list[tuple[Tensor, bool]] = [(root, False)]
    while stack:
        tensor, inputs_done = stack.pop()
        if inputs_done:
            order.append(tensor)
        elif id(tensor) not in seen:
            seen.add(id(tensor))
            stack.append((tensor, True))
            if tensor.node is not None:
                stack.extend((source, False) for source in _wanted(tensor.node) if id(source) not in seen)
    return order


def _plus(total: Gradient | None, share: Gradient) -> Gradient:
    """Add, never in place: an op may have handed one array to several inputs."""
    if total is None:
        return share
    return np.asarray(dense(total) + dense(share))  # NumPy makes a 0-d sum a scalar


def _wanted(node: Node) -> list[Tensor]:
    if not node.inputs:
        raise RuntimeError(f"{node.op.name}: backward was called a second time on one graph; run forward again")
    return [t for t, wanted in zip(node.inputs, node.needs_grad, strict=True) if t is not None and wanted]
