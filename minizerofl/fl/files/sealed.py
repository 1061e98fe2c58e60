"""HDF5 files that are whole or refused: a header that is verified before the HDF5 library sees what follows.

HDF5 libraries crash and hang on damaged files. A file of ours therefore begins with a 512-byte user block (which HDF5
skips): magic, format version, length and SHA-256 of all that follows.
"""

from __future__ import annotations

import hashlib
import io
import os
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import h5py

from minizerofl.fl.errors import SealError

BLOCK = 512
HEADER = struct.Struct("<16sIQ32s")  # magic, version, length, SHA-256


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

    def write(self, path: Path, fill: Callable[[h5py.File], None]) -> None:
        """Write a file, all of it or nothing: beside its place first, then renamed.

        Parameters
        ----------
        path : Path
            Where to. An older file is replaced.
        fill : callable
            Writes the content.

        Raises
        ------
        OSError
            The disk is full or the folder cannot be written to. An older file is then left as it was.
        """
        content = io.BytesIO()
        with h5py.File(content, "w", userblock_size=BLOCK) as file:
            fill(file)
        body = content.getbuffer()[BLOCK:]
        header = HEADER.pack(self.magic, self.version, len(body), hashlib.sha256(body).digest()).ljust(BLOCK, b"\0")
        write_atomically(path, header, body)

    @contextmanager
    def open(self, path: Path) -> Iterator[h5py.File]:
        """Verify a file and open it for reading.

        Raises
        ------
        SealError
            The file is missing, of another kind, of another version, cut short or changed.
        """
        try:
            content = path.read_bytes()
        except OSError as error:
            raise self.error(f"{path}: cannot be read ({error.strerror}); expected a {self.what}") from error
        if len(content) < BLOCK or content[:16].rstrip(b"\0") != self.magic:
            raise self.error(f"{path}: not a minizerofl {self.what}")
        _, version, length, digest = HEADER.unpack_from(content)
        if version != self.version:
            raise self.error(f"{path}: format version {version}, this program reads version {self.version}")
        if len(content) - BLOCK != length or hashlib.sha256(memoryview(content)[BLOCK:]).digest() != digest:
            raise self.error(f"{path}: damaged or cut short (its checksum does not match); use another copy")
        with h5py.File(io.BytesIO(content), "r") as file:
            yield file


def write_atomically(path: Path, *parts: bytes | memoryview) -> None:
    """Write a file beside its place, make sure that it is on the disk, and rename it.

    A reader sees the old file or the new one, never a part of it, also after a crash.

    Raises
    ------
    OSError
        The disk is full or the folder cannot be written to. An older file is then left as it was.
    """
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
