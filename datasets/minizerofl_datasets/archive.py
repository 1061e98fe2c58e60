"""Unpacks an archive that nobody should have to trust: only plain files, only inside the folder, only so much."""

import lzma
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Generator
from contextlib import closing
from pathlib import Path, PurePosixPath
from typing import IO

from minizerofl_datasets.errors import DataError, one_line

__all__ = ["publish", "unpack"]

CHUNK = 1 << 20
# What damaged archives raise beside an OSError without a number.
DAMAGED = (
    tarfile.TarError,
    zipfile.BadZipFile,
    EOFError,
    zlib.error,
    lzma.LZMAError,
    NotImplementedError,
    RuntimeError,
)


def unpack(archive: Path, folder: Path, *, max_bytes: int, max_files: int = 200_000) -> None:
    """Unpack a .tar, .tar.gz, .tar.bz2, .tar.xz or .zip file.

    Parameters
    ----------
    archive : Path
        What to unpack.
    folder : Path
        Where to; made if missing. After an error it holds a part: use a scratch folder.
    max_bytes : int
        The most that may come out.
    max_files : int
        The most entries it may have.

    Raises
    ------
    DataError
        If the archive is damaged, an entry would land outside the folder, is a link or a device, or comes twice, or if
        it holds more than allowed.

    Examples
    --------
    >>> unpack(Path("no.zip"), Path("there"), max_bytes=10)
    Traceback (most recent call last):
    ...
    minizerofl_datasets.errors.DataError: no.zip: is no archive that can be read (tar or zip); get the file anew.
    """
    left, files = max_bytes, 0
    try:
        with closing(_entries(archive)) as entries:
            for name, size, content in entries:
                files += 1
                if files > max_files:
                    raise DataError(f"{archive}: has more than {max_files:,} entries; do not trust it.")
                target = folder / _inside(archive, name)
                if content is None:
                    target.mkdir(parents=True, exist_ok=True)
                    continue
                left -= size  # stated, and no more can be read: tarfile and zipfile stop there
                if left < 0:
                    raise DataError(f"{archive}: holds more than {max_bytes:,} bytes; do not trust it.")
                target.parent.mkdir(parents=True, exist_ok=True)
                with target.open("xb") as out:
                    shutil.copyfileobj(content, out, CHUNK)
    except FileExistsError as error:
        raise DataError(f"{archive}: holds {one_line(error)} twice; do not trust it.") from error
    except DAMAGED as error:
        raise DataError(f"{archive}: cannot be unpacked ({one_line(error)}); get the file anew.") from error
    except OSError as error:
        if error.errno is None:  # how the decompressors say that the data is damaged; a full disk has a number
            raise DataError(f"{archive}: cannot be unpacked ({one_line(error)}); get the file anew.") from error
        raise


def _entries(archive: Path) -> Generator[tuple[str, int, IO[bytes] | None], None, None]:
    """Yield name, stated size and content of each entry; a folder has no content."""
    if archive.is_file() and zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as packed:
            for info in packed.infolist():
                kind = stat.S_IFMT(info.external_attr >> 16)
                if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                    raise DataError(f"{archive}: {info.filename!r} is a link or a device; do not trust it.")
                if info.is_dir():
                    yield info.filename, 0, None
                else:
                    with packed.open(info) as content:
                        yield info.filename, info.file_size, content
    elif archive.is_file() and _is_tar(archive):
        with tarfile.open(archive, "r:*") as tar:
            for member in tar:
                if not (member.isreg() or member.isdir()):
                    raise DataError(f"{archive}: {member.name!r} is a link or a device; do not trust it.")
                yield member.name, member.size, tar.extractfile(member) if member.isreg() else None
            # The checksum of compressed data stands at its end, which tarfile does not read.
            if tar.fileobj and len(tar.fileobj.read(CHUNK)) == CHUNK:
                raise DataError(f"{archive}: goes on after its last entry; do not trust it.")
    else:
        raise DataError(f"{archive}: is no archive that can be read (tar or zip); get the file anew.")


def _is_tar(archive: Path) -> bool:
    try:
        return tarfile.is_tarfile(archive)
    except (EOFError, OSError, zlib.error):  # so damaged that its first bytes do not decompress
        return False


def _inside(archive: Path, name: str) -> PurePosixPath:
    """Return an entry's path if it stays inside the folder on every system."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name or "\0" in name:
        raise DataError(f"{archive}: {name!r} would be unpacked outside of its folder; do not trust it.")
    return path


def publish(new: Path, final: Path) -> None:
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
    final.parent.mkdir(parents=True, exist_ok=True)
    try:
        new.rename(final)
    except OSError:
        if not final.is_dir():
            raise
        shutil.rmtree(new, ignore_errors=True)
