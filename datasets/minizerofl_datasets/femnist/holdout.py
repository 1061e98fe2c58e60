"""Holds out whole writers, to see how well a model reads handwriting that it has never seen."""

from collections.abc import Iterator
from zlib import crc32

import numpy as np

from minizerofl_datasets.federated import FederatedDataset, Samples, Split

__all__ = ["hold_out_writers"]


def hold_out_writers(data: FederatedDataset, writers: int) -> FederatedDataset:
    """Return the data set with some clients taken out of training; all of their samples are the test set.

    Parameters
    ----------
    data : FederatedDataset
        Any set.
    writers : int
        How many clients to hold out; the data set's seed chooses them.

    Returns
    -------
    FederatedDataset
        ``clients`` are the others, ``test_clients`` those held out.

    Raises
    ------
    ValueError
        If that leaves no client to train or none to test.

    Examples
    --------
    >>> from minizerofl_datasets import load
    >>> held = hold_out_writers(load("femnist", source="synthetic", clients=10), 2)
    >>> len(held.clients), len(held.test_clients), set(held.clients) & set(held.test_clients)
    (8, 2, set())
    """
    if not 1 <= writers < len(data.clients):
        raise ValueError(
            f"holdout_writers={writers}: give 0 to {len(data.clients) - 1}, the set has {len(data.clients)} writers."
        )
    return _HeldOut(data, writers)


class _HeldOut(FederatedDataset):
    """Another data set whose clients are divided into those that train and those that are tested."""

    def __init__(self, data: FederatedDataset, writers: int) -> None:
        self._data = data
        self.counts_at_once = data.counts_at_once
        # Ranked by a hash of the name, not by position: one writer more or less in the files changes few others.
        rank = {client: np.random.default_rng([data.seed, crc32(client.encode())]).random() for client in data.clients}
        tested = frozenset(sorted(data.clients, key=rank.__getitem__)[:writers])
        super().__init__(
            name=data.name,
            source=data.source,
            format=data.format,
            origin=f"{data.origin}; {writers} whole writers are the test set",
            clients=tuple(client for client in data.clients if client not in tested),
            input_shape=data.input_shape,
            class_names=data.class_names,
            transform=data.transform,
            seed=data.seed,
            test_clients=tuple(client for client in data.clients if client in tested),
        )

    def _read(self, client: str, split: Split) -> Samples:
        if split == "train":
            return self._data._read(client, split)
        parts = [self._data._read(client, half) for half in ("train", "test")]
        return np.concatenate([x for x, _ in parts]), np.concatenate([y for _, y in parts])

    def _content(self) -> Iterator[str]:
        return self._data._content()

    def _count(self, client: str, split: Split) -> int:
        train = self._data._count(client, "train")
        return train if split == "train" else train + self._data._count(client, "test")
