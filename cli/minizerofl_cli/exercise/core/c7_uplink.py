"""The checks of exercise c7, and the mistakes that they know: what a client sends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.random import Generator

from minizerofl.choices import UPLINKS
from minizerofl.fl.payload import Array, Kept, Payload, State
from minizerofl.fl.uplinks.uplink import Context, Uplink
from minizerofl.sparse.selection import count_kept
from minizerofl_cli.exercise.core.c1_top_k import plain as top_k
from minizerofl_cli.exercise.properties import Given, Property

Take = Callable[[Array, Array], Array]
STRATEGIES: dict[str, tuple[Take, Take]] = {  # what is ranked and what is sent, of w_t and w_E
    "topk-weights": (lambda before, after: after, lambda before, after: after),
    "diff-topk-weights": (lambda before, after: after, lambda before, after: after - before),
    "topk-diff": (lambda before, after: after - before, lambda before, after: after - before),
}


def example(rng: Generator) -> Iterator[Given]:
    """Yield the example of the text."""
    layer = np.array([4.0, 3.0, 1.0, 0.0]), np.array([4.0, 2.5, 2.0, -1.0])
    for strategy in STRATEGIES:
        yield _given(strategy, {"layer": layer}, {"layer": 0.75}, 0.25)


def _given(strategy: str, layers: dict[str, tuple[Array, Array]], sparse: dict[str, float], r: float) -> Given:
    w_t, w_end = ({name: arrays[i] for name, arrays in layers.items()} for i in range(2))
    return {"strategy": strategy, "w_t": w_t, "w_E": w_end, "sp": sparse, "r": r}


def _draw(rng: Generator, shape: tuple[int, ...]) -> tuple[Array, Array]:
    """Draw w_t and w_E so that weights, changes and what was sent have no ties and no zeros."""
    n = int(np.prod(shape))
    start = (rng.permutation(n) + 1.0) * rng.choice([-1, 1], n)
    change = (rng.permutation(n) + 1.0) * rng.choice([-1, 1], n) / 64
    return start.reshape(shape), (start + change).reshape(shape)


def one_layer(rng: Generator, strategies: tuple[str, ...], ratios: tuple[float, ...]) -> Iterator[Given]:
    """Yield one sparse layer."""
    for shape, sp in (((4,), 0.75), ((2, 4), 0.75), ((4, 5), 0.8)):
        for strategy in strategies:
            for r in ratios:
                yield _given(strategy, {"layer": _draw(rng, shape)}, {"layer": sp}, r)


def weights(rng: Generator) -> Iterator[Given]:
    """Yield the strategy that sends weights, without r."""
    return one_layer(rng, ("topk-weights",), (0.0,))


def ratios(rng: Generator) -> Iterator[Given]:
    """Yield the strategy that sends weights, with r."""
    return one_layer(rng, ("topk-weights",), (0.25, 0.5, 0.9))


def changes(rng: Generator) -> Iterator[Given]:
    """Yield the strategies that send changes."""
    return one_layer(rng, ("diff-topk-weights", "topk-diff"), (0.25,))


def two_layers(rng: Generator) -> Iterator[Given]:
    """Yield two layers, one with far larger weights, and of another sparsity."""
    for strategy in STRATEGIES:
        small, large = _draw(rng, (2, 2)), tuple(10 * each for each in _draw(rng, (2, 4)))
        yield _given(strategy, {"one": small, "two": (large[0], large[1])}, {"one": 0.5, "two": 0.75}, 0.0)


def with_bias(rng: Generator) -> Iterator[Given]:
    """Yield a sparse layer and a bias."""
    for strategy in STRATEGIES:
        layers = {"layer": _draw(rng, (2, 2)), "bias": _draw(rng, (2,))}
        yield _given(strategy, layers, {"layer": 0.75}, 0.25)


def ask(strategy: str, w_t: State, w_E: State, sp: dict[str, float], r: float) -> dict[str, Any]:
    """Let the uplink select."""
    return _told(UPLINKS[strategy](sp, r).select(w_t, w_E, Context()))


def _told(payload: Payload) -> dict[str, Any]:
    """Take a payload apart, so that it can be compared and shown."""
    told: dict[str, Any] = {}
    for name in sorted(payload):
        tensor = payload[name]
        kept = {"positions": tensor.positions, "values": tensor.values} if isinstance(tensor, Kept) else None
        told[name] = kept or tensor
    return told


def expected(strategy: str, w_t: State, w_E: State, sp: dict[str, float], r: float) -> dict[str, Any]:
    """Rank, cut and take."""
    ranked, sent = STRATEGIES[strategy]
    told: dict[str, Any] = {}
    for name in sorted(w_E):
        told[name] = values = sent(w_t[name], w_E[name])
        if name in sp:
            k = min(w_E[name].size, int(np.ceil(round((1 - sp[name] + r) * w_E[name].size, 6))))
            positions = top_k(ranked(w_t[name], w_E[name]), k)
            told[name] = {"positions": positions, "values": values.reshape(-1)[positions]}
    return told


K = "k = ceil((1 - sp + r) n)"
PROPERTIES = (
    Property("the example of the text comes out, for all three strategies.", K, example, ask, expected),
    Property("without r, topk-weights sends the largest weights.", "w_E at top_k(w_E)", weights, ask, expected),
    Property("r adds to what is sent, up to the whole layer.", K, ratios, ask, expected),
    Property("the other strategies send w_E - w_t.", "(w_E - w_t) at top_k(ranked)", changes, ask, expected),
    Property("each layer is cut by itself, by its own sparsity.", K, two_layers, ask, expected),
    Property(
        "what is not in self.sparse is sent whole, as a change if changes are sent.",
        *("w_E, or w_E - w_t", with_bias, ask, expected),
    ),
)


def _select(
    self: Uplink, start: State, end: State, shares: dict[str, tuple[float, float]] | None = None, **options: bool
) -> dict[str, Array | Kept]:
    """Select as the library does, but for what the options change."""
    shares = shares or {name: (sp, self.mask_ratio) for name, sp in self.sparse.items()}
    rank_start, differences = options.get("rank_start", False), options.get("differences", self.differences)
    ranked = {
        name: start[name] if rank_start else self.rank(name, start[name], end[name], Context()) for name in shares
    }
    budget = {name: count_kept(end[name].size, *shares[name]) for name in shares}
    chosen = self.choose(ranked, budget, Context())
    payload: dict[str, Array | Kept] = {}
    for name, after in end.items():
        sent = after - start[name] if differences else after
        payload[name] = Kept(after.shape, chosen[name], sent.reshape(-1)[chosen[name]]) if name in chosen else sent
        if name not in chosen and options.get("whole_weights"):
            payload[name] = after
    return payload


def without_ratio(self: Uplink, start: State, end: State, ctx: Context | None = None) -> Payload:
    """Leave out r: k = 1 - sp, as much as training uses."""
    return _select(self, start, end, {name: (sp, 0.0) for name, sp in self.sparse.items()})


def doubled_ratio(self: Uplink, start: State, end: State, ctx: Context | None = None) -> Payload:
    """Count r twice; a published program for sparse federated training has such a line."""
    return _select(self, start, end, {name: (sp, min(1, 2 * self.mask_ratio)) for name, sp in self.sparse.items()})


def ratio_only(self: Uplink, start: State, end: State, ctx: Context | None = None) -> Payload:
    """Send the share r in all; it is added to 1 - sp."""
    return _select(self, start, end, dict.fromkeys(self.sparse, (1 - 1e-09, self.mask_ratio)))


def always_weights(self: Uplink, start: State, end: State, ctx: Context | None = None) -> Payload:
    """Send w_E in every strategy."""
    return _select(self, start, end, differences=False)


def old_mask(self: Uplink, start: State, end: State, ctx: Context | None = None) -> Payload:
    """Rank the weights of w_t, from before training."""
    return _select(self, start, end, rank_start=True)


def whole_model(self: Uplink, start: State, end: State, ctx: Context | None = None) -> Payload:
    """Cut all layers together, so that a layer of small weights sends nothing."""
    ranked = {name: self.rank(name, start[name], end[name], Context()) for name in self.sparse}
    k = sum(count_kept(end[name].size, self.sparse[name], self.mask_ratio) for name in ranked)
    largest = top_k(np.concatenate([each.reshape(-1) for each in ranked.values()]), k)
    payload: dict[str, Array | Kept] = {}
    for name, after in end.items():
        payload[name] = sent = after - start[name] if self.differences else after
        if name in ranked:
            positions = largest[(largest >= 0) & (largest < after.size)]
            payload[name], largest = Kept(after.shape, positions, sent.reshape(-1)[positions]), largest - after.size
    return payload


def whole_weights(self: Uplink, start: State, end: State, ctx: Context | None = None) -> Payload:
    """Send changes of the sparse layers, but the other tensors as they are: the server would add them to w_t."""
    return _select(self, start, end, whole_weights=True)


def all_in_part(self: Uplink, start: State, end: State, ctx: Context | None = None) -> Payload:
    """Cut every tensor, biases too."""
    sp = next(iter(self.sparse.values()))
    return _select(self, start, end, {name: (self.sparse.get(name, sp), self.mask_ratio) for name in end})


MUTANTS = (
    *(without_ratio, doubled_ratio, ratio_only, always_weights),
    *(old_mask, whole_model, whole_weights, all_in_part),
)
