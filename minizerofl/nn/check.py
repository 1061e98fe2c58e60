"""A conformance check for your own layers: all that the rest of minizerofl expects of a Module.

`check_module` works on copies, so the layer itself does not change.
"""

from __future__ import annotations

import copy

import numpy as np

from minizerofl.autograd.gradcheck import gradcheck
from minizerofl.autograd.tensor import Array, Tensor
from minizerofl.nn.module import Module


class ModuleCheckError(AssertionError):
    """A Module breaks a rule that minizerofl relies on."""


def check_module(layer: Module, x_shape: tuple[int, ...], seed: int = 0) -> None:
    """Check that a layer is a well-behaved Module.

    It runs the layer on Gaussian inputs, with the batch size of `x_shape` and with one sample, and checks that:

    - the output is a finite float32 Tensor with the batch as its last axis;
    - `train` and `eval` reach every part;
    - in evaluation, a second call gives the same output, changes no state, and a sample does not depend on the others;
    - neither pass writes to the input;
    - after a backward pass every parameter has a finite gradient;
    - all state is in `state_dict`: loading it makes another copy equal;
    - in float64, the gradients of input and parameters agree with finite differences, in both modes. This check is
      skipped while a part's `surrogate_gradient` is True; set sparse layers to sparsity 0 to include it.

    Parameters
    ----------
    layer : Module
        The layer or model.
    x_shape : tuple of int
        The shape of an input; the last axis is the batch and at least 2.
    seed : int
        Draws the inputs.

    Raises
    ------
    ModuleCheckError
        A check failed; the message says which.
    ValueError
        `x_shape` has no batch of at least 2.

    Examples
    --------
    >>> from minizerofl import nn
    >>> check_module(nn.Sequential(nn.Linear(4, 3), nn.ReLU()), (4, 5))
    >>> class Doubling(Module):
    ...     def forward(self, x):
    ...         return Tensor(x.data.astype(np.float64) * 2)
    >>> check_module(Doubling(), (4, 5))
    Traceback (most recent call last):
    ...
    minizerofl.nn.check.ModuleCheckError: Doubling(): the output is float64, expected float32
    """
    if len(x_shape) < 1 or x_shape[-1] < 2:
        raise ValueError(f"check_module: x_shape is {x_shape}, expected a batch of at least 2 on the last axis")
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(x_shape, dtype=np.float32)
    _check_modes(layer)
    _check_evaluation(copy.deepcopy(layer).eval(), x)
    for batch in (x, x[..., :1]):
        _check_training(copy.deepcopy(layer).train(), batch, rng)
    _check_state(copy.deepcopy(layer), x, rng)
    if not any(module.surrogate_gradient for module in layer.modules()):
        for mode in (True, False):
            _check_gradients(_as_float64(layer).train(mode), x.astype(np.float64))


def _expect(condition: bool | np.bool_, layer: Module, complaint: str) -> None:
    if not condition:
        raise ModuleCheckError(f"{layer!r}: {complaint}")


def _run(layer: Module, array: Array) -> Array:
    """Run forward; check the output's type, shape and values, and that the input has not changed."""
    x = Tensor(array)
    y = layer(x)
    _expect(isinstance(y, Tensor), layer, f"the output is a {type(y).__name__}, expected a Tensor")
    _expect(y.dtype == np.float32, layer, f"the output is {y.dtype}, expected float32")
    _expect(
        y.ndim > 0 and y.shape[-1] == array.shape[-1],
        layer,
        f"an input of shape {array.shape} became {y.shape}; the batch must stay the last axis",
    )
    _expect(np.isfinite(y.data).all(), layer, "the output is not finite")
    _expect(np.array_equal(x.data, array), layer, "forward wrote to its input")
    return y.numpy()


def _check_modes(layer: Module) -> None:
    other = copy.deepcopy(layer)
    for mode in (False, True):
        other.train(mode)
        missed = [name for name, module in other.named_modules() if module.training is not mode]
        _expect(not missed, layer, f"train({mode}) does not reach {missed}")


def _check_evaluation(layer: Module, x: Array) -> None:
    before = layer.state_dict()
    first, second = _run(layer, x), _run(layer, x)
    _expect(np.array_equal(first, second), layer, "two calls in evaluation mode differ")
    _expect(_same(before, layer.state_dict()), layer, "a call in evaluation mode changed the state")
    alone = _run(layer, x[..., :1])
    close = np.allclose(alone, first[..., :1], rtol=1e-4, atol=1e-5)
    _expect(close, layer, "in evaluation mode a sample's output depends on the other samples")


def _check_training(layer: Module, array: Array, rng: np.random.Generator) -> None:
    _run(layer, array)
    x = Tensor(array, requires_grad=True)
    y = layer(x)
    y.backward(rng.standard_normal(y.shape, dtype=np.float32))
    _expect(np.array_equal(x.data, array), layer, "backward wrote to the input")
    for name, parameter in (("input", x), *layer.named_parameters()):
        _expect(parameter.grad is not None, layer, f"backward gave {name} no gradient")
        _expect(np.isfinite(np.asarray(parameter.grad)).all(), layer, f"the gradient of {name} is not finite")


def _check_state(layer: Module, x: Array, rng: np.random.Generator) -> None:
    """Change the state of one copy in every way, then bring another to it through state_dict."""
    other = copy.deepcopy(layer)
    for parameter in layer.parameters():
        parameter.assign_(parameter.data + rng.standard_normal(parameter.shape, dtype=np.float32) / 8)
    layer.train()(Tensor(x))
    other.load_state_dict(layer.state_dict())
    layer.eval()
    expected = _run(layer, x)
    _expect(np.array_equal(expected, _run(other.eval(), x)), layer, "some state is missing from state_dict")
    for array in layer.state_dict().values():
        array += 1
    _expect(np.array_equal(expected, _run(layer, x)), layer, "state_dict hands out the arrays themselves, not copies")


def _check_gradients(layer: Module, x: Array) -> None:
    names = [name for name, _ in layer.named_parameters()]

    def output(x: Tensor, *parameters: Tensor) -> Tensor:
        fresh = copy.deepcopy(layer)  # each call starts from the same random state and running statistics
        for name, parameter in zip(names, parameters, strict=True):
            *path, last = name.split(".")
            owner = fresh
            for part in path:
                owner = getattr(owner, part)
            setattr(owner, last, parameter)
        return fresh(x)

    try:
        gradcheck(output, [x, *(parameter.data for parameter in layer.parameters())])
    except AssertionError as error:
        mode = "training" if layer.training else "evaluation"
        raise ModuleCheckError(f"{layer!r}: in {mode} mode, inputs being x, {', '.join(names)}: {error}") from error


def _as_float64(layer: Module) -> Module:
    wide = copy.deepcopy(layer)
    for module in wide.modules():
        buffers = dict(module.named_buffers())
        for name, value in list(vars(module).items()):
            if isinstance(value, Tensor):
                setattr(module, name, Tensor(value.data.astype(np.float64), requires_grad=value.requires_grad))
            elif name in buffers:
                setattr(module, name, value.astype(np.float64))
    return wide


def _same(a: dict[str, Array], b: dict[str, Array]) -> bool:
    return a.keys() == b.keys() and all(np.array_equal(a[name], b[name]) for name in a)
