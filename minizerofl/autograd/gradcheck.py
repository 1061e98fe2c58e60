"""gradcheck compares the gradient that `backward` computes with one measured by finite differences.

For a function f with Jacobian J, and random u and v, two numbers must agree in float64:

``<v, J^T u>`` from one backward pass, and ``<u, (f(x + eps v) - f(x - eps v)) / (2 eps)>`` from two forward passes.

A wrong gradient passes only if its error is orthogonal to a random direction. So one or two directions find what a loop
over all elements would find (the idea is from the test utilities of HIPS/autograd).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from minizerofl.autograd.op import no_grad
from minizerofl.autograd.ops import add
from minizerofl.autograd.tensor import Array, Tensor

Function = Callable[..., Tensor]


class GradcheckError(AssertionError):
    """A gradient is wrong, missing, or of the wrong dtype or shape."""


def gradcheck(
    fn: Function,
    inputs: Sequence[Tensor | Array],
    *,
    seed: int = 0,
    eps: float = 1e-6,
    rtol: float = 1e-5,
    atol: float = 1e-7,
    directions: int = 2,
    numeric_fn: Function | Mapping[int, Function] | None = None,
) -> bool:
    """Check the gradient of `fn` at `inputs` against central differences, in float64.

    Parameters
    ----------
    fn : callable
        Takes one Tensor for each input and returns one Tensor, of any shape. It must give the same result each time:
        make random generators inside it. Constants (labels, strides) belong in its closure.
    inputs : sequence of Tensor or array of floats
        The point at which the gradient is checked, in float64 copies. It should be further than `eps` away from kinks.
    seed : int
        Seeds the random directions u and v.
    eps : float
        The step of the central difference.
    rtol, atol : float
        Two numbers a and b agree if ``abs(a - b) <= atol + rtol * max(abs(a), abs(b))``.
    directions : int
        The number of pairs (u, v) that are tried.
    numeric_fn : callable, or dict of int to callable, optional
        The function for the finite differences, if it is not `fn`: for ops whose backward pass is, on purpose, not the
        derivative of their forward pass. A dict gives, for some inputs i, a function of input i alone (the others use
        `fn`); the inputs are then checked one by one, not jointly.

    Returns
    -------
    bool
        True.

    Raises
    ------
    GradcheckError
        The two numbers differ, for one input or for all jointly; an input got no gradient, or one of wrong dtype or
        shape; gradients of repeated use do not add up; or `fn` does not give the same result twice.
    TypeError
        An input is not an array of floats.

    Examples
    --------
    >>> gradcheck(lambda x, y: (x * y).sum(), [np.array([1.0, 2.0]), np.array([3.0])])
    True
    """
    tensors = [Tensor(_as_float64(i, value), requires_grad=True) for i, value in enumerate(inputs)]
    functions = _measured_functions(fn, numeric_fn, len(tensors))
    rng = np.random.default_rng(seed)
    for _ in range(directions):
        u, gradients = _backpropagate(fn, tensors, rng)
        steps = [rng.standard_normal(t.shape) for t in tensors]
        products = [float(np.vdot(v, g)) for v, g in zip(steps, gradients, strict=True)]
        for i, product in enumerate(products):
            alone = [v if j == i else np.zeros_like(v) for j, v in enumerate(steps)]
            measured = _central_difference(functions[i], tensors, alone, u, eps)
            _compare(f"input {i} of shape {tensors[i].shape}", product, measured, rtol, atol)
        if not isinstance(numeric_fn, Mapping):
            measured = _central_difference(functions[0], tensors, steps, u, eps)
            _compare("all inputs jointly", sum(products), measured, rtol, atol)
    return True


def _as_float64(i: int, value: Tensor | Array) -> Array:
    array = value.data if isinstance(value, Tensor) else np.asarray(value)
    if array.dtype.kind != "f":
        raise TypeError(f"gradcheck: input {i} is an array of {array.dtype}, expected floats; put constants into fn")
    return array.astype(np.float64)


def _measured_functions(
    fn: Function, numeric_fn: Function | Mapping[int, Function] | None, count: int
) -> list[Function]:
    """For each input, the function of all inputs whose derivative its gradient should be."""
    if not isinstance(numeric_fn, Mapping):
        return [numeric_fn or fn] * count

    def of_input(i: int, function: Function) -> Function:
        return lambda *tensors: function(tensors[i])

    return [of_input(i, numeric_fn[i]) if i in numeric_fn else fn for i in range(count)]


def _backpropagate(fn: Function, tensors: list[Tensor], rng: np.random.Generator) -> tuple[Array, list[Array]]:
    """Draw u and return it with J^T u for each input; check all that needs no finite differences."""
    output = fn(*tensors)
    if not output.requires_grad:
        raise GradcheckError("gradcheck: the result of fn does not depend on its inputs (as far as the graph knows)")
    values = output.numpy()
    u = rng.standard_normal(output.shape)
    output.backward(u)
    gradients = [_checked_gradient(i, tensor) for i, tensor in enumerate(tensors)]
    again, once_more = fn(*tensors), fn(*tensors)
    if not np.array_equal(values, again.data, equal_nan=True):
        raise GradcheckError("gradcheck: fn gave two results at one point; create its random generator inside fn")
    add(again, once_more).backward(u)  # twice in one graph, added to the first gradient: 3 in all
    for i, (tensor, gradient) in enumerate(zip(tensors, gradients, strict=True)):
        if not np.allclose(_checked_gradient(i, tensor), 3 * gradient, rtol=1e-9, atol=1e-12, equal_nan=True):
            raise GradcheckError(f"gradcheck: input {i}: the gradients of repeated use do not add up")
        tensor.zero_grad()
    return u, gradients


def _checked_gradient(i: int, tensor: Tensor) -> Array:
    gradient = tensor.grad
    if gradient is None:
        raise GradcheckError(f"gradcheck: input {i} of shape {tensor.shape} got no gradient")
    if gradient.shape != tensor.shape or gradient.dtype != tensor.dtype:
        raise GradcheckError(
            f"gradcheck: the gradient of input {i} is {gradient.dtype} of shape {gradient.shape}, "
            f"expected {tensor.dtype} of shape {tensor.shape}"
        )
    return gradient.copy()


def _central_difference(function: Function, tensors: list[Tensor], steps: list[Array], u: Array, eps: float) -> float:
    """Return <u, (f(x + eps v) - f(x - eps v)) / (2 eps)>."""
    with no_grad():
        after = function(*(Tensor(t.data + eps * v) for t, v in zip(tensors, steps, strict=True)))
        before = function(*(Tensor(t.data - eps * v) for t, v in zip(tensors, steps, strict=True)))
    return float(np.vdot(u, after.data - before.data)) / (2 * eps)


def _compare(what: str, product: float, measured: float, rtol: float, atol: float) -> None:
    if not abs(product - measured) <= atol + rtol * max(abs(product), abs(measured)):  # also true of NaN
        raise GradcheckError(
            f"gradcheck: {what}: the derivative is {product:.9g} by backward, but {measured:.9g} by finite differences"
        )
