"""Hooks: look at what goes into a model's layers and comes out of them, without the layers knowing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from minizerofl.autograd.op import no_grad
from minizerofl.autograd.tensor import Tensor
from minizerofl.nn import Conv2d, Linear, Module
from minizerofl.sparse.breakeven import layer_kind

Forward = Callable[..., Tensor]  # (x), or with more Tensors, as a residual


@contextmanager
def hooked(model: Module, wrap: Callable[[str, Module, Forward], Forward]) -> Iterator[None]:
    """Replace, inside this block, the `forward` of every layer without parts by ``wrap(name, layer, forward)``.

    Examples
    --------
    >>> from minizerofl import nn
    >>> calls = []
    >>> def wrap(name, layer, forward):
    ...     return lambda x: calls.append(name) or forward(x)
    >>> model = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    >>> with hooked(model, wrap):
    ...     _ = model(Tensor([[1.0], [2.0]]))
    >>> _ = model(Tensor([[1.0], [2.0]]))
    >>> calls
    ['0', '1']
    """
    layers = [(name, module) for name, module in model.named_modules() if sum(1 for _ in module.modules()) == 1]
    try:
        for name, layer in layers:
            vars(layer)["forward"] = wrap(name, layer, layer.forward)
        yield
    finally:
        for _, layer in layers:
            vars(layer).pop("forward", None)


@dataclass(frozen=True)
class Call:
    """One call of a layer with weights: its name, the layer, its input and the shape of its output."""

    name: str
    layer: Conv2d | Linear
    x: Tensor
    out: tuple[int, ...]

    @property
    def kind(self) -> str:
        """What decides how fast the layer is, see `minizerofl.sparse.breakeven.layer_kind`.

        Examples
        --------
        >>> Call("conv1", Conv2d(3, 8, 5, stride=2), Tensor([0.0]), (8, 2, 2, 10)).kind
        'conv 3x5x5x8 stride 2 batch 10'
        """
        stride = self.layer.stride if isinstance(self.layer, Conv2d) else 1
        return layer_kind(self.layer.weight.shape, stride, self.out[-1])


def calls(model: Module, x: Tensor) -> list[Call]:
    """Run a model and return the calls of its layers with weights, in order.

    Examples
    --------
    >>> from minizerofl import nn
    >>> [call.name for call in calls(nn.Sequential(nn.ReLU(), nn.Linear(1, 2)), Tensor([[1.0]]))]
    ['1']
    """
    seen: list[Call] = []

    def wrap(name: str, layer: Module, forward: Forward) -> Forward:
        if not isinstance(layer, Conv2d | Linear):
            return forward

        def call(x: Tensor) -> Tensor:
            y = forward(x)
            seen.append(Call(name, layer, x, y.shape))
            return y

        return call

    with hooked(model, wrap), no_grad():
        model(x)
    return seen
