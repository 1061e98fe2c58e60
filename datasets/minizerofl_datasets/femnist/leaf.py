"""FEMNIST as LEAF writes it: JSON files with ``users``, ``num_samples`` and ``user_data[user]{x, y}``.

JSON cannot be read in parts, so all files are read at once, which takes minutes and gigabytes for the full build.
``femnist.build`` makes files that are read one writer at a time.
"""

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from minizerofl_datasets.errors import DataError, one_line
from minizerofl_datasets.federated import Samples, Split
from minizerofl_datasets.femnist.images import SIDE, FemnistImages, check_images
from minizerofl_datasets.femnist.writers import pair_writers
from minizerofl_datasets.fingerprint import array_checksum

__all__ = ["LeafFemnist"]

EMPTY: Samples = (np.empty((0, SIDE, SIDE), np.float32), np.empty(0, np.int64))


class LeafFemnist(FemnistImages):
    """A LEAF build of FEMNIST, held in memory.

    Parameters
    ----------
    train, test : sequence of str or PathLike
        The JSON files of each split. Without training files nobody trains; every writer of the test files is tested.
    polarity : {"ink", "raw"}
        "ink" hands out ``1 - pixel``, "raw" the stored pixel.
    seed : int
        Fixes the validation part.
    clients : int, optional
        Keep only the first N writers; None keeps all.
    keep_duplicates : bool
        Keep the image that LEAF repeats for almost every writer.

    Raises
    ------
    DataError
        If a file is damaged or not in this layout.
    ValueError
        If there are fewer than ``clients`` writers.

    Notes
    -----
    LEAF's preprocessing adds the first image of every writer but the first twice. For about one writer in six the split
    then puts one copy into the training set and one into the test set. Two scans of handwriting are never equal to the
    last bit, so an image that equals an earlier one of the same writer, pixels and label, is dropped. Training images
    come first, so the copy in the test set is the one that goes.

    Examples
    --------
    >>> LeafFemnist((), (Path("no.json"),), polarity="ink", seed=0)
    Traceback (most recent call last):
    ...
    minizerofl_datasets.errors.DataError: no.json: the file does not exist.
    """

    def __init__(
        self,
        train: Sequence[str | os.PathLike[str]],
        test: Sequence[str | os.PathLike[str]],
        *,
        polarity: str,
        seed: int,
        clients: int | None = None,
        keep_duplicates: bool = False,
    ) -> None:
        self._samples: dict[Split, dict[str, Samples]] = {"train": _read_files(train), "test": _read_files(test)}
        writers, tested = pair_writers(self._samples["train"] if train else None, self._samples["test"], clients)
        test_clients = writers or tuple(sorted(tested))
        if not keep_duplicates:
            for writer in test_clients:
                self._drop_duplicates(writer)
        super().__init__(
            source="real",
            format="leaf",
            origin=f"LEAF JSON files in '{Path(test[0]).parent.parent}'" + ("" if train else "; test files alone"),
            clients=writers,
            polarity=polarity,
            seed=seed,
            test_clients=test_clients,
        )

    def _pixels(self, client: str, split: Split) -> Samples:
        return self._samples[split].get(client, EMPTY)

    def _count(self, client: str, split: Split) -> int:
        return len(self._pixels(client, split)[1])

    def _content(self) -> Iterator[str]:
        splits: tuple[tuple[Split, tuple[str, ...]], ...] = (("train", self.clients), ("test", self.test_clients))
        for split, writers in splits:
            for writer in writers:
                pixels, labels = self._pixels(writer, split)
                yield from (writer, array_checksum(pixels), array_checksum(labels))

    def _drop_duplicates(self, writer: str) -> None:
        seen: set[tuple[bytes, int]] = set()
        splits: tuple[Split, Split] = ("train", "test")
        for split in splits:
            pixels, labels = self._samples[split].get(writer, EMPTY)
            first = []
            for i, image in enumerate(zip(map(bytes, pixels), labels.tolist(), strict=True)):
                if image not in seen:
                    seen.add(image)
                    first.append(i)
            self._samples[split][writer] = pixels[first], labels[first]


def _read_files(paths: Sequence[str | os.PathLike[str]]) -> dict[str, Samples]:
    samples: dict[str, Samples] = {}
    for path in map(Path, paths):
        for user, part in _read_file(path).items():
            if user in samples:
                raise DataError(
                    f"{path}, client {user}: is in an earlier file too; keep each LEAF build in its own folder."
                )
            samples[user] = part
    return samples


def _read_file(path: Path) -> dict[str, Samples]:
    if not path.is_file():
        raise DataError(f"{path}: the file does not exist.")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{path}: cannot be read as JSON ({one_line(error)}).") from error
    where = str(path)
    samples = {}
    try:
        for user, stated in zip(content["users"], content["num_samples"], strict=True):
            where = f"{path}, client {user}"
            str(user).encode()  # A lone surrogate has no UTF-8, and could not be written to any file.
            samples[user] = _samples_of(content["user_data"][user], stated, where)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise DataError(
            f"{where}: is not LEAF's layout ({type(error).__name__}: {one_line(error)}); expected 'users', as many "
            "'num_samples', and 'user_data' with 'x' and 'y' for every user."
        ) from error
    return samples


def _samples_of(entry: dict[str, object], stated: object, where: str) -> Samples:
    labels = np.asarray(entry["y"])
    with np.errstate(over="ignore"):  # An overflow is refused below as a pixel above 1.
        pixels: npt.NDArray[np.float32] = np.asarray(entry["x"], dtype=np.float32)
    n = len(labels)
    if n != stated:
        raise DataError(f"{where}: has {n} labels, but num_samples says {stated}.")
    if n == 0 and len(pixels) == 0:
        return EMPTY
    if labels.dtype.kind != "i" or labels.ndim != 1:
        raise DataError(f"{where}: 'y' is {labels.dtype} {labels.shape}, expected {n} whole numbers.")
    if pixels.shape != (n, SIDE * SIDE):
        raise DataError(f"{where}: 'x' has shape {pixels.shape}, expected ({n}, {SIDE * SIDE}).")
    images = pixels.reshape(n, SIDE, SIDE)  # (n, 784) -> (n, 28, 28)
    check_images(images, labels, where)
    return images, labels.astype(np.int64)
