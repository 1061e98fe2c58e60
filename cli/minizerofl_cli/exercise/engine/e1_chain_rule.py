"""The checks of exercise e1, and the mistakes that they know: the reverse sweep."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.random import Generator

from minizerofl.autograd.sweep import topological_order
from minizerofl.autograd.tensor import Tensor
from minizerofl.kernels.types import Array
from minizerofl_cli.exercise.properties import Given, Property

# A program of a and b, and its derivatives.
PROGRAMS: dict[str, tuple[Callable[[Any, Any], Any], Callable[[Any, Any], tuple[Any, Any]]]] = {
    "2 * a * b": (lambda a, b: 2 * a * b, lambda a, b: (2 * b, 2 * a)),
    "(3 * (2 * a)) * b": (lambda a, b: (3 * (2 * a)) * b, lambda a, b: (6 * b, 6 * a)),
    "-(a - b) * 5": (lambda a, b: -(a - b) * 5, lambda a, b: (-5, 5)),
    "a * a + b": (lambda a, b: a * a + b, lambda a, b: (2 * a, 1)),
    "a * b + a": (lambda a, b: a * b + a, lambda a, b: (b + 1, a)),
    "c = 2 * a; c * a + b": (lambda a, b: (2 * a) * a + b, lambda a, b: (4 * a, 1)),
    "c = a * b; c * (c + a)": (
        lambda a, b: _reuse(a, b),
        lambda a, b: (2 * a * b * b + 2 * a * b, 2 * a * a * b + a * a),
    ),
    "c = a + b; c * a": (lambda a, b: (a + b) * a, lambda a, b: (2 * a + b, a)),
    "c = a + b; d = c + a; d * 1": (lambda a, b: ((a + b) + a) * 1, lambda a, b: (2, 1)),
}


def _reuse(a: Any, b: Any) -> Any:
    c = a * b
    return c * (c + a)


def example(rng: Generator) -> Iterator[Given]:
    """Yield the example of the text."""
    yield _given("c = 2 * a; c * a + b", np.array([3.0]), np.array([0.0]))


def _given(program: str, a: Array, b: Array, seed: float = 1.0, times: int = 1) -> Given:
    return {"program": program, "a": a, "b": b, "dL/d(result)": np.full(a.shape, seed), "times": times}


def _draw(rng: Generator, *programs: str, **options: Any) -> Iterator[Given]:
    for shape in ((1,), (2, 2)):
        for program in programs:
            a, b = (rng.integers(1, 9, shape).astype(float) for _ in range(2))
            yield _given(program, a, b, **options)


def chains(rng: Generator) -> Iterator[Given]:
    """Yield programs that use everything once."""
    return _draw(rng, "2 * a * b", "(3 * (2 * a)) * b", "-(a - b) * 5")


def leaves(rng: Generator) -> Iterator[Given]:
    """Yield programs that use a leaf twice."""
    return _draw(rng, "a * a + b", "a * b + a")


def inside(rng: Generator) -> Iterator[Given]:
    """Yield programs that use a result twice."""
    return _draw(rng, "c = 2 * a; c * a + b", "c = a * b; c * (c + a)")


def shared(rng: Generator) -> Iterator[Given]:
    """Yield programs in which a sum hands one array to both of its inputs."""
    return _draw(rng, "c = a + b; c * a", "c = a + b; d = c + a; d * 1")


def seeds(rng: Generator) -> Iterator[Given]:
    """Yield sweeps that begin with another gradient than 1."""
    return _draw(rng, "2 * a * b", seed=3.0)


def repeated(rng: Generator) -> Iterator[Given]:
    """Yield two sweeps, one after the other, through new graphs."""
    return _draw(rng, "2 * a * b", "a * a + b", times=2)


def ask(**given: Any) -> dict[str, Any]:
    """Run the program and sweep back."""
    a, b = (Tensor(given[name], requires_grad=True) for name in "ab")
    for _ in range(given["times"]):
        PROGRAMS[given["program"]][0](a, b).backward(given["dL/d(result)"])
    return {"da": a.grad, "db": b.grad}


def expected(**given: Any) -> dict[str, Any]:
    """Differentiate by hand."""
    scale = given["times"] * given["dL/d(result)"]
    return {
        f"d{name}": scale * d
        for name, d in zip("ab", PROGRAMS[given["program"]][1](given["a"], given["b"]), strict=True)
    }


def ask_again(**given: Any) -> dict[str, str]:
    """Sweep back twice through one graph."""
    a = Tensor(given["a"], requires_grad=True)
    result = PROGRAMS[given["program"]][0](a, given["b"])
    result.backward(given["dL/d(result)"])
    try:
        result.backward(given["dL/d(result)"])
    except RuntimeError:
        return {"a second sweep": "is refused"}
    return {"a second sweep": "goes through arrays that should be freed"}


FORMULA = "dL/dx = sum over the uses y of x of (dy/dx)^T dL/dy"
PROPERTIES = (
    Property("the example of the text comes out.", FORMULA, example, ask, expected),
    Property("along a chain the derivatives multiply.", FORMULA, chains, ask, expected),
    Property("what is used twice as a leaf gets both shares.", FORMULA, leaves, ask, expected),
    Property("a result that is used twice passes on the sum of both shares.", FORMULA, inside, ask, expected),
    Property("shares that are one array stay as they are.", FORMULA, shared, ask, expected),
    Property("the sweep begins with the given gradient of the result.", FORMULA, seeds, ask, expected),
    Property("a leaf's gradient is added to the one that it has.", "grad <- grad + dL/dx", repeated, ask, expected),
    Property(
        "a node is freed when it is done.",
        *("node.free()", chains, ask_again, lambda **given: {"a second sweep": "is refused"}),
    ),
)


def _sweep(
    root: Tensor, seed: Array, join: Callable[[Any, Any], Any], leaf: Callable[[Any, Any], Any], free: bool
) -> None:
    gradients: dict[int, Any] = {id(root): seed}
    for tensor in reversed(topological_order(root)):
        grad, node = gradients.pop(id(tensor)), tensor.node
        if node is None:
            tensor.raw_grad = leaf(tensor.raw_grad, grad)
            continue
        for source, share in zip(node.inputs, node.op.gradients(node, grad), strict=True):
            if source is not None and share is not None:
                gradients[id(source)] = join(gradients.get(id(source)), share)
        if free:
            node.free()


def _plus(total: Any, share: Any) -> Any:
    return share if total is None else total + share


def _last(total: Any, share: Any) -> Any:
    return share


def _in_place(total: Any, share: Any) -> Any:
    if total is None:
        return share
    total += share
    return total


def not_added(root: Tensor, seed: Array) -> None:
    """Keep only the last share of what is used twice."""
    _sweep(root, seed, _last, _plus, free=True)


def leaf_overwritten(root: Tensor, seed: Array) -> None:
    """Overwrite the gradient that a leaf has from before; it should grow until zero_grad is called."""
    _sweep(root, seed, _plus, _last, free=True)


def in_place(root: Tensor, seed: Array) -> None:
    """Add shares in place: two inputs of a sum have one array as their share, and both change."""
    _sweep(root, seed, _in_place, _plus, free=True)


def without_seed(root: Tensor, seed: Array) -> None:
    """Begin with 1 in the place of the given gradient."""
    _sweep(root, np.ones_like(seed), _plus, _plus, free=True)


def not_freed(root: Tensor, seed: Array) -> None:
    """Leave the nodes as they are, so that memory grows."""
    _sweep(root, seed, _plus, _plus, free=False)


def too_early(root: Tensor, seed: Array) -> None:
    """Pass a share on as soon as it arrives, and again with the next: early shares count several times."""
    total: dict[int, Any] = {}
    work = [(root, seed)]
    while work:
        tensor, share = work.pop(0)
        node = tensor.node
        total[id(tensor)] = grad = _plus(total.get(id(tensor)), share)
        if node is None:
            tensor.raw_grad = _plus(tensor.raw_grad, share)
            continue
        shares = zip(node.inputs, node.op.gradients(node, grad), strict=True)
        work += [(t, g) for t, g in shares if t is not None and g is not None]  # type: ignore[misc]


MUTANTS = (not_added, leaf_overwritten, in_place, without_seed, not_freed, too_early)
