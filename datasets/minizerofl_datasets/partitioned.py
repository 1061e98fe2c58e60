"""A data set that is one pool of samples, split over clients by a partition: CIFAR-10, Speech Commands, imported sets.

How to use it: read or compute the labels, ask ``partition.split`` for a ``Partition`` of the training samples, and
implement ``_inputs``, which turns row numbers of the pool into network inputs:

    class Pictures(PartitionedDataset):
        def _inputs(self, split, rows, client):
            return self._pixels[split][rows] / np.float32(255)      # stored uint8 (N, C, H, W) -> float32 on demand

``train``, ``validation``, ``test``, the counts and ``describe`` then come from the base classes.
"""

from abc import abstractmethod
from collections.abc import Iterator
from typing import Literal

import numpy as np
import numpy.typing as npt

from minizerofl_datasets.federated import FederatedDataset, Samples, Split
from minizerofl_datasets.fingerprint import array_checksum
from minizerofl_datasets.partition import Partition, deal_like

__all__ = ["PartitionedDataset"]

# How many rows of a pool are read for the fingerprint of a set that says nothing of its own.
SAMPLED = 256


class PartitionedDataset(FederatedDataset):
    """One pool of training samples, dealt to clients by a partition, and one common test set.

    A subclass implements ``_inputs`` only. A test set that belongs to no client is divided too, so that every client
    can be scored: each class in proportion to the clients' training samples of that class, drawn from the partition's
    own seed, so that a stored partition brings its test samples with it. ``test()`` is the whole test set as long as
    no client is left out.

    Parameters
    ----------
    name, source, format, origin, input_shape, class_names, transform, seed
        As in ``FederatedDataset``.
    y_train, y_test : ndarray of int64, shape (N,)
        Labels of the pools, in the order of their rows.
    partition : Partition
        Which rows of the training pool each client has.
    test_partition : Partition, optional
        Which rows of the test pool each client has, where the set itself says so; otherwise dealt as above. A client
        that is in here only is a stranger: it never trains, and is one of ``test_clients``.
    clients : int, optional
        Keep only the first N clients that train, and every stranger; None keeps all. Their rows do not change.

    Attributes
    ----------
    partition, test_partition : Partition
        The rows that each client has of the two pools.
    labels : dict
        ``labels["train"]`` and ``labels["test"]``: the labels of the pools.

    Raises
    ------
    ValueError
        If the partition has fewer than ``clients`` clients, or is not one of this pool.

    Examples
    --------
    >>> from minizerofl_datasets.partition import split
    >>> class Numbers(PartitionedDataset):
    ...     def _inputs(self, split, rows, client):
    ...         return rows.astype(np.float32).reshape(-1, 1, 1, 1)
    >>> y = np.repeat([0, 1], 20)
    >>> data = Numbers(name="numbers", source="real", format="none", origin="made up", input_shape=(1, 1, 1),
    ...                class_names=("low", "high"), transform={"formula": "x = i"}, seed=0,
    ...                y_train=y, y_test=y[::4], partition=split(y, "iid", num_clients=2, seed=0))
    >>> data.num_train("client-0000"), len(data.test()[1])
    (18, 10)
    """

    # The pool is in memory (or cheap to read) already, as small integers: keeping clients as float32 would only cost.
    clients_kept = 0

    def __init__(
        self,
        *,
        name: str,
        source: Literal["real", "synthetic"],
        format: str,
        origin: str,
        input_shape: tuple[int, int, int],
        class_names: tuple[str, ...],
        transform: dict[str, str],
        seed: int,
        y_train: npt.NDArray[np.int64],
        y_test: npt.NDArray[np.int64],
        partition: Partition,
        test_partition: Partition | None = None,
        clients: int | None = None,
    ) -> None:
        if partition.num_samples != len(y_train):
            raise ValueError(
                f"partition: deals {partition.num_samples} samples, but {name} has {len(y_train)} training samples; "
                "make it again with partition.split."
            )
        if clients is not None and clients > len(partition.clients):
            raise ValueError(
                f"clients={clients}, but the partition has {len(partition.clients)} clients; "
                f"give at most {len(partition.clients)}."
            )
        self.labels: dict[Split, npt.NDArray[np.int64]] = {"train": y_train, "test": y_test}
        self.partition = partition
        self.test_partition = test_partition or deal_like(partition, y_train, y_test, partition.seed)
        kept = partition.clients[:clients]
        super().__init__(
            name=name,
            source=source,
            format=format,
            origin=origin,
            clients=kept,
            input_shape=input_shape,
            class_names=class_names,
            transform=transform,
            seed=seed,
            test_clients=tuple(sorted({*kept, *self.test_partition.clients} - {*partition.clients[len(kept) :]})),
        )

    @abstractmethod
    def _inputs(self, split: Split, rows: npt.NDArray[np.int64], client: str) -> npt.NDArray[np.float32]:
        """Return the inputs (n, C, H, W) of rows of a pool; a new array. Rows are ascending. Must be thread safe.

        ``client`` is whose they are: a synthetic twin draws in the client's manner, stored data does not care.
        """

    def describe(self) -> str:
        """Return the lines of ``FederatedDataset.describe`` and one on the partition.

        Examples
        --------
        >>> from minizerofl_datasets import load
        >>> twin = load("cifar10", source="synthetic", partition="iid", num_clients=5)
        >>> print(twin.describe().splitlines()[-1])
        partition: iid, 5 clients with 4,000 training samples each, seed 0
        """
        sizes = [len(self.partition.rows(client)) for client in self.partition.clients]
        strangers = len(set(self.test_clients).difference(self.clients))
        some = f"{min(sizes):,} to {max(sizes):,} training samples"
        if min(sizes) == max(sizes):
            some = f"{min(sizes):,} training samples each"
        return (
            f"{super().describe()}\npartition: {self.partition.summary()}, {len(sizes):,} clients with "
            f"{some}, seed {self.partition.seed}"
            + (f"; {strangers:,} more without training samples are tested" if strangers else "")
        )

    def _content(self) -> Iterator[str]:
        """Yield texts that change when labels do, or the inputs of some rows; a set that is in memory does more."""
        for split, labels in self.labels.items():
            rows = np.unique(np.linspace(0, len(labels) - 1, SAMPLED).astype(np.int64))
            yield from (array_checksum(labels), array_checksum(self._inputs(split, rows, "")))

    def _read(self, client: str, split: Split) -> Samples:
        rows = self._rows(client, split)
        return self._inputs(split, rows, client), self.labels[split][rows]

    def _count(self, client: str, split: Split) -> int:
        return len(self._rows(client, split))

    def _rows(self, client: str, split: Split) -> npt.NDArray[np.int64]:
        return (self.partition if split == "train" else self.test_partition).rows(client)
