"""FEMNIST in the TFF layout: two HDF5 files that hold ``examples/<writer>/pixels`` and ``examples/<writer>/label``.

A file is opened for every read (a quarter of a millisecond) and closed again: threads share no handle, a process may
fork, and nothing has to be closed by the caller.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from minizerofl_datasets.errors import DataError
from minizerofl_datasets.federated import Samples, Split
from minizerofl_datasets.femnist.images import SIDE, FemnistImages, check_images
from minizerofl_datasets.femnist.inspection import inspect_once, reading
from minizerofl_datasets.femnist.writers import pair_writers
from minizerofl_datasets.fingerprint import file_checksum
from minizerofl_datasets.hdf5 import member

if TYPE_CHECKING:
    import h5py

__all__ = ["TffFemnist"]


class TffFemnist(FemnistImages):
    """The TFF build of FEMNIST, read lazily, one writer at a time.

    Parameters
    ----------
    train : str or PathLike or None
        ``fed_emnist_train.h5``. Without it nobody trains, and every writer of the test file is tested.
    test : str or PathLike
        ``fed_emnist_test.h5``.
    polarity : {"ink", "raw"}
        "ink" hands out ``1 - pixel``, "raw" the stored pixel.
    seed : int
        Fixes the validation part.
    clients : int, optional
        Keep only the first N writers; None keeps all.

    Raises
    ------
    DataError
        If a file is damaged or not in this layout.
    ValueError
        If there are fewer than ``clients`` writers.

    Notes
    -----
    A file is looked through once, in a process of its own, before it is opened here (see ``inspection``). Damage to the
    pixels themselves is found as far as libhdf5 finds it: trust a file as far as its checksum.

    Examples
    --------
    >>> TffFemnist(Path("no.h5"), Path("no.h5"), polarity="ink", seed=0)
    Traceback (most recent call last):
    ...
    minizerofl_datasets.errors.DataError: no.h5: the file does not exist.
    """

    layout = "tff"
    described = "TFF HDF5 files"
    counts_at_once = False
    grey_levels = 1  # what a stored pixel is divided by; more than 1 where whole grey levels are stored

    def __init__(
        self,
        train: str | os.PathLike[str] | None,
        test: str | os.PathLike[str],
        *,
        polarity: str,
        seed: int,
        clients: int | None = None,
    ) -> None:
        train = None if train is None else Path(train)
        test = Path(test)
        self._paths: dict[Split, Path] = {"test": test} if train is None else {"train": train, "test": test}
        inspect_once(*self._paths.values())
        writers, self._tested = pair_writers(None if train is None else _writers(train), _writers(test), clients)
        super().__init__(
            source="real",
            format=self.layout,
            origin=f"{self.described} in '{test.parent}'" + ("; test files alone" if train is None else ""),
            clients=writers,
            polarity=polarity,
            seed=seed,
            test_clients=writers or tuple(sorted(self._tested)),
        )

    def _pixels(self, client: str, split: Split) -> Samples:
        if split == "test" and client not in self._tested:
            return np.empty((0, SIDE, SIDE), np.float32), np.empty(0, np.int64)
        path = self._paths[split]
        with reading(path, client) as examples:
            pixels, labels = self._checked(examples, client, f"{path}, client {client}")
            x, y = pixels[()].astype(np.float32, copy=False), labels[()].astype(np.int64)
        if self.grey_levels > 1:
            x /= np.float32(self.grey_levels)
        check_images(x, y, f"{path}, client {client}")
        return x, y

    def _count(self, client: str, split: Split) -> int:
        if split == "test" and client not in self._tested:
            return 0
        with reading(self._paths[split], client) as examples:
            return len(self._checked(examples, client, f"{self._paths[split]}, client {client}")[1])

    def _content(self) -> Iterator[str]:
        return map(file_checksum, self._paths.values())

    def _checked(self, examples: "h5py.Group", client: str, where: str) -> tuple["h5py.Dataset", "h5py.Dataset"]:
        """Return a writer's two data sets if they are plain arrays of the layout's shapes and dtypes."""
        import h5py

        group = member(examples, client, where)
        pixels, labels = (
            member(group, key, where) if isinstance(group, h5py.Group) and key in group else None
            for key in ("pixels", "label")
        )
        if not (isinstance(pixels, h5py.Dataset) and isinstance(labels, h5py.Dataset)):
            raise DataError(f"{where}: needs the data sets 'pixels' and 'label'.")
        kind, stored = ("u", "uint8") if self.grey_levels > 1 else ("f", "float32")
        if pixels.dtype.kind != kind or pixels.shape != (labels.size, SIDE, SIDE):
            expected = f"{stored} ({labels.size}, {SIDE}, {SIDE})"
            raise DataError(f"{where}: 'pixels' is {pixels.dtype} {pixels.shape}, expected {expected}.")
        if labels.dtype.kind not in "iu" or labels.ndim != 1:
            raise DataError(f"{where}: 'label' is {labels.dtype} {labels.shape}, expected int32 ({len(pixels)},).")
        return pixels, labels


def _writers(path: Path) -> list[str]:
    with reading(path) as examples:
        return list(examples)
