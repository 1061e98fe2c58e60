"""The test set that goes with a partition: each client's share of it is distributed like its training samples."""

import numpy as np
import numpy.typing as npt

from minizerofl_datasets.partition.result import Partition, Rows

__all__ = ["deal_like"]


def deal_like(
    partition: Partition, y_train: npt.NDArray[np.int64], y_test: npt.NDArray[np.int64], seed: int
) -> Partition:
    """Deal a test pool: each class goes to the clients in proportion to their training samples of that class.

    Parameters
    ----------
    partition : Partition
        Of the training pool.
    y_train, y_test : ndarray of int64, shape (N,)
        Labels of the two pools.
    seed : int
        Fixes which samples of a class a client gets, and how shares are rounded.

    Returns
    -------
    Partition
        Of the test pool, over the same clients; some may have none.

    Examples
    --------
    >>> train = Partition({"a": np.array([0, 1]), "b": np.array([2, 3])}, method="natural")
    >>> test = deal_like(train, np.array([0, 0, 1, 1]), np.array([1, 0, 1]), seed=0)
    >>> test.rows("a").tolist(), test.rows("b").tolist()
    ([1], [0, 2])
    """
    rng = np.random.default_rng([seed, len(y_test)])
    order = [partition.clients[number] for number in rng.permutation(len(partition.clients))]
    dealt: dict[str, list[Rows]] = {client: [] for client in order}
    for label in np.unique(y_test):
        pool = rng.permutation(np.flatnonzero(y_test == label))
        have = np.array([np.count_nonzero(y_train[partition.rows(client)] == label) for client in order])
        if not have.any():  # A class without training samples is divided evenly.
            have[:] = 1
        ends = np.rint(have.cumsum()[:-1] / have.sum() * len(pool)).astype(np.int64)
        for client, part in zip(order, np.split(pool, ends), strict=True):
            dealt[client].append(part)
    members = {client: np.concatenate([np.empty(0, np.int64), *parts]) for client, parts in dealt.items()}
    return Partition(members, f"like {partition.method}", seed=seed)
