"""HDF5 files that are whole or refused: a header that is verified before the HDF5 library sees what follows.

HDF5 libraries crash and hang on damaged files. A file of ours therefore begins with a 512-byte user block (which HDF5
skips): magic, format version, length and SHA-256 of all that follows. Several such parts may stand in one file, each
appended when it came.
"""

from __future__ import annotations

import hashlib
import io
import os
import stat
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import h5py
from numpy.typing import NDArray

from minizerofl.fl.errors import SealError

BLOCK = 512
HEADER = struct.Struct("<16sIQ32s")  # magic, version, length, SHA-256
Read = TypeVar("Read")
LARGEST = 16 * 2**30  # bytes; a larger file is not one of ours, and is not read


@dataclass(frozen=True)
class Seal:
    """A kind of file.

    Attributes
    ----------
    magic : bytes
        The first 16 bytes of the file, padded with zeros.
    version : int
        The format version that this program writes and reads.
    what : str
        What it is called in messages, with what was expected: "model file".
    error : type
        What is raised for a file that cannot be used.

    Examples
    --------
    >>> import tempfile
    >>> seal = Seal(b"demo", 1, "demo file")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     seal.write(Path(folder) / "a.h5", lambda file: file.attrs.update(answer=42))
    ...     with seal.open(Path(folder) / "a.h5") as file:
    ...         print(file.attrs["answer"])
    42
    """

    magic: bytes
    version: int
    what: str
    error: type[SealError] = SealError

    def write(self, path: str | os.PathLike[str], fill: Callable[[h5py.File], None]) -> None:
        """Write a file, all of it or nothing: beside its place first, then renamed.

        Parameters
        ----------
        path : str or PathLike
            Where to. An older file is replaced.
        fill : callable
            Writes the content.

        Raises
        ------
        OSError
            The disk is full or the folder cannot be written to. An older file is then left as it was.
        """
        write_atomically(path, *self.pack(fill))

    def append(self, path: str | os.PathLike[str], fill: Callable[[h5py.File], None]) -> None:
        """Add a part to a file, all of it or nothing; what is there already is not touched.

        Parameters
        ----------
        path : str or PathLike
            Where to. The file is made if it is missing.
        fill : callable
            Writes the content.

        Raises
        ------
        OSError
            The disk is full or the folder cannot be written to. The file is then left as it was.
        """
        path = Path(path)
        pieces = self.pack(fill)
        end = path.stat().st_size if path.exists() else 0
        try:
            with path.open("ab") as out:
                for piece in pieces:
                    out.write(piece)
                out.flush()
                os.fsync(out.fileno())
        except BaseException:
            if path.exists():
                os.truncate(path, end)
            raise

    def pack(self, fill: Callable[[h5py.File], None]) -> tuple[bytes, memoryview]:
        """Return the two pieces of a part: what is to be written to a file, one after the other."""
        content = io.BytesIO()
        with h5py.File(content, "w", userblock_size=BLOCK) as file:
            fill(file)
        body = content.getbuffer()[BLOCK:]
        header = HEADER.pack(self.magic, self.version, len(body), hashlib.sha256(body).digest())
        return header.ljust(BLOCK, b"\0"), body

    @contextmanager
    def open(self, path: str | os.PathLike[str]) -> Iterator[h5py.File]:
        """Verify a file and open it for reading.

        Raises
        ------
        SealError
            The file is missing, of another kind, of another version, cut short or changed, or what stands in it is not
            what was asked of it inside the ``with`` statement.
        """
        path = Path(path)
        content = self._read(path)
        if self._length(path, memoryview(content)) != len(content):
            raise self._damaged(path)
        with self._opened(path, content) as file:
            yield file

    def parts(self, path: str | os.PathLike[str], read: Callable[[h5py.File], Read]) -> Iterator[Read]:
        """Verify the parts of a file one after the other, and yield what a function reads from each.

        Raises
        ------
        SealError
            The file is missing or of another kind, or a part is cut short or changed; those before it were yielded.
        """
        path = Path(path)
        rest = memoryview(self._read(path))
        while rest:
            length = self._length(path, rest)
            with self._opened(path, bytes(rest[:length])) as file:
                yield read(file)
            rest = rest[length:]

    def _read(self, path: Path) -> bytes:
        """Read a file, if it is one and can be ours."""
        try:
            found = path.stat()
            if not stat.S_ISREG(found.st_mode):
                raise self.error(f"{path}: not a file; expected a {self.what}")
            with path.open("rb") as file:
                content = file.read(BLOCK)
                if len(content) < BLOCK or content[:16].rstrip(b"\0") != self.magic:
                    raise self.error(f"{path}: not a minizerofl {self.what}")
                if found.st_size > LARGEST:
                    raise self.error(f"{path}: has {found.st_size:,} bytes, more than any {self.what}")
                file.seek(0)
                return file.read()
        except (OSError, ValueError, MemoryError) as error:  # A ValueError: the path has a NUL in it.
            if isinstance(error, self.error):
                raise
            reason = getattr(error, "strerror", None) or str(error) or "it does not fit into memory"
            raise self.error(f"{path}: cannot be read ({reason}); expected a {self.what}") from error

    def _length(self, path: Path, content: memoryview) -> int:
        """Verify the first part; return its length with its header."""
        if len(content) < BLOCK:
            raise self._damaged(path)
        magic, version, length, digest = HEADER.unpack_from(content)
        if version != self.version:
            raise self.error(f"{path}: format version {version}, this program reads version {self.version}")
        body = content[BLOCK : BLOCK + length]
        if magic.rstrip(b"\0") != self.magic or len(body) != length or hashlib.sha256(body).digest() != digest:
            raise self._damaged(path)
        return BLOCK + len(body)

    def _damaged(self, path: Path) -> SealError:
        return self.error(f"{path}: damaged or cut short (its checksum does not match); use another copy")

    @contextmanager
    def _opened(self, path: Path, content: bytes) -> Iterator[h5py.File]:
        try:
            with h5py.File(io.BytesIO(content), "r") as file:
                yield file
        except Exception as error:  # whatever the content brings about in the HDF5 library or in its reader
            if isinstance(error, self.error):
                raise
            reason = " ".join(str(error).split())
            raise self.error(f"{path}: its checksum is right, but not what stands in it ({reason})") from error


def read_array(file: h5py.File, name: str) -> NDArray[Any]:
    """Read an array of numbers that stands in the file itself.

    Raises
    ------
    ValueError
        There is no such array, or it is of another kind, or it declares more than the file has.
    """
    found = file[name]
    if not isinstance(found, h5py.Dataset) or found.is_virtual or found.external or found.dtype.kind not in "biuf":
        raise ValueError(f"{name} is not an array of numbers in this file")
    if found.chunks is None and found.nbytes > file.id.get_filesize():
        raise ValueError(f"{name} declares {found.nbytes:,} bytes, more than the file has")
    values: NDArray[Any] = found[()]
    return values


def write_atomically(path: str | os.PathLike[str], *parts: bytes | memoryview) -> None:
    """Write a file beside its place, make sure that it is on the disk, and rename it.

    A reader sees the old file or the new one, never a part of it, also after a crash.

    Raises
    ------
    OSError
        The disk is full or the folder cannot be written to. An older file is then left as it was.
    """
    path = Path(path)
    beside = path.with_name(path.name + ".part")
    try:
        with beside.open("wb") as out:
            for part in parts:
                out.write(part)
            out.flush()
            os.fsync(out.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
