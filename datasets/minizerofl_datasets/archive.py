"""Reads an archive that nobody should have to trust: only plain files, only inside the folder, only so much."""

import bz2
import gzip
import os
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple

from minizerofl_datasets.errors import DataError, one_line

__all__ = ["Entry", "entries", "publish", "unpack"]

CHUNK = 1 << 20
MOST_HEADERS = 1 << 20  # bytes: all headers of one entry, extended ones included; the official archives need 2,048
# What damaged archives raise beside an OSError without a number.
DAMAGED = (tarfile.TarError, zipfile.BadZipFile, EOFError, zlib.error, NotImplementedError, RuntimeError)
# How a compressed tar begins, and what reads it. Not lzma: an .xz file may demand gigabytes to be unpacked.
COMPRESSED = {b"\x1f\x8b": gzip.open, b"BZ": bz2.open}


class Entry(NamedTuple):
    """A file or a folder of an archive, checked: its path stays inside."""

    name: str
    size: int
    content: IO[bytes] | None  # None for a folder; else to be read before the next entry
    position: int  # how many bytes of the archive were read so far


@contextmanager
def entries(archive: str | os.PathLike[str], *, max_bytes: int, max_files: int = 200_000) -> Iterator[Iterator[Entry]]:
    """Open a .tar, .tar.gz, .tar.bz2 or .zip file and hand out its entries, in order.

    Memory stays small whatever a header declares, and what is wrong with the archive becomes a ``DataError``, also
    while an entry is read inside the ``with`` block.

    Parameters
    ----------
    archive : str or PathLike
        What to read.
    max_bytes : int
        The most that its files may hold together.
    max_files : int
        The most entries it may have.

    Raises
    ------
    DataError
        If the archive is damaged, an entry would land outside the folder, is a link or a device, or if it holds more
        than allowed.

    Examples
    --------
    >>> with entries(Path("no.zip"), max_bytes=10) as listed:
    ...     next(listed)
    Traceback (most recent call last):
    ...
    minizerofl_datasets.errors.DataError: no.zip: is not an archive that can be read (tar, tar.gz, tar.bz2 or zip).
    """
    archive = Path(archive)
    with _damage_named(archive), closing(_open(archive)) as found:
        yield _bounded(archive, found, max_bytes, max_files)


def unpack(
    archive: str | os.PathLike[str], folder: str | os.PathLike[str], *, max_bytes: int, max_files: int = 200_000
) -> None:
    """Unpack an archive into a folder.

    Parameters
    ----------
    archive, max_bytes, max_files
        As in ``entries``.
    folder : str or PathLike
        Where to; made if missing. After an error it holds a part: use a scratch folder.

    Raises
    ------
    DataError
        As in ``entries``, or if an entry comes twice.

    Examples
    --------
    >>> unpack(Path("no.zip"), Path("there"), max_bytes=10)
    Traceback (most recent call last):
    ...
    minizerofl_datasets.errors.DataError: no.zip: is not an archive that can be read (tar, tar.gz, tar.bz2 or zip).
    """
    archive = Path(archive)
    folder = Path(folder)
    try:
        with entries(archive, max_bytes=max_bytes, max_files=max_files) as listed:
            for entry in listed:
                target = folder / entry.name
                if entry.content is None:
                    target.mkdir(parents=True, exist_ok=True)
                    continue
                target.parent.mkdir(parents=True, exist_ok=True)
                with target.open("xb") as out:
                    shutil.copyfileobj(entry.content, out, CHUNK)
    except FileExistsError as error:
        raise DataError(f"{archive}: holds {one_line(error)} twice; do not trust it.") from error


@contextmanager
def _damage_named(archive: Path) -> Iterator[None]:
    try:
        yield
    except DAMAGED as error:
        raise DataError(f"{archive}: cannot be unpacked ({one_line(error)}); download the file again.") from error
    except OSError as error:
        if error.errno is None:  # how the decompressors say that the data is damaged; a full disk has a number
            raise DataError(f"{archive}: cannot be unpacked ({one_line(error)}); download the file again.") from error
        raise


def _bounded(archive: Path, found: Iterator[Entry], max_bytes: int, max_files: int) -> Iterator[Entry]:
    left = max_bytes
    for number, entry in enumerate(found, 1):
        if number > max_files:
            raise DataError(f"{archive}: has more than {max_files:,} entries; do not trust it.")
        left -= entry.size  # as declared, and no more can be read: tarfile and zipfile stop there
        if left < 0:
            raise DataError(f"{archive}: holds more than {max_bytes:,} bytes; do not trust it.")
        yield entry._replace(name=_inside(archive, entry.name))


def _open(archive: Path) -> Generator[Entry, None, None]:
    if archive.is_file() and zipfile.is_zipfile(archive):
        yield from _zip_entries(archive)
    elif archive.is_file():
        yield from _tar_entries(archive)
    else:
        raise _unknown(archive)


def _unknown(archive: Path) -> DataError:
    return DataError(f"{archive}: is not an archive that can be read (tar, tar.gz, tar.bz2 or zip).")


def _zip_entries(archive: Path) -> Generator[Entry, None, None]:
    with archive.open("rb") as raw, zipfile.ZipFile(raw) as packed:
        for info in packed.infolist():
            kind = stat.S_IFMT(info.external_attr >> 16)
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise DataError(f"{archive}: {info.filename!r} is a link or a device; do not trust it.")
            if info.is_dir():
                yield Entry(info.filename, 0, None, raw.tell())
                continue
            if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise DataError(f"{archive}: {info.filename!r} is packed in an unusual way; pack it with deflate.")
            with packed.open(info) as content:
                yield Entry(info.filename, info.file_size, content, raw.tell())


def _tar_entries(archive: Path) -> Generator[Entry, None, None]:
    with archive.open("rb") as raw:
        start = raw.read(2)
        raw.seek(0)
        plain: IO[bytes] = COMPRESSED[start](raw) if start in COMPRESSED else raw  # type: ignore[operator]
        checked = _Checked(plain, archive)
        try:
            tar = tarfile.TarFile(fileobj=checked)  # type: ignore[arg-type]
        except tarfile.ReadError as error:
            raise _unknown(archive) from error
        while True:
            checked.budget = MOST_HEADERS
            member = tar.next()
            if member is None:
                break
            tar.members.clear()  # type: ignore[attr-defined]  # tarfile would keep the headers of all
            if member.issparse() or member.size < 0 or not (member.isreg() or member.isdir()):
                raise DataError(f"{archive}: {member.name!r} is a link or a device; do not trust it.")
            checked.budget = member.size
            yield Entry(member.name, member.size, tar.extractfile(member) if member.isreg() else None, raw.tell())
        # The checksum of compressed data stands at its end, which tarfile does not read.
        if len(plain.read(CHUNK)) == CHUNK:
            raise DataError(f"{archive}: has data after its last entry; do not trust it.")


class _Checked:
    """A stream that only goes on, and gives no more bytes than an entry's headers or content may have.

    tarfile reads as much as a header declares, in one piece; here a declared size is refused before it is read.
    """

    def __init__(self, stream: IO[bytes], archive: Path) -> None:
        self._stream = stream
        self._archive = archive
        self.budget = MOST_HEADERS

    def read(self, size: int) -> bytes:
        if not 0 <= size <= self.budget:
            raise DataError(f"{self._archive}: has a header that declares {size:,} bytes of text; do not trust it.")
        self.budget -= size
        return self._stream.read(size)

    def seek(self, position: int) -> int:
        if position < self._stream.tell():
            raise DataError(f"{self._archive}: has entries that overlap; do not trust it.")
        return self._stream.seek(position)

    def tell(self) -> int:
        return self._stream.tell()


def _inside(archive: Path, name: str) -> str:
    """Return an entry's path if it stays inside the folder on every system."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name or "\0" in name:
        raise DataError(f"{archive}: {name!r} would be unpacked outside of its folder; do not trust it.")
    return str(path)


def publish(new: str | os.PathLike[str], final: str | os.PathLike[str]) -> None:
    """Put a finished folder in its place by renaming; if another process was faster, its folder stays.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as name:
    ...     (Path(name) / "new").mkdir()
    ...     publish(Path(name) / "new", Path(name) / "deep" / "final")
    ...     (Path(name) / "deep" / "final").is_dir()
    True
    """
    new = Path(new)
    final = Path(final)
    final.parent.mkdir(parents=True, exist_ok=True)
    try:
        new.rename(final)
    except OSError:
        if not final.is_dir():
            raise
        shutil.rmtree(new, ignore_errors=True)
