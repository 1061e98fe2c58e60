"""Loads CIFAR-10, from the official files or as the synthetic twin, and divides it into clients."""

import os
from collections.abc import Iterator
from functools import partial

import numpy as np

from minizerofl_datasets.cifar10.batches import read_batches
from minizerofl_datasets.cifar10.files import HOW_TO_GET, LAYOUTS, FoundFiles, find_files
from minizerofl_datasets.cifar10.pictures import CHANNELS, SIDE, Bytes, Cifar10, Labels
from minizerofl_datasets.cifar10.twin.synthetic import SyntheticCifar10, twin_labels
from minizerofl_datasets.errors import check_choice
from minizerofl_datasets.federated import FederatedDataset, Split
from minizerofl_datasets.fingerprint import array_checksum
from minizerofl_datasets.partition import Partition, choose
from minizerofl_datasets.sources import find_data

__all__ = ["StoredCifar10", "load_cifar10"]

OFFICIAL = 50_000


class StoredCifar10(Cifar10):
    """CIFAR-10's official files, held in memory as bytes (184 MB); float32 on demand.

    Parameters
    ----------
    found : FoundFiles
        Where they are.
    train, test : ndarray of uint8, shape (N, 3073)
        Label and bytes of every picture.
    partition, seed, clients, augment
        As in ``Cifar10``.

    Examples
    --------
    >>> from pathlib import Path
    >>> from minizerofl_datasets.partition import split
    >>> records = np.zeros((4, 3073), np.uint8)
    >>> data = StoredCifar10(FoundFiles("binary", Path("here")), records, records,
    ...                      partition=split(np.zeros(4, np.int64), "iid", num_clients=2), seed=0)
    >>> data.train("client-0000")[0].shape
    (2, 3, 32, 32)
    """

    def __init__(
        self,
        found: FoundFiles,
        train: Bytes,
        test: Bytes,
        *,
        partition: Partition,
        seed: int,
        clients: int | None = None,
        augment: bool = True,
    ) -> None:
        self._records: dict[Split, Bytes] = {"train": train, "test": test}
        part = "" if len(train) == OFFICIAL else f" ({len(train):,} of the {OFFICIAL:,} official training pictures)"
        super().__init__(
            source="real",
            format=found.format,
            origin=f"official {found.format} files in '{found.where}'{part}",
            y_train=_labels(train),
            y_test=_labels(test),
            partition=partition,
            seed=seed,
            clients=clients,
            augment=augment,
        )

    def pixels(self, split: Split, rows: Labels, client: str) -> Bytes:
        """Return the stored bytes (n, 3, 32, 32) of rows of a pool."""
        return self._records[split][rows, 1:].reshape(-1, CHANNELS, SIDE, SIDE)  # (n, 3072) -> (n, 3, 32, 32)

    def _content(self) -> Iterator[str]:
        return map(array_checksum, self._records.values())


def load_cifar10(
    *,
    source: str = "auto",
    data_dir: str | os.PathLike[str] | None = None,
    seed: int = 0,
    clients: int | None = None,
    format: str = "auto",
    partition: str = "dirichlet",
    num_clients: int = 100,
    alpha: float | None = None,
    prior: str | None = None,
    min_size: int | None = None,
    shards_per_client: int | None = None,
    augment: bool = True,
) -> FederatedDataset:
    """Load CIFAR-10; ``source``, ``data_dir``, ``seed``, ``clients`` and errors as in ``minizerofl_datasets.load``.

    Parameters
    ----------
    format : {"auto", "binary", "python"}
        Which official layout to read; "auto" takes binary where both are there.
    partition, num_clients, alpha, prior, min_size, shards_per_client
        How the pool is split; see ``minizerofl_datasets.partition.split``. A path ending in .json is a stored split.
    augment : bool
        Whether training pictures are randomly cropped and flipped.

    Returns
    -------
    FederatedDataset
        A ``StoredCifar10`` or a ``SyntheticCifar10``.

    Examples
    --------
    >>> load_cifar10(source="synthetic", num_clients=4).clients[-1]
    'synthetic-0003'
    """
    check_choice("format", format, ("auto", *LAYOUTS))
    found = find_data(
        "CIFAR-10", partial(find_files, format=format), HOW_TO_GET, source=source, data_dir=data_dir, format=format
    )
    deal = partial(
        choose,
        partition=partition,
        num_clients=num_clients,
        seed=seed,
        alpha=alpha,
        prior=prior,
        min_size=min_size,
        shards_per_client=shards_per_client,
    )
    if found is None:
        dealt = deal(twin_labels("train"), prefix="synthetic")
        return SyntheticCifar10(partition=dealt, seed=seed, clients=clients, augment=augment)
    batches, test = read_batches(found)
    train = np.concatenate(batches)  # per batch (10000, 3073) -> (N, 3073)
    return StoredCifar10(
        found, train, test, partition=deal(_labels(train)), seed=seed, clients=clients, augment=augment
    )


def _labels(records: Bytes) -> Labels:
    return records[:, 0].astype(np.int64)
