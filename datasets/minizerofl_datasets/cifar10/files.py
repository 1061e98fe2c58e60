"""Where CIFAR-10's files may lie below a data folder: two official folders, or the two official archives."""

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from minizerofl_datasets.errors import DataError

__all__ = ["HOW_TO_GET", "FoundFiles", "find_files"]

FOLDERS = (".", "cifar10")
# By format: the name of the official folder, that of the archive it comes in, and how a batch is called.
LAYOUTS = {
    "binary": ("cifar-10-batches-bin", "cifar-10-binary.tar.gz", "{}.bin"),
    "python": ("cifar-10-batches-py", "cifar-10-python.tar.gz", "{}"),
}
BATCH = re.compile(r"data_batch_([1-5])(\.bin)?")
HOW_TO_GET = (
    "run `minizerofl data fetch cifar10`; or download https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz, put it "
    "or its folder cifar-10-batches-bin into a folder and name that with --data-dir, data_dir= or the environment "
    "variable MINIZEROFL_DATA; or take the synthetic twin with source=synthetic"
)


@dataclass(frozen=True)
class FoundFiles:
    """What was found: the format, the folder or archive, and the batches in a folder (none listed for an archive)."""

    format: str
    where: Path
    train: tuple[Path, ...] = ()
    test: Path | None = None


def find_files(folder: str | os.PathLike[str], format: str = "auto") -> FoundFiles | None:
    """Find CIFAR-10 below a folder; unpacked folders go before archives, binary before python.

    Parameters
    ----------
    folder : str or PathLike
        The data folder, or the official folder itself.
    format : {"auto", "binary", "python"}
        The layout to look for.

    Returns
    -------
    FoundFiles or None
        None if there is nothing of it.

    Raises
    ------
    DataError
        If there are training batches but no test batch, or the reverse.

    Examples
    --------
    >>> find_files(Path("nowhere")) is None
    True
    """
    folder = Path(folder)
    formats = LAYOUTS if format == "auto" else (format,)
    looks: tuple[Callable[[Path, str], FoundFiles | None], ...] = (_unpacked, _archive)
    for look in looks:
        for name in formats:
            for below in FOLDERS:
                found = look(folder / below, name)
                if found:
                    return found
    return None


def _unpacked(folder: Path, format: str) -> FoundFiles | None:
    name, _, pattern = LAYOUTS[format]
    for where in (folder / name, folder):
        train = [where / pattern.format(f"data_batch_{number}") for number in range(1, 6)]
        train = [path for path in train if path.is_file()]
        test = where / pattern.format("test_batch")
        if train and test.is_file():
            return FoundFiles(format, where, tuple(train), test)
        if train or test.is_file():
            there, missing = ("training", "test") if train else ("test", "training")
            raise DataError(f"'{where}' holds CIFAR-10's {there} batches but not its {missing} batches; {HOW_TO_GET}.")
    return None


def _archive(folder: Path, format: str) -> FoundFiles | None:
    path = folder / LAYOUTS[format][1]
    return FoundFiles(format, path) if path.is_file() else None
