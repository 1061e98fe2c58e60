"""The checks of exercise e2, and the mistakes that they know: the topological order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from numpy.random import Generator

from minizerofl.autograd.sweep import _wanted, topological_order
from minizerofl.autograd.tensor import Tensor
from minizerofl_cli.exercise.properties import Given, Property

Graph = dict[str, str]  # the inputs of each Tensor, by their letters; a capital letter stands for a constant


def example(rng: Generator) -> Iterator[Given]:
    """Yield the example of the text."""
    yield {"graph": {"b": "a", "c": "ba", "d": "cb"}}


def small(rng: Generator) -> Iterator[Given]:
    """Yield chains and trees, without a Tensor that is used twice."""
    yield {"graph": {"b": "a"}}
    yield {"graph": {"b": "a", "c": "b", "d": "c"}}
    yield {"graph": {"c": "ab", "f": "de", "g": "cf"}}


def reuse(rng: Generator) -> Iterator[Given]:
    """Yield graphs in which results are used twice, near and far from the end."""
    yield {"graph": {"b": "aa"}}
    yield {"graph": {"b": "a", "c": "a", "d": "bc"}}
    yield {"graph": {"b": "a", "c": "b", "d": "c", "e": "bd"}}
    yield {"graph": {"b": "a", "c": "b", "d": "c", "e": "db"}}
    for size in (6, 10):
        letters = "abcdefghij"[:size]
        yield {"graph": {letters[i]: letters[i - 1] + letters[rng.integers(0, i)] for i in range(1, size)}}


def constants(rng: Generator) -> Iterator[Given]:
    """Yield graphs with inputs that need no gradient."""
    yield {"graph": {"b": "aA"}}
    yield {"graph": {"b": "Aa", "c": "bB", "d": "cA"}}


def ask(graph: Graph) -> dict[str, Any]:
    """Order the Tensors of a graph, and look for what is wrong with the order."""
    tensors: dict[str, Tensor] = {}
    for name, inputs in graph.items():
        for each in inputs:
            tensors.setdefault(each, Tensor([1.0], requires_grad=each.islower()))
        first, *rest = (tensors[each] for each in inputs)
        tensors[name] = first * rest[0] if rest else first * 2
    root = list(graph)[-1]
    names = {id(tensor): name for name, tensor in tensors.items()}
    order = [names.get(id(tensor), "?") for tensor in topological_order(tensors[root])]
    needed = {name for name in tensors if name.islower()}
    early = [n for n in graph if n in order and any(s in order[order.index(n) :] for s in graph[n] if s.islower())]
    return {
        "order": "".join(order),
        "missing": "".join(sorted(needed - set(order))),
        "more than once": "".join(sorted(n for n in set(order) if order.count(n) > 1)),
        "before its inputs": "".join(early),
        "not wanted": "".join(sorted(set(order) - needed)),
    }


def ask_faults(graph: Graph) -> dict[str, Any]:
    """Leave out the order itself, since several may be right."""
    return {name: fault for name, fault in ask(graph).items() if name != "order"}


def no_faults(graph: Graph) -> dict[str, Any]:
    """Say that nothing is wrong."""
    return dict.fromkeys(("missing", "more than once", "before its inputs", "not wanted"), "")


def long_chains(rng: Generator) -> Iterator[Given]:
    """Yield chains that are longer than Python's stack of calls."""
    yield {"operations in a row": 10}
    yield {"operations in a row": 5000}


def ask_chain(**given: Any) -> dict[str, Any]:
    """Order a chain."""
    last = Tensor([1.0], requires_grad=True)
    for _ in range(given["operations in a row"]):
        last = last * 1
    order = topological_order(last)
    return {"Tensors": len(order), "the last is the root": "yes" if order[-1] is last else "no"}


def doublings(rng: Generator) -> Iterator[Given]:
    """Yield y = y + y, several times."""
    for times in (1, 3, 14):
        yield {"times y = y + y": times}


def ask_doubling(**given: Any) -> dict[str, int]:
    """Order the graph."""
    y = Tensor([1.0], requires_grad=True)
    for _ in range(given["times y = y + y"]):
        y = y + y
    return {"Tensors": len(topological_order(y))}


FORMULA = "position(input) < position(result), each Tensor once"
PROPERTIES = (
    Property(
        "the example of the text comes out.",
        *(FORMULA, example, ask, lambda graph: {"order": "abcd", **no_faults(graph)}),
    ),
    Property("chains and trees are ordered, inputs first.", FORMULA, small, ask_faults, no_faults),
    Property("what is used twice stands before all its uses, once.", FORMULA, reuse, ask_faults, no_faults),
    Property("what needs no gradient is left out.", "only inputs of _wanted(node)", constants, ask_faults, no_faults),
    Property(
        "y = y + y, n times, has n + 1 Tensors.",
        *(FORMULA, doublings, ask_doubling, lambda **given: {"Tensors": given["times y = y + y"] + 1}),
    ),
    Property(
        "a chain of thousands of operations is no harder than a short one.",
        *(FORMULA, long_chains, ask_chain),
        lambda **given: {"Tensors": given["operations in a row"] + 1, "the last is the root": "yes"},
    ),
)


def recursive(root: Tensor) -> list[Tensor]:
    """Call the function from within itself, which ends at about a thousand calls."""
    order: list[Tensor] = []
    seen: set[int] = set()

    def visit(tensor: Tensor) -> None:
        seen.add(id(tensor))
        for source in _wanted(tensor.node) if tensor.node else []:
            if id(source) not in seen:
                visit(source)
        order.append(tensor)

    visit(root)
    return order


def results_first(root: Tensor) -> list[Tensor]:
    """Write a Tensor down when it is found and not when its inputs are done."""
    order, stack, seen = [], [root], {id(root)}
    while stack:
        tensor = stack.pop()
        order.append(tensor)
        for source in _wanted(tensor.node) if tensor.node else []:
            if id(source) not in seen:
                seen.add(id(source))
                stack.append(source)
    return order


def breadth_first(root: Tensor) -> list[Tensor]:
    """Search in breadth and turn the list round; with a shortcut in the graph a Tensor comes before its input."""
    order, seen = [root], {id(root)}
    for tensor in order:
        for source in _wanted(tensor.node) if tensor.node else []:
            if id(source) not in seen:
                seen.add(id(source))
                order.append(source)
    return order[::-1]


def visited_again(root: Tensor) -> list[Tensor]:
    """Visit a Tensor for each of its uses, which doubles the work at each y = y + y."""
    order: list[Tensor] = []
    stack = [(root, False)]
    while stack:
        tensor, done = stack.pop()
        if done:
            order.append(tensor)
            continue
        stack.append((tensor, True))
        stack.extend((source, False) for source in (_wanted(tensor.node) if tensor.node else []))
    return order


def _post_order(root: Tensor, constants: bool) -> list[Tensor]:
    order: list[Tensor] = []
    stack, seen = [(root, False)], set()
    while stack:
        tensor, done = stack.pop()
        if done:
            order.append(tensor)
        elif id(tensor) not in seen:
            seen.add(id(tensor))
            stack.append((tensor, True))
            inputs = tensor.node.inputs if tensor.node else ()
            stack.extend((s, False) for s in inputs if s is not None and (constants or s.requires_grad))
    return order


def with_constants(root: Tensor) -> list[Tensor]:
    """List the inputs that need no gradient as well."""
    return _post_order(root, constants=True)


def without_root(root: Tensor) -> list[Tensor]:
    """Leave out the root itself."""
    return _post_order(root, constants=False)[:-1]


def without_leaves(root: Tensor) -> list[Tensor]:
    """Leave out the leaves, whose gradients are what training needs."""
    return [tensor for tensor in _post_order(root, constants=False) if tensor.node is not None]


MUTANTS = (
    *(recursive, results_first, breadth_first, visited_again),
    *(with_constants, without_root, without_leaves),
)
