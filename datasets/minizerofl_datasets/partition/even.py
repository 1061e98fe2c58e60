"""Partitions without a label distribution of their own: at random, by shards of equal labels, by unequal sizes."""

import numpy as np
import numpy.typing as npt

from minizerofl_datasets.partition.result import Rows

__all__ = ["check_alpha", "check_min_size", "draw_shares", "iid", "quantity", "shards"]

# From this concentration on a draw differs from its mean by less than a float can tell for any number of samples.
EVEN = 1e15


def iid(y: npt.NDArray[np.int64], num_clients: int, rng: np.random.Generator) -> list[Rows]:
    """Deal at random, in equal parts (sizes differ by one at most).

    Examples
    --------
    >>> [len(rows) for rows in iid(np.zeros(7, np.int64), 3, np.random.default_rng(0))]
    [3, 2, 2]
    """
    return np.array_split(rng.permutation(len(y)), num_clients)


def shards(
    y: npt.NDArray[np.int64], num_clients: int, rng: np.random.Generator, shards_per_client: int = 2
) -> list[Rows]:
    """Sort by label, cut into equal shards, and give each client some at random: it then has few classes.

    Source: McMahan et al., "Communication-Efficient Learning of Deep Networks from Decentralized Data", section 3.

    Raises
    ------
    ValueError
        If there are fewer samples than shards.

    Examples
    --------
    >>> y = np.repeat(np.arange(10), 20)
    >>> max(len(np.unique(y[rows])) for rows in shards(y, 5, np.random.default_rng(0)))
    2
    """
    if shards_per_client < 1 or num_clients * shards_per_client > len(y):
        raise ValueError(
            f"shards_per_client={shards_per_client}: give 1 to {len(y) // num_clients}, "
            f"since there are {len(y)} samples and {num_clients} clients."
        )
    shuffled = rng.permutation(len(y))  # Which samples of a class share a shard is random.
    pieces = np.array_split(shuffled[np.argsort(y[shuffled], kind="stable")], num_clients * shards_per_client)
    dealt = rng.permutation(len(pieces)).reshape(num_clients, shards_per_client)
    return [np.concatenate([pieces[piece] for piece in own]) for own in dealt]


def quantity(
    y: npt.NDArray[np.int64], num_clients: int, rng: np.random.Generator, alpha: float = 1.0, min_size: int = 1
) -> list[Rows]:
    """Deal at random in unequal parts: after ``min_size`` each, shares are one draw from Dirichlet(alpha).

    Raises
    ------
    ValueError
        If alpha is not positive, or the samples do not suffice for ``min_size`` each.

    Examples
    --------
    >>> sizes = [len(rows) for rows in quantity(np.zeros(1000, np.int64), 3, np.random.default_rng(0))]
    >>> sum(sizes), max(sizes) > 2 * min(sizes)
    (1000, True)
    """
    check_alpha(alpha)
    check_min_size(min_size, len(y), num_clients)
    share = draw_shares(np.full(num_clients, alpha), np.full(num_clients, 1 / num_clients), rng)
    spare = len(y) - min_size * num_clients
    ends = np.rint(share.cumsum()[:-1] * spare).astype(np.int64) + min_size * np.arange(1, num_clients)
    return np.split(rng.permutation(len(y)), ends)


def draw_shares(
    concentration: npt.NDArray[np.float64], mean: npt.NDArray[np.float64], rng: np.random.Generator
) -> npt.NDArray[np.float64]:
    """Draw shares from a Dirichlet distribution, also where its parameters leave the range of floats.

    Parameters
    ----------
    concentration : ndarray of float64, shape (C,)
        Its parameters, all above 0.
    mean : ndarray of float64, shape (C,)
        The parameters over their sum: what a draw tends to when they are large.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of float64, shape (C,)
        They add up to 1.

    Examples
    --------
    >>> draw_shares(np.full(4, 1e308), np.full(4, 0.25), np.random.default_rng(0)).tolist()
    [0.25, 0.25, 0.25, 0.25]
    >>> sorted(draw_shares(np.full(4, 1e-320), np.full(4, 0.25), np.random.default_rng(0)).tolist())
    [0.0, 0.0, 0.0, 1.0]
    """
    if concentration.max() > EVEN:
        return mean
    shares = rng.dirichlet(concentration)
    if not np.isfinite(shares).all():  # A tiny alpha makes every component underflow: all weight goes to one class.
        shares = np.eye(len(mean))[rng.choice(len(mean), p=mean)]
    return shares


def check_alpha(alpha: float) -> None:
    """Refuse a concentration that is not positive.

    Examples
    --------
    >>> check_alpha(-1)
    Traceback (most recent call last):
    ...
    ValueError: alpha=-1: give a positive number; 1000 is near iid, 0.1 far from it.
    """
    if not alpha > 0:  # This form refuses NaN too.
        raise ValueError(f"alpha={alpha}: give a positive number; 1000 is near iid, 0.1 far from it.")


def check_min_size(min_size: int, samples: int, num_clients: int) -> None:
    """Refuse a smallest client that is empty or for which the samples do not suffice.

    Examples
    --------
    >>> check_min_size(3, 10, 5)
    Traceback (most recent call last):
    ...
    ValueError: min_size=3: give 1 to 2, since there are 10 samples and 5 clients.
    """
    if not 1 <= min_size <= samples // num_clients:
        raise ValueError(
            f"min_size={min_size}: give 1 to {samples // num_clients}, since there are {samples} samples and "
            f"{num_clients} clients."
        )
