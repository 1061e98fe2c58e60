"""Layer by layer: how long the three products of a sparse layer take, beside the same products done densely.

Each is timed as a training step runs it, by the thread's own clock: the forward product with the selection of the
weights, the gradients through `Tensor.backward`. Each op counts its own multiply-adds, two operations each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from time import perf_counter

import numpy as np

from minizerofl import ops
from minizerofl.autograd.op import Products, no_grad
from minizerofl.autograd.tensor import Array, Tensor
from minizerofl.choices import RULES
from minizerofl.nn import Conv2d
from minizerofl.nn.rule import search
from minizerofl.sparse import count_kept, top_k
from minizerofl_cli.bench.clock import clock
from minizerofl_cli.bench.hooks import Call
from minizerofl_cli.bench.workload import TOP_K

PRODUCTS = ("forward", "dX", "dW")
SIDE = 1536  # of the square matrices whose product is taken for the machine's peak

Function = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Product:
    """One product of one layer.

    Attributes
    ----------
    layer : str
        The layer's kind, see `minizerofl_cli.bench.hooks.layer_kind`.
    sparsity : float
        Of weights and activations.
    product : {"forward", "dX", "dW"}
        Which.
    sparse_seconds, dense_seconds : float
        How long each path takes.
    sparse_gflops, dense_gflops : float
        Operations that take part, in 10^9 a second.
    selection : str
        The rule that chose the weights.
    """

    layer: str
    sparsity: float
    product: str
    sparse_seconds: float
    dense_seconds: float
    sparse_gflops: float
    dense_gflops: float
    selection: str = TOP_K


@dataclass(frozen=True)
class Search:
    """How long the exact top-k takes on a layer's weights and on its input, in nanoseconds an element."""

    layer: str
    sparsity: float
    weights_ns: float
    activations_ns: float


def peak_gflops() -> float:
    """Measure the machine's peak: the best of 20 large float32 matrix products, on as many threads as BLAS has."""
    a = np.random.default_rng(0).standard_normal((SIDE, SIDE), np.float32)
    return 2e-9 * SIDE**3 / min(_once(lambda: a @ a) for _ in range(20))


def measure_layers(
    calls: Sequence[Call], sparsity: float, seconds: float, selection: str = TOP_K
) -> Iterator[tuple[Search, list[Product]]]:
    """Time the products of each kind of sparse layer among some calls, on their own inputs.

    Parameters
    ----------
    calls : sequence of Call
        Of a sparse model; dense layers are passed over.
    sparsity : float
        The model's.
    seconds : float
        For about how long each product is repeated.
    selection : str
        The rule that chooses the weights.
    """
    kinds = {call.kind: call for call in calls if call.layer.sparse_parameters()}
    for kind, call in kinds.items():
        count = count_products(_sparse(call, selection), call)
        sparse = product_seconds(_sparse(call, selection), call, seconds)
        dense = product_seconds(_dense(call), call, seconds)
        yield (
            _search(call, sparsity, seconds),
            [
                Product(
                    layer=kind,
                    sparsity=sparsity,
                    product=name,
                    sparse_seconds=sparse[i],
                    dense_seconds=dense[i],
                    sparse_gflops=2e-9 * count.done[i] / sparse[i],
                    dense_gflops=2e-9 * count.dense / dense[i],
                    selection=selection,
                )
                for i, name in enumerate(PRODUCTS)
            ],
        )


def count_products(function: Function, call: Call) -> Products:
    """Count the multiply-adds of ``function(x, weight)`` and of its gradients."""
    x, w = Tensor.wrap(call.x.data), Tensor.wrap(call.layer.weight.data)
    x.requires_grad = w.requires_grad = True
    y = function(x, w)
    assert y.node is not None  # both inputs require gradients
    return y.node.op.macs(y.node, y.shape)


def product_seconds(function: Function, call: Call, seconds: float) -> tuple[float, float, float]:
    """Time forward product, input gradient and weight gradient of ``function(x, weight)``, each by itself."""
    x, w = call.x.data, call.layer.weight.data
    dy = np.random.default_rng(0).standard_normal(call.out).astype(np.float32)

    def forward() -> float:
        with no_grad():
            return _once(lambda: function(Tensor.wrap(x), Tensor.wrap(w)))

    def backward(wants_x: bool) -> float:
        inputs = Tensor.wrap(x), Tensor.wrap(w)
        inputs[0].requires_grad, inputs[1].requires_grad = wants_x, not wants_x
        y = function(*inputs)
        return _once(lambda: y.backward(dy))

    return (
        _repeat(forward, seconds),
        _repeat(lambda: backward(True), seconds),
        _repeat(lambda: backward(False), seconds),
    )


def _sparse(call: Call, selection: str = TOP_K) -> Function:
    """Return the sparse product of a layer; the weights are selected in each call."""
    (sparsity,) = call.layer.sparse_parameters().values()
    layer = call.layer

    def product(x: Tensor, w: Tensor) -> Tensor:
        select = search(RULES[selection](0))
        if isinstance(layer, Conv2d):
            return ops.sparse_conv2d(x, w, sparsity=sparsity, stride=layer.stride, padding=layer.padding, select=select)
        return ops.sparse_linear(x, w, sparsity=sparsity, select=select)

    return product


def _dense(call: Call) -> Function:
    layer = call.layer
    if isinstance(layer, Conv2d):
        return lambda x, w: ops.conv2d(x, w, None, layer.stride, layer.padding)
    return ops.linear


def _search(call: Call, sparsity: float, seconds: float) -> Search:
    def nanoseconds(array: Array) -> float:
        kept = count_kept(array.size, sparsity)
        return 1e9 * _repeat(lambda: _once(lambda: top_k(array, kept)), seconds) / array.size

    return Search(call.kind, sparsity, nanoseconds(call.layer.weight.data), nanoseconds(call.x.data))


def _repeat(once: Callable[[], float], seconds: float) -> float:
    """Return the best of repeated measurements (what else the machine does only adds); the first may compile."""
    once()
    times: list[float] = []
    end = perf_counter() + seconds
    while len(times) < 3 or perf_counter() < end:
        times.append(once())
    return min(times)


def _once(function: Callable[[], object]) -> float:
    start = clock()
    function()
    return clock() - start
