"""The methods of splitting a pool over clients, by name."""

import inspect
from collections.abc import Callable, Sequence
from importlib import import_module

import numpy as np
import numpy.typing as npt

from minizerofl_datasets.choices import DEALERS, METHODS
from minizerofl_datasets.errors import check_choice
from minizerofl_datasets.partition.result import Partition, Rows, read_partition

__all__ = ["choose", "client_id", "split"]

Method = Callable[..., list[Rows]]


def split(
    y: npt.NDArray[np.int64],
    method: str = "dirichlet",
    *,
    num_clients: int = 100,
    seed: int = 0,
    owners: Sequence[str] | npt.NDArray[np.str_] | None = None,
    prefix: str = "client",
    **parameters: str | int | float,
) -> Partition:
    """Split a pool of labelled samples over clients. Every sample is used exactly once and no client is empty.

    Parameters
    ----------
    y : ndarray of int64, shape (N,)
        Labels of the pool.
    method : {"natural", "iid", "dirichlet", "dirichlet-min", "shards", "quantity"}
        "natural": each client has its own samples (``owners``); "iid": at random, equal sizes; "dirichlet": label skew,
        equal sizes; "dirichlet-min": label skew, unequal sizes; "shards": few classes each; "quantity": equal
        classes, unequal sizes.
    num_clients : int
        The number of clients; with "natural" it is the number of owners.
    seed : int
        Fixes the split.
    owners : sequence of str, length N, optional
        The owner of each sample, such as its writer, for "natural".
    prefix : str
        Clients are called ``prefix-0000`` and so on; "natural" keeps the owners' names.
    **parameters
        The method's own: ``alpha`` (dirichlet, dirichlet-min, quantity), ``prior`` (dirichlet: "classes" or
        "uniform"), ``min_size`` (dirichlet-min, quantity), ``shards_per_client`` (shards).

    Returns
    -------
    Partition

    Raises
    ------
    ValueError
        If an argument is unknown or out of its range, or there are fewer samples than clients.

    Examples
    --------
    >>> y = np.arange(1000) % 10
    >>> skewed = split(y, "dirichlet", num_clients=4, alpha=0.5)
    >>> skewed.clients[0], [len(skewed.rows(client)) for client in skewed.clients]
    ('client-0000', [250, 250, 250, 250])
    """
    check_choice("partition", method, METHODS)
    if method == "natural":
        if parameters:
            raise ValueError(f"partition='natural' takes no {', '.join(parameters)}: each client has its own samples.")
        return _natural(y, owners, seed)
    module, function = DEALERS[method].split(":")
    dealer: Method = getattr(import_module(module), function)
    own = list(inspect.signature(dealer).parameters)[3:]
    for name in parameters:
        if name not in own:
            takes = f"it takes {', '.join(own)}" if own else "it takes no parameters"
            raise ValueError(f"{name} is not a parameter of partition={method!r}: {takes}.")
    if not 1 <= num_clients <= len(y):
        raise ValueError(f"num_clients={num_clients}: give 1 to {len(y)}, the number of samples.")
    rows = dealer(y, num_clients, np.random.default_rng(seed), **parameters)
    defaults = {name: each.default for name, each in inspect.signature(dealer).parameters.items() if name in own}
    members = {client_id(prefix, number, num_clients): part for number, part in enumerate(rows)}
    return Partition(members, method, {**defaults, **parameters}, seed)


def choose(
    y: npt.NDArray[np.int64],
    partition: str,
    *,
    num_clients: int,
    seed: int,
    owners: Sequence[str] | npt.NDArray[np.str_] | None = None,
    prefix: str = "client",
    alpha: float | None = None,
    prior: str | None = None,
    min_size: int | None = None,
    shards_per_client: int | None = None,
) -> Partition:
    """Split as the options of a data set say: ``split``, where None is a method's default, or a ``partition.json``.

    Examples
    --------
    >>> choose(np.arange(100) % 10, "dirichlet", num_clients=5, seed=0, alpha=2.0).summary()
    'dirichlet (alpha 2.0, prior classes)'
    """
    if partition.endswith(".json"):
        return read_partition(partition)
    options = {"alpha": alpha, "prior": prior, "min_size": min_size, "shards_per_client": shards_per_client}
    given = {name: value for name, value in options.items() if value is not None}
    return split(y, partition, num_clients=num_clients, seed=seed, owners=owners, prefix=prefix, **given)


def client_id(prefix: str, number: int, of: int) -> str:
    """Name a client so that names sort like numbers.

    Examples
    --------
    >>> client_id("client", 7, 100)
    'client-0007'
    """
    return f"{prefix}-{number:0{max(4, len(str(of - 1)))}d}"


def _natural(y: Rows, owners: Sequence[str] | npt.NDArray[np.str_] | None, seed: int) -> Partition:
    if owners is None:
        raise ValueError(
            "partition='natural' needs the owner of each sample, which this set does not give; choose "
            "another partition."
        )
    names = np.asarray(owners, np.str_)
    if names.shape != y.shape:
        raise ValueError(f"owners: {names.shape[0]} names for {len(y)} samples; give one for each sample.")
    order = np.argsort(names, kind="stable")
    who, first = np.unique(names[order], return_index=True)
    return Partition(
        {str(name): rows for name, rows in zip(who, np.split(order, first[1:]), strict=True)}, "natural", seed=seed
    )
