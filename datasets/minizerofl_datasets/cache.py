"""The cache: where downloads, features and imported sets live, and atomic writing of files."""

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from errno import EEXIST
from pathlib import Path

__all__ = ["cache_folder", "scratch_folder", "write_atomically"]

PARTIAL = ".partial-"
STALE = 24 * 3600  # Seconds after which the scratch folder of a killed process is removed.


def cache_folder() -> Path:
    """Return the cache folder: MINIZEROFL_CACHE, else the platform's place for caches. It need not exist yet.

    Below it: ``data/`` (unpacked downloads, laid out like a data folder), ``features/`` and ``imported/``.

    Returns
    -------
    Path

    Examples
    --------
    >>> import unittest.mock
    >>> with unittest.mock.patch.dict("os.environ", MINIZEROFL_CACHE="somewhere"):
    ...     print(cache_folder())
    somewhere
    """
    given = os.environ.get("MINIZEROFL_CACHE")
    if given:
        return Path(given).expanduser()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "minizerofl"


@contextmanager
def scratch_folder(inside: str | os.PathLike[str]) -> Iterator[Path]:
    """Make a scratch folder that is removed at the end, also after an error.

    Parameters
    ----------
    inside : str or PathLike
        Where: the same disk as the final place, so that moving is renaming. Made if missing.

    Yields
    ------
    Path
        An empty folder of this process.

    Examples
    --------
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with scratch_folder(Path(folder)) as scratch:
    ...         (scratch / "half").touch()
    ...     list(Path(folder).iterdir())
    []
    """
    inside = Path(inside)
    inside.mkdir(parents=True, exist_ok=True)
    for old in inside.glob(f"{PARTIAL}*"):
        with suppress(FileNotFoundError):  # Another process was faster.
            if time.time() - old.stat().st_mtime > STALE:
                shutil.rmtree(old, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=PARTIAL, dir=inside))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def write_atomically(path: str | os.PathLike[str], replace: bool = True) -> Iterator[Path]:
    """Give a path to write to, which becomes ``path`` at the end; after an error nothing is left of it.

    Parameters
    ----------
    path : str or PathLike
        The final place; its folder is made if missing. Readers see the old file or the new one, never half of one.
    replace : bool
        Whether an older file is replaced.

    Yields
    ------
    Path
        Where to write, in a scratch folder beside it.

    Raises
    ------
    FileExistsError
        There is an older file, which is not to be replaced: of several processes that write at once, one succeeds.

    Examples
    --------
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with write_atomically(Path(folder) / "a" / "b.txt") as part:
    ...         _ = part.write_text("whole")
    ...     (Path(folder) / "a" / "b.txt").read_text()
    'whole'
    """
    path = Path(path)
    with scratch_folder(path.parent) as scratch:
        yield scratch / path.name
        if replace:
            (scratch / path.name).replace(path)
        else:
            _move_to_free_place(scratch / path.name, path)


def _move_to_free_place(file: Path, path: Path) -> None:
    try:
        os.link(file, path)  # In one step: it fails if there is such a file.
    except FileExistsError:
        raise
    except OSError:  # A file system without hard links.
        if path.exists():
            raise FileExistsError(EEXIST, os.strerror(EEXIST), str(path)) from None
        file.replace(path)
