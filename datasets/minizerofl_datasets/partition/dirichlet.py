"""Label skew: each client's distribution of classes is a draw from a Dirichlet distribution.

    q_k ~ Dirichlet(alpha * C * p),   p_c = share of class c, C classes;   alpha -> infinity: q_k -> p, which is iid

Source: Hsu, Qi & Brown, "Measuring the Effects of Non-Identical Data Distribution for Federated Visual Classification",
section 3; used by ZeroFL (4.1) for CIFAR-10 and Speech Commands. Alpha 1000 is near IID, alpha 1.0 is not; the
captions of the paper's tables 1 and 3 have the two the wrong way round.
"""

import numpy as np
import numpy.typing as npt

from minizerofl_datasets.choices import PRIORS
from minizerofl_datasets.errors import check_choice
from minizerofl_datasets.partition.even import check_alpha, check_min_size, draw_shares
from minizerofl_datasets.partition.result import Rows

__all__ = ["dirichlet", "dirichlet_min"]

Shares = npt.NDArray[np.float64]


def dirichlet(
    y: npt.NDArray[np.int64],
    num_clients: int,
    rng: np.random.Generator,
    alpha: float = 1.0,
    prior: str = "classes",
) -> list[Rows]:
    """Deal equal parts, each with a class distribution of its own.

    Clients come in random order; each fills its quota by its distribution, without replacement. Where a class has run
    out the rest of the quota is drawn from the classes that are left, so the last clients may not get what they drew.

    Parameters
    ----------
    y : ndarray of int64, shape (N,)
        Labels.
    num_clients : int
    rng : numpy.random.Generator
    alpha : float
        Concentration: 1000 is near iid, 1.0 is the paper's non-iid.
    prior : {"classes", "uniform"}
        Around which distribution clients vary: the classes' shares (p above), or equal shares, which is Flower's
        routine. They differ on unbalanced sets only; with "uniform" such a set is far from iid for every alpha.

    Returns
    -------
    list of ndarray of int64
        Each client's rows; sizes differ by one at most.

    Raises
    ------
    ValueError
        If alpha is not positive or the prior unknown.

    Examples
    --------
    >>> y = np.repeat([0, 1], 50)
    >>> [np.bincount(y[rows], minlength=2).tolist() for rows in dirichlet(y, 2, np.random.default_rng(0), alpha=0.1)]
    [[12, 38], [38, 12]]
    """
    check_alpha(alpha)
    check_choice("prior", prior, PRIORS)
    pools = _pools(y, rng)
    left = np.array([len(pool) for pool in pools])
    base = left / left.sum() if prior == "classes" else np.full(len(pools), 1 / len(pools))
    quota = np.full(num_clients, len(y) // num_clients)
    quota[: len(y) % num_clients] += 1
    rows: list[Rows] = [np.empty(0, np.int64)] * num_clients
    for client in rng.permutation(num_clients):
        take = _draw_counts(quota[client], draw_shares(_concentration(base, alpha), base, rng), left, rng)
        left -= take
        rows[client] = np.concatenate([pool[n : n + t] for pool, n, t in zip(pools, left, take, strict=True)])
    return rows


def dirichlet_min(
    y: npt.NDArray[np.int64],
    num_clients: int,
    rng: np.random.Generator,
    alpha: float = 1.0,
    min_size: int = 10,
) -> list[Rows]:
    """Deal each class by shares drawn from Dirichlet(alpha) over the clients: classes and sizes are both unequal.

    Then clients with fewer than ``min_size`` samples get random samples of the largest client. (The usual way, to draw
    again until all have enough, may never end.)

    Raises
    ------
    ValueError
        If alpha is not positive, or the samples do not suffice for ``min_size`` each.

    Examples
    --------
    >>> y = np.arange(600) % 3
    >>> min(len(rows) for rows in dirichlet_min(y, 20, np.random.default_rng(0), alpha=0.05))
    10
    """
    check_alpha(alpha)
    check_min_size(min_size, len(y), num_clients)
    even = np.full(num_clients, 1 / num_clients)
    parts: list[list[Rows]] = [[] for _ in range(num_clients)]
    for pool in _pools(y, rng):
        shares = draw_shares(_concentration(even, alpha), even, rng)
        ends = np.rint(shares.cumsum()[:-1] * len(pool)).astype(np.int64)
        for mine, part in zip(parts, np.split(pool, ends), strict=True):
            mine.append(part)
    rows = [rng.permutation(np.concatenate(mine)) for mine in parts]
    sizes = np.array([len(mine) for mine in rows])
    while (smallest := int(sizes.argmin())) != (largest := int(sizes.argmax())) and sizes[smallest] < min_size:
        moved = min(min_size - sizes[smallest], sizes[largest] - min_size)
        rows[smallest] = np.concatenate([rows[smallest], rows[largest][:moved]])
        rows[largest] = rows[largest][moved:]
        sizes[smallest], sizes[largest] = len(rows[smallest]), len(rows[largest])
    return rows


def _pools(y: Rows, rng: np.random.Generator) -> list[Rows]:
    """Return the rows of each class that occurs, shuffled."""
    return [rng.permutation(np.flatnonzero(y == label)) for label in np.unique(y)]


def _concentration(base: Shares, alpha: float) -> Shares:
    """Return alpha * C * base, above 0; infinite where that is too large for a number."""
    with np.errstate(over="ignore"):
        return np.maximum(alpha * len(base) * base, np.finfo(np.float64).tiny)


def _draw_counts(quota: int, shares: Shares, left: Rows, rng: np.random.Generator) -> Rows:
    """Draw ``quota`` samples by ``shares``, at most ``left`` of each class.

    A round either fills the quota or exhausts a class, so there are at most as many rounds as classes and one.
    """
    take = np.zeros_like(left)
    while (missing := quota - take.sum()) > 0:
        open_shares = np.where(take < left, shares, 0.0)
        if open_shares.sum() == 0:  # The classes that this client drew have run out.
            open_shares = (left - take).astype(np.float64)
        take = np.minimum(take + rng.multinomial(missing, open_shares / open_shares.sum()), left)
    return take
