"""Where FEMNIST's files may lie below a data folder, in the TFF layout (HDF5) and in LEAF's (JSON)."""

from dataclasses import dataclass
from pathlib import Path

from minizerofl_datasets.errors import DataError

__all__ = ["HOW_TO_GET", "FoundFiles", "find_files"]

TFF_FOLDERS = ("femnist", ".")
LEAF_FOLDERS = ("femnist/leaf/data", "leaf/data", "data", ".")
HOW_TO_GET = (
    "get fed_emnist_train.h5 and fed_emnist_test.h5 from "
    "https://storage.googleapis.com/tff-datasets-public/fed_emnist.tar.bz2 (or build LEAF's JSON files), put them into "
    "FOLDER/femnist/ and name FOLDER with --data-dir, data_dir= or the environment variable MINIZEROFL_DATA; "
    "or take the synthetic twin with source=synthetic"
)


@dataclass(frozen=True)
class FoundFiles:
    """The files of one layout: "tff" has one file a split, "leaf" one or more."""

    format: str
    train: tuple[Path, ...]
    test: tuple[Path, ...]


def find_files(folder: Path, format: str) -> FoundFiles:
    """Find FEMNIST below a folder.

    Parameters
    ----------
    folder : Path
        The data folder.
    format : {"auto", "tff", "leaf"}
        The layout to look for; "auto" prefers TFF.

    Returns
    -------
    FoundFiles
        The layout and its files.

    Raises
    ------
    DataError
        If the folder is missing, holds no FEMNIST, or holds training data without test data (or the reverse).

    Examples
    --------
    >>> find_files(Path("nowhere"), "auto")
    Traceback (most recent call last):
    ...
    minizerofl_datasets.errors.DataError: data folder 'nowhere' does not exist; check data_dir or MINIZEROFL_DATA.
    """
    if not folder.is_dir():
        state = "is not a folder" if folder.exists() else "does not exist"
        raise DataError(f"data folder '{folder}' {state}; check data_dir or MINIZEROFL_DATA.")
    if format != "leaf" and (found := _find_tff(folder)):
        return found
    if format != "tff" and (found := _find_leaf(folder)):
        return found
    layout = {"auto": "", "tff": " in the TFF layout", "leaf": " in the LEAF layout"}[format]
    raise DataError(f"data folder '{folder}' holds no FEMNIST{layout}; {HOW_TO_GET}.")


def _find_tff(folder: Path) -> FoundFiles | None:
    for below in TFF_FOLDERS:
        train, test = (folder / below / f"fed_emnist_{split}.h5" for split in ("train", "test"))
        if train.is_file() or test.is_file():
            return _both(FoundFiles("tff", _existing(train), _existing(test)), folder / below)
    return None


def _find_leaf(folder: Path) -> FoundFiles | None:
    for below in LEAF_FOLDERS:
        train, test = (tuple(sorted((folder / below / split).glob("*.json"))) for split in ("train", "test"))
        if train or test:
            return _both(FoundFiles("leaf", train, test), folder / below)
    return None


def _existing(path: Path) -> tuple[Path, ...]:
    return (path,) if path.is_file() else ()


def _both(found: FoundFiles, folder: Path) -> FoundFiles:
    if found.train and found.test:
        return found
    there, missing = ("training", "test") if found.train else ("test", "training")
    raise DataError(f"'{folder}' holds FEMNIST's {there} data but not its {missing} data; {HOW_TO_GET}.")
