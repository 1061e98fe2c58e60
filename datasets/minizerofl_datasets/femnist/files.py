"""Where FEMNIST's files may lie below a data folder, in the TFF layout (HDF5) and in LEAF's (JSON)."""

import os
from dataclasses import dataclass, replace
from pathlib import Path

from minizerofl_datasets.errors import DataError

__all__ = ["HOW_TO_GET", "STORE", "FoundFiles", "search_files"]

TFF_FOLDERS = ("femnist", ".")
LEAF_FOLDERS = ("femnist/leaf/data", "leaf/data", "data", ".")
STORE_FOLDERS = ("femnist/leaf", "leaf", "femnist", ".")
STORE = "femnist_leaf_{}.h5"
HOW_TO_GET = (
    "run `minizerofl data fetch femnist`; or put fed_emnist_train.h5 and fed_emnist_test.h5 from "
    "https://storage.googleapis.com/tff-datasets-public/fed_emnist.tar.bz2 (or a LEAF build) into FOLDER/femnist/ and "
    "name FOLDER with --data-dir, data_dir= or the environment variable MINIZEROFL_DATA; or take the synthetic twin "
    "with source=synthetic"
)


@dataclass(frozen=True)
class FoundFiles:
    """The files of one layout: "tff" and "leaf-store" have one file a split, "leaf" (JSON) one or more."""

    format: str
    train: tuple[Path, ...]
    test: tuple[Path, ...]


def search_files(folder: str | os.PathLike[str], format: str = "auto", test_only: bool = False) -> FoundFiles | None:
    """Find FEMNIST below a folder.

    Parameters
    ----------
    folder : str or PathLike
        The data folder.
    format : {"auto", "tff", "leaf"}
        The layout to look for; "auto" prefers TFF.
    test_only : bool
        Look for test files alone; the training files may be missing and are left out.

    Returns
    -------
    FoundFiles or None
        The layout and its files; None if there is nothing of it.

    Raises
    ------
    DataError
        If there is training data without test data, or, unless ``test_only``, the reverse.

    Examples
    --------
    >>> search_files(Path("nowhere")) is None
    True
    """
    folder = Path(folder)
    found = None
    if format != "leaf":
        found = _find_pair(folder, TFF_FOLDERS, "fed_emnist_{}.h5", "tff", test_only)
    if format != "tff":
        found = found or _find_pair(folder, STORE_FOLDERS, STORE, "leaf-store", test_only)
        found = found or _find_json(folder, test_only)
    return found


def _find_pair(folder: Path, folders: tuple[str, ...], name: str, format: str, test_only: bool) -> FoundFiles | None:
    for below in folders:
        train, test = (folder / below / name.format(split) for split in ("train", "test"))
        if train.is_file() or test.is_file():
            return _checked(FoundFiles(format, _existing(train), _existing(test)), folder / below, test_only)
    return None


def _find_json(folder: Path, test_only: bool) -> FoundFiles | None:
    for below in LEAF_FOLDERS:
        train, test = (tuple(sorted((folder / below / split).glob("*.json"))) for split in ("train", "test"))
        if train or test:
            return _checked(FoundFiles("leaf", train, test), folder / below, test_only)
    return None


def _existing(path: Path) -> tuple[Path, ...]:
    return (path,) if path.is_file() else ()


def _checked(found: FoundFiles, folder: Path, test_only: bool) -> FoundFiles:
    """Return what was found if it is what is needed; with ``test_only`` without its training files."""
    if test_only and found.test:
        return replace(found, train=())
    if found.train and found.test:
        return found
    there, missing = ("training", "test") if found.train else ("test", "training")
    raise DataError(f"'{folder}' holds FEMNIST's {there} data but not its {missing} data; {HOW_TO_GET}.")
