"""Opens FEMNIST's HDF5 files, after a look at them, once, in a process of its own.

A damaged file may crash the HDF5 library or keep it busy for ever. So every group and array is opened once where that
harms nobody; a file that passed is remembered in the cache, by path, size and time, and costs nothing from then on.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from minizerofl_datasets.cache import cache_folder
from minizerofl_datasets.errors import DataError, one_line
from minizerofl_datasets.guarded import guarded
from minizerofl_datasets.hdf5 import member

if TYPE_CHECKING:
    import h5py

__all__ = ["inspect_once", "reading"]

PATIENCE = 300.0  # seconds; thousands of writers on a slow disk


def inspect_once(*paths: str | os.PathLike[str]) -> None:
    """Refuse HDF5 files that cannot be walked through, or that hold anything but plain arrays.

    Raises
    ------
    DataError
        If the file is missing, is damaged, crashes the library, takes too long, or declares what it does not hold.

    Examples
    --------
    >>> inspect_once(Path("no.h5"))
    Traceback (most recent call last):
    ...
    minizerofl_datasets.errors.DataError: no.h5: the file does not exist.
    """
    files = [Path(path) for path in paths]
    for file in files:
        if not file.is_file():
            raise DataError(f"{file}: the file does not exist.")
    new = {file: mark for file in files if not (mark := _mark(file)).is_file()}
    if not new:
        return
    guarded(f"{__name__}:_walk", [str(file) for file in new], where=" or ".join(map(str, new)), seconds=PATIENCE)
    with suppress(OSError):  # a cache that cannot be written: they are looked at again next time
        for mark in new.values():
            mark.parent.mkdir(parents=True, exist_ok=True)
            mark.touch()


def _mark(path: Path) -> Path:
    """Return the empty file that says that a file has passed; it is another one when the file changes."""
    status = path.stat()
    known = f"{path.resolve()}\0{status.st_size}\0{status.st_mtime_ns}"
    return cache_folder() / "inspected" / sha256(known.encode(errors="surrogateescape")).hexdigest()


def _walk(*paths: str) -> None:
    """Open every writer's arrays without reading them."""
    import h5py

    for path in paths:
        with reading(Path(path)) as examples:
            for client in examples:
                where = f"{path}, client {client}"
                writer = member(examples, client, where)
                if isinstance(writer, h5py.Group):
                    for name in {"pixels", "label"}.intersection(writer):
                        member(writer, name, where)


@contextmanager
def reading(path: str | os.PathLike[str], client: str | None = None) -> Iterator["h5py.Group"]:
    """Open a file's ``examples`` group; whatever h5py raises becomes a DataError that names file and client.

    Examples
    --------
    >>> with reading(Path("no.h5")) as examples:
    ...     pass
    Traceback (most recent call last):
    ...
    minizerofl_datasets.errors.DataError: no.h5: the file does not exist.
    """
    import h5py

    path = Path(path)
    if not path.is_file():
        raise DataError(f"{path}: the file does not exist.")
    where = str(path) if client is None else f"{path}, client {client}"
    try:
        with h5py.File(path, "r") as file:
            examples = member(file, "examples", str(path)) if "examples" in file else None
            if not isinstance(examples, h5py.Group):
                raise DataError(f"{path}: has no group 'examples', so it is not a TFF file of FEMNIST.")
            yield examples
    except (OSError, KeyError, RuntimeError, ValueError, TypeError) as error:
        raise DataError(f"{where}: cannot be read as HDF5 ({one_line(error)}); download the file again.") from error
