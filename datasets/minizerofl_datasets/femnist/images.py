"""What every source of FEMNIST shares: 62 classes, 28 x 28 grey pixels, and the polarity of the network's input."""

from abc import abstractmethod
from typing import Literal

import numpy as np
import numpy.typing as npt

from minizerofl_datasets.choices import POLARITIES
from minizerofl_datasets.errors import DataError
from minizerofl_datasets.federated import FederatedDataset, Samples, Split

__all__ = ["CLASS_NAMES", "SIDE", "FemnistImages", "check_images"]

CLASS_NAMES = tuple("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
SIDE = 28


class FemnistImages(FederatedDataset):
    """FEMNIST from any source; a subclass provides one writer's stored pixels.

    Parameters
    ----------
    source : {"real", "synthetic"}
        Whether the images are handwriting or drawn by a program.
    format : str
        "tff", "leaf" or "synthetic".
    origin : str
        Where the images come from, for people to read.
    clients : tuple of str
        Writer ids, sorted.
    polarity : {"ink", "raw"}
        "ink" hands out ``1 - pixel``, "raw" the stored pixel.
    seed : int
        Fixes the validation part.
    test_clients : tuple of str, optional
        The writers who are tested; ``clients`` by default.
    """

    def __init__(
        self,
        *,
        source: Literal["real", "synthetic"],
        format: str,
        origin: str,
        clients: tuple[str, ...],
        polarity: str,
        seed: int,
        test_clients: tuple[str, ...] | None = None,
    ) -> None:
        super().__init__(
            name="femnist",
            source=source,
            format=format,
            origin=origin,
            clients=clients,
            input_shape=(1, SIDE, SIDE),
            class_names=CLASS_NAMES,
            transform={
                "polarity": polarity,
                "formula": POLARITIES[polarity],
                "pixel": "stored grey level in [0, 1]: 1 = paper, 0 = ink",
            },
            seed=seed,
            test_clients=test_clients,
        )

    @abstractmethod
    def _pixels(self, client: str, split: Split) -> Samples:
        """Return one writer's stored pixels (n, 28, 28), paper = 1, and labels (n,)."""

    def _read(self, client: str, split: Split) -> Samples:
        pixels, labels = self._pixels(client, split)
        images = 1 - pixels if self.transform["polarity"] == "ink" else pixels.copy()
        return images[:, None], labels.copy()  # (n, 28, 28) -> (n, 1, 28, 28)


def check_images(pixels: npt.NDArray[np.float32], labels: npt.NDArray[np.int64], where: str) -> None:
    """Refuse pixels outside [0, 1] (or NaN) and labels outside 0..61.

    Parameters
    ----------
    pixels : ndarray of float32, shape (n, 28, 28)
    labels : ndarray of int64, shape (n,)
    where : str
        File and client, for the message.

    Raises
    ------
    DataError
        If a value is out of range.

    Examples
    --------
    >>> check_images(np.ones((1, 28, 28), np.float32), np.array([61]), "train.h5, client f0000_00")
    """
    if len(labels) == 0:
        return
    low, high = float(pixels.min()), float(pixels.max())
    if not (low >= 0 and high <= 1):  # This form refuses NaN too.
        raise DataError(
            f"{where}: pixels run from {low:g} to {high:g}, expected 0 (ink) to 1 (paper); download the file again."
        )
    if labels.min() < 0 or labels.max() >= len(CLASS_NAMES):
        raise DataError(
            f"{where}: labels run from {labels.min()} to {labels.max()}, expected 0 to {len(CLASS_NAMES) - 1}; "
            "download the file again."
        )
