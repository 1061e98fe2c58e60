"""Sources of clips: an unpacked folder, or the archive itself, which is read as a stream and never unpacked."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Protocol

from minizerofl_datasets.archive import entries
from minizerofl_datasets.errors import DataError, one_line
from minizerofl_datasets.speech_commands.words import ADDED, VERSIONS

__all__ = ["NOISE", "Archive", "Folder", "Recording", "Source"]

NOISE = "_background_noise_"
LARGEST = 2**25  # Bytes; the longest noise has 3 MB.
MOST_UNPACKED = 9_000_000_000  # Bytes that an archive may hold.


@dataclass(frozen=True)
class Recording:
    """One file: its name, such as "bed/012c8314_nohash_0.wav", its bytes, and how far into the source it ends."""

    name: str
    content: bytes
    position: int


class Source(Protocol):
    """A place that holds the recordings of one version."""

    @property
    def version(self) -> str:
        """One of ``VERSIONS``."""
        ...

    @property
    def format(self) -> str:
        """The kind of source: "folder" or "archive"."""
        ...

    @property
    def path(self) -> Path:
        """Where it is."""
        ...

    @property
    def size(self) -> int:
        """The number of bytes to read, which is the last position."""
        ...

    def fingerprint(self) -> str:
        """Return a text that changes when the files do (names, sizes and times; contents are not read)."""
        ...

    def recordings(self) -> Iterator[Recording]:
        """Yield every recording, in any order."""
        ...


class Folder:
    """An unpacked folder with one folder a word.

    Parameters
    ----------
    path : str or PathLike
        The folder.
    version : {"auto", "v0.01", "v0.02"}
        "auto" takes v0.02 if one of its additional words is there.

    Raises
    ------
    DataError
        If a recording is in a folder that is not a word or has no speaker in its name, or if there are no recordings.

    Examples
    --------
    >>> Folder(Path("nowhere"), "auto")
    Traceback (most recent call last):
    ...
    minizerofl_datasets.errors.DataError: 'nowhere': the folder does not exist.
    """

    format = "folder"

    def __init__(self, path: str | os.PathLike[str], version: str) -> None:
        path = Path(path)
        if not path.is_dir():
            raise DataError(f"'{path}': the folder does not exist.")
        self.path = path
        newer = any((path / word).is_dir() for word in ADDED)
        self.version = ("v0.02" if newer else "v0.01") if version == "auto" else version
        self._files: list[tuple[str, os.stat_result]] = []
        try:
            for folder in sorted(entry.name for entry in os.scandir(path) if entry.is_dir()):
                for file in sorted(os.scandir(path / folder), key=lambda entry: entry.name):
                    name = f"{folder}/{file.name}"
                    if is_recording(name, self.version, str(path)):
                        if not file.is_file():
                            raise DataError(f"'{path / name}' is not a plain file; download the set again.")
                        self._files.append((name, file.stat()))
        except OSError as error:
            raise DataError(f"'{path}': cannot be listed ({one_line(error)}).") from error
        if not self._files:
            raise DataError(f"'{path}' holds no recordings of Speech Commands; download the set again.")
        self.size = sum(status.st_size for _, status in self._files)

    def fingerprint(self) -> str:
        """Return the digest of all names, sizes and times."""
        lines = (f"{name} {status.st_size} {status.st_mtime_ns}\n" for name, status in self._files)
        return sha256("".join(lines).encode()).hexdigest()

    def recordings(self) -> Iterator[Recording]:
        """Yield the recordings in the order of their names."""
        position = 0
        for name, status in self._files:
            _check_size(name, status.st_size, self.path)
            try:
                content = (self.path / name).read_bytes()
            except OSError as error:
                raise DataError(f"{self.path / name}: cannot be read ({one_line(error)}).") from error
            position += status.st_size
            yield Recording(name, content, position)


class Archive:
    """The official archive, ``speech_commands_v0.0X.tar.gz``.

    Nothing is written to disk, so no member can escape a folder; a name that tries is refused all the same.

    Parameters
    ----------
    path : str or PathLike
        The file.
    version : {"v0.01", "v0.02"}
        Which words it holds.

    Examples
    --------
    >>> Archive(Path("speech_commands_v0.02.tar.gz"), "v0.02").format
    'archive'
    """

    format = "archive"

    def __init__(self, path: str | os.PathLike[str], version: str) -> None:
        self.path = Path(path)
        self.version = version

    @property
    def size(self) -> int:
        """The archive's size."""
        return self.path.stat().st_size

    def fingerprint(self) -> str:
        """Return the archive's size and time."""
        return f"{self.version} {self.size} {self.path.stat().st_mtime_ns}"

    def recordings(self) -> Iterator[Recording]:
        """Yield the recordings in the order of the archive."""
        found = False
        with entries(self.path, max_bytes=MOST_UNPACKED) as listed:
            for entry in listed:
                name = "/".join(PurePosixPath(entry.name).parts[-2:])
                if entry.content is not None and "/" in name and is_recording(name, self.version, str(self.path)):
                    _check_size(name, entry.size, self.path)
                    found = True
                    yield Recording(name, entry.content.read(), entry.position)
        if not found:
            raise DataError(f"{self.path}: holds no recordings of Speech Commands; download it again.")


def is_recording(name: str, version: str, where: str) -> bool:
    """Tell whether ``<folder>/<file>`` is a recording; refuse one in a wrong folder or with a wrong name.

    Parameters
    ----------
    name : str
        Folder and file.
    version : {"v0.01", "v0.02"}
        Which words there are.
    where : str
        The source, for the message.

    Returns
    -------
    bool
        False for other files, such as the lists and the licence.

    Raises
    ------
    DataError
        If the folder of a .wav file is not a word, or its name does not tell the speaker.

    Examples
    --------
    >>> is_recording("bed/012c8314_nohash_0.wav", "v0.01", "here"), is_recording("bed/README.md", "v0.01", "here")
    (True, False)
    """
    folder, file = name.split("/")
    if file.startswith(".") or not file.lower().endswith(".wav"):
        return False
    if folder == NOISE:
        return True
    if folder not in VERSIONS[version]:
        raise DataError(f"{where}: {name!r} is a recording, but {folder!r} is not a word of Speech Commands {version}.")
    if not re.fullmatch(r".+_nohash_\d+\.wav", file, re.IGNORECASE):
        raise DataError(f"{where}: {name!r} does not name its speaker, expected <speaker>_nohash_<number>.wav.")
    return True


def _check_size(name: str, size: int, where: Path) -> None:
    if size > LARGEST:
        raise DataError(f"{where}: {name!r} has {size:,} bytes, too many for a recording; download it again.")
