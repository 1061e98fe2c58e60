"""Reads NIST SD19's two archives of the same pictures: by_class tells the character, by_write the writer.

The MD5 of a picture's file joins them, as in LEAF's scripts.
"""

import hashlib
import io
import os
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

import numpy as np
import numpy.typing as npt

from minizerofl_datasets.errors import DataError, one_line
from minizerofl_datasets.femnist.images import CLASS_NAMES, SIDE

__all__ = ["Progress", "labels_by_hash", "opened", "pictures_by_writer", "shrink"]

Progress = Callable[[int, int], None]  # pictures so far, pictures in all

SCAN = 128  # pixels: height and width of a NIST picture
LARGEST = 1 << 20  # bytes of a scan's file; they have about 500
# by_class/<hex code>/hsf_<part>/<name>.png; the folders train_<hex> repeat what hsf_<part> holds.
BY_CLASS = re.compile(r"(?:.*/)?([0-9a-f]{2})/hsf_[^/]*/[^/]+\.png")
# by_write/hsf_<part>/<writer>/<form>/<name>.png
BY_WRITE = re.compile(r"(?:.*/)?hsf_[^/]*/([^/]+)/[^/]+/[^/]+\.png")


@contextmanager
def opened(path: str | os.PathLike[str]) -> Iterator[zipfile.ZipFile]:
    """Open a zip archive; any damage becomes a DataError.

    Examples
    --------
    >>> with opened(Path("no.zip")) as archive:
    ...     pass
    Traceback (most recent call last):
    ...
    minizerofl_datasets.errors.DataError: no.zip: cannot be read ([Errno 2] No such file or directory: 'no.zip').
    """
    path = Path(path)
    try:
        archive = zipfile.ZipFile(path)
    except (OSError, zipfile.BadZipFile) as error:
        raise DataError(f"{path}: cannot be read ({one_line(error)}).") from error
    with archive:
        try:
            yield archive
        except (
            zipfile.BadZipFile,
            zlib.error,
            EOFError,
            NotImplementedError,
        ) as error:  # Not OSError: that is the disk's.
            raise DataError(f"{path}: is damaged ({one_line(error)}); download the file again.") from error


def labels_by_hash(archive: zipfile.ZipFile, progress: Progress | None = None) -> dict[bytes, int]:
    """Return the label of every picture of by_class.zip, by the MD5 of its file.

    Parameters
    ----------
    archive : ZipFile
        by_class.zip.
    progress : callable, optional

    Returns
    -------
    dict of bytes to int
        Labels 0 to 61; where two classes hold the same picture the first in the order of names.

    Raises
    ------
    DataError
        If there are no pictures, or one of a class that is neither digit nor letter.

    Examples
    --------
    >>> with zipfile.ZipFile(io.BytesIO(), "w") as archive:
    ...     archive.writestr("by_class/41/hsf_0/hsf_0_00000.png", b"a scan of an A")
    ...     list(labels_by_hash(archive).values())
    [10]
    """
    names = _matching(archive, BY_CLASS)
    labels: dict[bytes, int] = {}
    for done, (name, code) in enumerate(names, 1):
        character = chr(int(code, 16))
        if character not in CLASS_NAMES:
            raise DataError(f"{archive.filename}: {name!r} is of class {code}, which is neither digit nor letter.")
        labels.setdefault(_md5(_content(archive, name)), CLASS_NAMES.index(character))
        if progress:
            progress(done, len(names))
    return labels


def pictures_by_writer(
    archive: zipfile.ZipFile, labels: dict[bytes, int], progress: Progress | None = None
) -> Iterator[tuple[str, npt.NDArray[np.uint8], npt.NDArray[np.int32]]]:
    """Yield each writer of by_write.zip with pictures (n, 28, 28) and labels (n,), sorted by name.

    Parameters
    ----------
    archive : ZipFile
        by_write.zip.
    labels : dict
        The result of ``labels_by_hash``.
    progress : callable, optional

    Raises
    ------
    DataError
        If a picture is not in by_class.zip, or does not have 128 x 128 pixels.

    Examples
    --------
    >>> from PIL import Image
    >>> Image.new("1", (128, 128), 1).save(file := io.BytesIO(), "PNG")
    >>> scan = file.getvalue()
    >>> with zipfile.ZipFile(io.BytesIO(), "w") as archive:
    ...     archive.writestr("by_write/hsf_0/f0000_14/c0000_14/c0000_14_00000.png", scan)
    ...     [(writer, x.shape, y) for writer, x, y in pictures_by_writer(archive, {hashlib.md5(scan).digest(): 10})]
    [('f0000_14', (1, 28, 28), array([10], dtype=int32))]
    """
    names = _matching(archive, BY_WRITE)
    names.sort(key=lambda pair: (pair[1], pair[0]))
    pictures: list[npt.NDArray[np.uint8]] = []
    written: list[int] = []
    for done, (name, writer) in enumerate(names, 1):
        content = _content(archive, name)
        label = labels.get(_md5(content))
        if label is None:
            raise DataError(
                f"{archive.filename}: {name!r} is not in by_class.zip; the archives do not belong together."
            )
        pictures.append(shrink(content, f"{archive.filename}: {name!r}"))
        written.append(label)
        if progress:
            progress(done, len(names))
        if done == len(names) or names[done][1] != writer:
            yield writer, np.stack(pictures), np.array(written, np.int32)
            pictures, written = [], []


def shrink(content: bytes, where: str) -> npt.NDArray[np.uint8]:
    """Return a picture as 28 x 28 grey levels, 255 = paper: grey, then scaled down with a Lanczos filter, as LEAF does.

    Parameters
    ----------
    content : bytes
        A PNG file.
    where : str
        Its name, for messages.

    Raises
    ------
    DataError
        If it cannot be read or does not have 128 x 128 pixels.

    Examples
    --------
    >>> from PIL import Image
    >>> Image.new("1", (128, 128), 1).save(file := io.BytesIO(), "PNG")
    >>> np.unique(shrink(file.getvalue(), "white paper")).tolist()
    [255]
    """
    from PIL import Image

    try:
        with Image.open(io.BytesIO(content), formats=["PNG"]) as picture:
            if picture.size != (SCAN, SCAN):
                raise DataError(f"{where} has {picture.size} pixels, expected ({SCAN}, {SCAN}).")
            return np.asarray(picture.convert("L").resize((SIDE, SIDE), Image.Resampling.LANCZOS))
    except (OSError, ValueError, SyntaxError) as error:
        raise DataError(f"{where} is not a readable PNG picture ({one_line(error)}).") from error


def _matching(archive: zipfile.ZipFile, pattern: re.Pattern[str]) -> list[tuple[str, str]]:
    """Return the names that match, each with its first group, sorted by name."""
    found = ((name, pattern.fullmatch(name)) for name in archive.namelist())
    names = sorted((name, match[1]) for name, match in found if match)
    if not names:
        file = PurePosixPath(str(archive.filename)).name
        raise DataError(f"{archive.filename}: holds no pictures in the layout of NIST's archive; is it {file}?")
    return names


def _content(archive: zipfile.ZipFile, name: str) -> bytes:
    size = archive.getinfo(name).file_size
    if size > LARGEST:
        raise DataError(
            f"{archive.filename}: {name!r} has {size:,} bytes, too many for a scan; download the file again."
        )
    return archive.read(name)


def _md5(content: bytes) -> bytes:
    return hashlib.md5(content, usedforsecurity=False).digest()
