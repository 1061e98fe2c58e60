"""The checks of exercise c5, and the mistakes that they know: the Dirichlet partition."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from minizerofl_cli.exercise.properties import Given, Property
from minizerofl_datasets.partition.dirichlet import dirichlet

Rows = NDArray[np.int64]
MANY = 800  # clients over which an average is taken


def plain(y: Rows, num_clients: int, rng: Generator, alpha: float = 1.0, prior: str = "classes") -> list[Rows]:
    """Let each client draw its mix, and take samples until it has its share of all."""
    labels, counts = np.unique(y, return_counts=True)
    pools = [rng.permutation(np.flatnonzero(y == label)).tolist() for label in labels]
    p = counts / y.size if prior == "classes" else np.full(labels.size, 1 / labels.size)
    dealt: list[list[int]] = [[] for _ in range(num_clients)]
    for client in rng.permutation(num_clients):
        size = y.size // num_clients + (client < y.size % num_clients)
        q = rng.dirichlet(alpha * labels.size * p)
        while len(dealt[client]) < size:
            left = np.array([len(pool) for pool in pools])
            shares = np.where(left > 0, q, 0) if np.any(q[left > 0] > 0) else left
            for pool, n in zip(pools, rng.multinomial(size - len(dealt[client]), shares / shares.sum()), strict=True):
                dealt[client] += [pool.pop() for _ in range(min(n, len(pool)))]
    return [np.array(rows, np.int64) for rows in dealt]


def example(rng: Generator) -> Iterator[Given]:
    """Yield the sizes of the text, and some that do not divide."""
    for counts, clients in (([6, 6], 3), ([11], 3), ([10, 20, 7], 6), ([100, 40], 9)):
        yield {"y": np.repeat(np.arange(len(counts)), counts), "clients": clients, "alpha": 1.0}


def scarce(rng: Generator) -> Iterator[Given]:
    """Yield mixes that the samples cannot satisfy."""
    for counts, clients in (([1, 1], 2), ([3, 3], 2), ([9, 1], 5), ([6, 6, 6, 6], 4), ([50, 2], 13)):
        yield {"y": np.repeat(np.arange(len(counts)), counts), "clients": clients, "alpha": 0.01}


def _population(counts: list[int], alpha: float, prior: str = "classes") -> Given:
    return {"samples of each class": counts, "clients": MANY, "alpha": alpha, "prior": prior}


def nearly_iid(rng: Generator) -> Iterator[Given]:
    """Yield balanced and unbalanced sets with a large alpha."""
    yield _population([5000, 5000], 1000.0)
    yield _population([9000, 1000], 1000.0)


def skewed(rng: Generator) -> Iterator[Given]:
    """Yield balanced sets, small alpha."""
    for classes, alpha in ((2, 1.0), (4, 1.0), (4, 0.25)):
        yield _population([20000 // classes] * classes, alpha)


def uniform(rng: Generator) -> Iterator[Given]:
    """Yield an unbalanced set around equal shares."""
    yield _population([9000, 1000], 1000.0, "uniform")


def _deal(y: Rows, clients: int, alpha: float) -> list[Rows]:
    return [np.asarray(rows) for rows in dirichlet(y, clients, np.random.default_rng(7), alpha)]


def ask_sizes(**given: Any) -> dict[str, Any]:
    """Deal, and compare the sizes of the clients."""
    sizes = [rows.size for rows in _deal(**given)]
    gap = max(sizes) - min(sizes)
    return {"clients": len(sizes), "rows": sum(sizes), "largest - smallest": "0 or 1" if gap < 2 else "more than 1"}


def expected_sizes(y: Rows, clients: int, alpha: float) -> dict[str, Any]:
    """Say what the sizes are."""
    return {"clients": clients, "rows": y.size, "largest - smallest": "0 or 1"}


def ask_rows(**given: Any) -> dict[str, str]:
    """Deal, and count how often each row was dealt."""
    dealt = np.bincount(np.concatenate(_deal(**given)), minlength=given["y"].size)
    return {"rows never dealt": _some(dealt == 0), "rows dealt twice": _some(dealt > 1)}


def expected_rows(**given: Any) -> dict[str, str]:
    """Say that every row is dealt once."""
    return {"rows never dealt": "none", "rows dealt twice": "none"}


def _some(where: NDArray[np.bool_]) -> str:
    return "some" if where.any() else "none"


def ask_spread(**given: Any) -> dict[str, Any]:
    """Deal, and measure how far the mixes of the clients are from that of the whole set."""
    return _spread(dirichlet, **given)


def expected_spread(**given: Any) -> dict[str, Any]:
    """Measure it with the plain version."""
    return _spread(plain, **given)


def _spread(function: Any, **given: Any) -> dict[str, Any]:
    counts, clients = given["samples of each class"], given["clients"]
    y = np.repeat(np.arange(len(counts)), counts)
    dealt = function(y, clients, np.random.default_rng(7), given["alpha"], given["prior"])
    mixes = [np.bincount(y[rows], minlength=len(counts)) / max(1, len(rows)) for rows in dealt]
    distance = np.abs(np.array(mixes) - np.array(counts) / y.size).sum(axis=1).mean() / 2
    return {"mean distance of the clients' mixes from p": distance}


FORMULA = "q_k ~ Dirichlet(alpha C p_1, ..., alpha C p_C)"
DISTANCE = f"distance = mean over k of (1/2) sum over c of abs(q_k[c] - p[c]); {FORMULA}"
PROPERTIES = (
    Property("sizes differ by one at most.", "n // clients, or one more", example, ask_sizes, expected_sizes),
    Property(
        "every row is dealt exactly once.",
        "the union of all clients is 0, ..., n - 1",
        example,
        ask_rows,
        expected_rows,
    ),
    Property(
        "this is so too where classes run out, and the loop ends.",
        *("the union of all clients is 0, ..., n - 1", scarce, ask_rows, expected_rows),
    ),
    Property(
        "with alpha = 1000 every client's mix is near that of the set, also if classes are unequal.",
        *(DISTANCE, nearly_iid, ask_spread, expected_spread, 0.03),
    ),
    Property(
        "with a small alpha mixes differ as much as Dirichlet's draws do.",
        *(DISTANCE, skewed, ask_spread, expected_spread, 0.03),
    ),
    Property(
        'with prior="uniform" mixes vary around equal shares.',
        *("q_k ~ Dirichlet(alpha, ..., alpha)", uniform, ask_spread, expected_spread, 0.03),
    ),
)


def one_size_less(y: Rows, num_clients: int, rng: Generator, alpha: float = 1.0, prior: str = "classes") -> list[Rows]:
    """Give every client n // clients rows, so that the rest is lost."""
    kept = rng.permutation(y.size)[: y.size // num_clients * num_clients]
    return [kept[rows] for rows in plain(y[kept], num_clients, rng, alpha, prior)]


def by_class(y: Rows, num_clients: int, rng: Generator, alpha: float = 1.0, prior: str = "classes") -> list[Rows]:
    """Deal out each class by shares over the clients, which makes clients of unequal size (FedAvg's users do this)."""
    parts: list[list[Rows]] = [[] for _ in range(num_clients)]
    for label in np.unique(y):
        pool = rng.permutation(np.flatnonzero(y == label))
        ends = (rng.dirichlet(np.full(num_clients, alpha)).cumsum()[:-1] * pool.size).astype(int)
        for mine, part in zip(parts, np.split(pool, ends), strict=True):
            mine.append(part)
    return [np.concatenate(mine) for mine in parts]


def with_replacement(
    y: Rows, num_clients: int, rng: Generator, alpha: float = 1.0, prior: str = "classes"
) -> list[Rows]:
    """Draw with replacement, so that two clients may have the same sample."""
    pools = [np.flatnonzero(y == label) for label in np.unique(y)]
    p = np.array([pool.size for pool in pools]) / y.size
    dealt = []
    for part in np.array_split(y, num_clients):
        taken = rng.multinomial(part.size, rng.dirichlet(alpha * len(pools) * p))
        dealt.append(np.concatenate([rng.choice(pool, n) for pool, n in zip(pools, taken, strict=True)]))
    return dealt


def without_classes(
    y: Rows, num_clients: int, rng: Generator, alpha: float = 1.0, prior: str = "classes"
) -> list[Rows]:
    """Use alpha * p_c without the number of classes C: mixes differ more than they should."""
    return plain(y, num_clients, rng, alpha / np.unique(y).size, prior)


def not_divided(y: Rows, num_clients: int, rng: Generator, alpha: float = 1.0, prior: str = "classes") -> list[Rows]:
    """Use counts in the place of shares, so that every alpha is large: all mixes are nearly equal."""
    return plain(y, num_clients, rng, alpha * y.size, prior)


def always_uniform(y: Rows, num_clients: int, rng: Generator, alpha: float = 1.0, prior: str = "") -> list[Rows]:
    """Draw around equal shares on every set: an unbalanced one is then far from IID for every alpha."""
    return plain(y, num_clients, rng, alpha, "uniform")


def never_uniform(y: Rows, num_clients: int, rng: Generator, alpha: float = 1.0, prior: str = "") -> list[Rows]:
    """Ignore the prior."""
    return plain(y, num_clients, rng, alpha, "classes")


MUTANTS = (
    *(one_size_less, by_class, with_replacement, without_classes),
    *(not_divided, always_uniform, never_uniform),
)
