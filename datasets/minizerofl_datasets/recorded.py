"""Remembers the SHA-256 of archives for which none is published: the first one used is the one to be used again."""

import json
import os
from hashlib import file_digest
from pathlib import Path

from minizerofl_datasets.cache import cache_folder, write_atomically
from minizerofl_datasets.errors import DataError

__all__ = ["check_recorded", "record", "sha256_of"]


def sha256_of(path: str | os.PathLike[str]) -> str:
    """Return the SHA-256 of a file.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = (Path(folder) / "a").write_bytes(b"")
    ...     sha256_of(Path(folder) / "a")[:8]
    'e3b0c442'
    """
    path = Path(path)
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def check_recorded(name: str, sha256: str, where: str) -> None:
    """Refuse an archive that is not the one that was used first.

    Parameters
    ----------
    name : str
        The official name of its file, such as "by_class.zip".
    sha256 : str
        Its checksum.
    where : str
        Its path or address, for the message.

    Raises
    ------
    DataError
        If another checksum was recorded under this name.

    Examples
    --------
    >>> check_recorded("never-seen.zip", "0" * 64, "here")
    """
    known = _recorded().get(name, sha256)
    if known != sha256:
        raise DataError(
            f"{where}: is not the {name} that was used first: its SHA-256 is {sha256}, recorded is {known}; "
            f"if it is right, remove '{_file()}'."
        )


def record(name: str, sha256: str) -> None:
    """Remember the checksum of an archive that has proved good.

    Examples
    --------
    >>> import tempfile, unittest.mock
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with unittest.mock.patch.dict("os.environ", MINIZEROFL_CACHE=folder):
    ...         record("a.zip", "0" * 64)
    ...         check_recorded("a.zip", "0" * 64, "here")
    """
    known = _recorded()
    if known.get(name) != sha256:
        with write_atomically(_file()) as part:
            part.write_text(json.dumps({**known, name: sha256}, indent=1, sort_keys=True), encoding="utf-8")


def _recorded() -> dict[str, str]:
    try:
        known = json.loads(_file().read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (ValueError, RecursionError):
        known = None
    if not isinstance(known, dict):
        raise DataError(f"{_file()}: is damaged; remove it.")
    return known


def _file() -> Path:
    return cache_folder() / "checksums.json"
