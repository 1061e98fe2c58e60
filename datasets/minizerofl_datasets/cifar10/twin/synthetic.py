"""The synthetic twin of CIFAR-10: the same shapes, bytes and normalisation, pictures drawn by a program.

A client is a photographer with a manner of their own. A result on it says nothing about photographs.
"""

from collections.abc import Iterator
from zlib import crc32

import numpy as np

from minizerofl_datasets.cifar10.pictures import CHANNELS, CLASS_NAMES, SIDE, Bytes, Cifar10, Labels
from minizerofl_datasets.cifar10.twin.scene import Photographer
from minizerofl_datasets.federated import Split
from minizerofl_datasets.partition import Partition

__all__ = ["SyntheticCifar10", "twin_labels"]

# Fewer than the real 50,000 and 10,000, for drawing takes time and the twin is there to be quick.
SIZES: dict[Split, int] = {"train": 20_000, "test": 2_000}
PURPOSES: dict[Split, int] = {"train": 1, "test": 2}
DRAWN = 1  # Raise it when the program draws other pictures.


class SyntheticCifar10(Cifar10):
    """Procedural pictures, each client's drawn when asked for, in the client's manner.

    A client's pictures depend on the seed, the partition and the client's id alone.

    Parameters
    ----------
    partition : Partition
        Of the rows of ``twin_labels("train")``.
    seed : int
        Fixes the pictures, the validation part and the dealing of the test set.
    clients : int, optional
        Keep only the first N clients; None keeps all.
    augment : bool
        Whether ``augment`` crops and flips.

    Examples
    --------
    >>> from minizerofl_datasets.partition import split
    >>> dealt = split(twin_labels("train"), "iid", num_clients=1000, prefix="synthetic")
    >>> x, y = SyntheticCifar10(partition=dealt, seed=0).train("synthetic-0000")
    >>> x.shape, x.dtype.name
    ((18, 3, 32, 32), 'float32')
    """

    clients_kept = 32  # drawing is dearer than keeping

    def __init__(self, *, partition: Partition, seed: int, clients: int | None = None, augment: bool = True) -> None:
        super().__init__(
            source="synthetic",
            format="synthetic",
            origin="drawn by a program (not photographs); no files were read",
            y_train=twin_labels("train"),
            y_test=twin_labels("test"),
            partition=partition,
            seed=seed,
            clients=clients,
            augment=augment,
        )

    def pixels(self, split: Split, rows: Labels, client: str) -> Bytes:
        """Draw the bytes (n, 3, 32, 32) of a client's pictures."""
        if not len(rows):  # as happens to the test pictures of small clients
            return np.empty((0, CHANNELS, SIDE, SIDE), np.uint8)
        key = [self.seed, crc32(client.encode())]
        manner = Photographer(np.random.default_rng([*key, 0]))
        return manner.take(self.labels[split][rows], np.random.default_rng([*key, PURPOSES[split]]))

    def _content(self) -> Iterator[str]:
        yield f"cifar10 {DRAWN} seed {self.seed}"


def twin_labels(split: Split) -> Labels:
    """Return the labels of the twin's pool: every class equally often.

    Examples
    --------
    >>> np.bincount(twin_labels("test")).tolist() == [200] * 10
    True
    """
    return np.arange(SIZES[split]) % len(CLASS_NAMES)
