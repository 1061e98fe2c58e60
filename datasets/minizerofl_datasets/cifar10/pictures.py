"""What every source of CIFAR-10 shares: ten classes, 3 x 32 x 32 bytes, normalisation, random crop and flip.

x = (pixel / 255 - mean_c) / std_c        per channel c, mean and std of the 50,000 training pictures
"""

from abc import abstractmethod
from typing import Literal

import numpy as np
import numpy.typing as npt

from minizerofl_datasets.federated import Split
from minizerofl_datasets.partition import Partition
from minizerofl_datasets.partitioned import PartitionedDataset

__all__ = ["CHANNELS", "CLASS_NAMES", "SIDE", "Bytes", "Cifar10", "crop_and_flip"]

CLASS_NAMES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
CHANNELS, SIDE = 3, 32
MEAN = np.array([0.4914, 0.4822, 0.4465], np.float32)
STD = np.array([0.2470, 0.2435, 0.2616], np.float32)
PAD = 4

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]


class Cifar10(PartitionedDataset):
    """CIFAR-10 from any source; a subclass provides the bytes of a picture.

    Parameters
    ----------
    source : {"real", "synthetic"}
        Whether the pictures are photographs or drawn by a program.
    format, origin : str
        How the pictures are stored and where they come from.
    y_train, y_test : ndarray of int64, shape (N,)
        Labels 0 to 9.
    partition : Partition
        Which training pictures each client has.
    seed : int
        Fixes the validation part and the dealing of the test set.
    clients : int, optional
        Keep only the first N clients; None keeps all.
    augment : bool
        Whether ``augment`` crops and flips.
    """

    def __init__(
        self,
        *,
        source: Literal["real", "synthetic"],
        format: str,
        origin: str,
        y_train: Labels,
        y_test: Labels,
        partition: Partition,
        seed: int,
        clients: int | None = None,
        augment: bool = True,
    ) -> None:
        self._augments = augment
        super().__init__(
            name="cifar10",
            source=source,
            format=format,
            origin=origin,
            input_shape=(CHANNELS, SIDE, SIDE),
            class_names=CLASS_NAMES,
            transform={
                "formula": "x = (pixel / 255 - mean) / std per channel",
                "mean": " ".join(f"{value:.4f}" for value in MEAN),
                "std": " ".join(f"{value:.4f}" for value in STD),
                "augmentation": f"random crop (pad {PAD} with the mean colour) and flip" if augment else "none",
            },
            seed=seed,
            y_train=y_train,
            y_test=y_test,
            partition=partition,
            clients=clients,
        )

    @abstractmethod
    def pixels(self, split: Split, rows: Labels, client: str) -> Bytes:
        """Return the stored bytes (n, 3, 32, 32) of rows of a pool, planes red, green, blue."""

    def augment(self, x: Floats, rng: np.random.Generator) -> Floats:
        """Return a copy of a mini-batch, each picture cropped and flipped at random; with ``augment=False`` x itself.

        Examples
        --------
        >>> from minizerofl_datasets import load
        >>> twin = load("cifar10", source="synthetic", clients=1)
        >>> x, _ = twin.train(twin.clients[0])
        >>> twin.augment(x, np.random.default_rng(0)).shape == x.shape
        True
        """
        return crop_and_flip(x, rng) if self._augments else x

    def _inputs(self, split: Split, rows: Labels, client: str) -> Floats:
        # One multiplication and one addition: pixel * (1 / (255 std)) - mean / std
        x = self.pixels(split, rows, client).astype(np.float32)
        x *= (1 / (np.float32(255) * STD))[:, None, None]
        x -= (MEAN / STD)[:, None, None]
        return x


def crop_and_flip(x: Floats, rng: np.random.Generator) -> Floats:
    """Shift each picture at random by up to four pixels in both directions, and mirror it with probability 1/2.

    Pixels from outside the picture are 0, which is the mean colour after normalisation.

    Parameters
    ----------
    x : ndarray of float32, shape (n, C, H, W)
    rng : numpy.random.Generator
        Decides shifts and flips.

    Returns
    -------
    ndarray of float32, shape (n, C, H, W)
        A new array.

    Examples
    --------
    >>> x = np.ones((2, 1, 8, 8), np.float32)
    >>> moved = crop_and_flip(x, np.random.default_rng(0))
    >>> moved.shape, moved.min().item(), moved.max().item(), bool((moved[0] == moved[1]).all())
    ((2, 1, 8, 8), 0.0, 1.0, False)
    """
    n, channels, height, width = x.shape
    down, right = rng.integers(0, 2 * PAD + 1, (2, n))
    flip = rng.integers(0, 2, (n,))
    padded = np.zeros((n, channels, height + 2 * PAD, width + 2 * PAD), np.float32)
    padded[:, :, PAD:-PAD, PAD:-PAD] = x
    out = np.empty_like(x)
    for i, (row, column, mirror) in enumerate(zip(down.tolist(), right.tolist(), flip.tolist(), strict=True)):
        crop = padded[i, :, row : row + height, column : column + width]
        out[i] = crop[:, :, ::-1] if mirror else crop
    return out
