"""Checksums of arrays and files, from which a data set makes the fingerprint that tells whether its content changed."""

import os
import zlib
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import numpy as np
import numpy.typing as npt

from minizerofl_datasets.cache import cache_folder, write_atomically
from minizerofl_datasets.errors import DataError, one_line
from minizerofl_datasets.recorded import sha256_of

__all__ = ["array_checksum", "combine", "file_checksum"]


def array_checksum(array: npt.NDArray[np.generic]) -> str:
    """Return a text that changes when a value, the shape or the dtype of an array of numbers does.

    It holds a CRC-32 of all bytes: fast enough for hundreds of megabytes in memory, and made to find accidents, not
    forgeries.

    Examples
    --------
    >>> array_checksum(np.array([1, 2], np.uint8))
    '|u1 (2,) b6cc4292'
    """
    return f"{array.dtype.str} {array.shape} {zlib.crc32(np.ascontiguousarray(array).data):08x}"


def combine(*parts: str) -> str:
    """Return one fingerprint, 16 hexadecimal digits, of several texts.

    Examples
    --------
    >>> combine("a", "b"), combine("ab") == combine("a", "b")
    ('facdde7abf1eac5b', False)
    """
    return sha256("".join(f"{len(part)}:{part}" for part in parts).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def file_checksum(path: str | os.PathLike[str]) -> str:
    """Return the SHA-256 of a file, which is read once: the cache remembers it until the file changes.

    Parameters
    ----------
    path : str or PathLike
        A file that is not held in memory, such as the HDF5 files of FEMNIST.

    Returns
    -------
    str
        64 hexadecimal digits.

    Raises
    ------
    DataError
        If the file cannot be read.

    Notes
    -----
    The cache knows a file by its path, size and time of change. A file that is changed and given the same size and time
    again is taken for the old one.

    Examples
    --------
    >>> file_checksum(Path("no.h5"))
    Traceback (most recent call last):
    ...
    minizerofl_datasets.errors.DataError: no.h5: cannot be read ([Errno 2] No such file or directory: 'no.h5').
    """
    path = Path(path)
    try:
        status = path.stat()
        known = f"{path.resolve()}\0{status.st_size}\0{status.st_mtime_ns}"
        note = cache_folder() / "fingerprints" / sha256(known.encode(errors="surrogateescape")).hexdigest()
        if note.is_file() and len(text := note.read_text(encoding="ascii", errors="replace")) == 64:
            return text
        checksum = sha256_of(path)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({one_line(error)}).") from error
    with (
        suppress(OSError),
        write_atomically(note) as part,
    ):  # without a cache it is read each time
        part.write_text(checksum, encoding="ascii")
    return checksum
