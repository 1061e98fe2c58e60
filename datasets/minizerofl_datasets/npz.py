"""Reads arrays of a .npz file after a look at what each of them declares."""

import os
import struct
import zipfile
from collections.abc import Callable, Collection
from math import prod
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from minizerofl_datasets.errors import DataError

__all__ = ["read_npz"]

MAGIC = b"\x93NUMPY"
LONGEST_HEADER = 10_000  # bytes, which is NumPy's limit as well
MOST_SQUEEZED = 1100  # deflate cannot make data smaller than by 1032


def read_npz(
    path: str | os.PathLike[str], keys: Collection[str], before_reading: Callable[[int], None]
) -> tuple[dict[str, npt.NDArray[Any]], list[str]]:
    """Read some arrays of a .npz file; sizes are compared with the file before memory is asked for.

    Parameters
    ----------
    path : str or PathLike
        The file.
    keys : collection of str
        Which arrays to read, if they are there.
    before_reading : callable
        Called once, with the bytes that these arrays take.

    Returns
    -------
    arrays : dict of str to ndarray
    names : list of str
        The names of everything in the file.

    Raises
    ------
    DataError
        If one of the arrays is not an array of numbers or text, or declares more than the file holds.
    zipfile.BadZipFile, zlib.error, OSError, ValueError
        If the file is damaged.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.savez(f"{folder}/a.npz", x=np.arange(3), z=np.zeros(2))
    ...     read_npz(Path(folder) / "a.npz", ["x", "y"], print)
    24
    ({'x': array([0, 1, 2])}, ['x', 'z'])
    """
    path = Path(path)
    with path.open("rb") as opened, zipfile.ZipFile(opened) as packed:
        members = {info.filename.removesuffix(".npy"): info for info in packed.infolist()}
        wanted = {key: members[key] for key in keys if key in members}
        before_reading(sum(_declared(packed, info, f"{path}: {key!r}") for key, info in wanted.items()))
        return {key: _read(packed, info) for key, info in wanted.items()}, list(members)


def _declared(packed: zipfile.ZipFile, info: zipfile.ZipInfo, where: str) -> int:
    """Return the bytes of an array, by its header, after all checks."""
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) or info.flag_bits & 1:
        raise DataError(f"{where} is encrypted or packed in an unusual way; write it with numpy.savez.")
    with packed.open(info) as member:
        _check_header_length(member, where)
    with packed.open(info) as member:
        version = np.lib.format.read_magic(member)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read(member)
        start = member.tell()
    if dtype.hasobject:
        raise DataError(f"{where} holds Python objects, which are never read; store numbers or text.")
    if dtype.kind not in "biufSU" or dtype.subdtype is not None:
        raise DataError(f"{where} is of type {dtype}, expected plain numbers or text.")
    declared = prod(shape) * dtype.itemsize
    squeezed = 1 if info.compress_type == zipfile.ZIP_STORED else MOST_SQUEEZED
    if (
        min(shape, default=0) < 0
        or declared != info.file_size - start
        or info.file_size > info.compress_size * squeezed
    ):
        raise DataError(f"{where} has the shape {shape}, but the file does not hold just that much data.")
    return declared


def _check_header_length(member: IO[bytes], where: str) -> None:
    """Refuse what does not begin like an array, or with more text than any array needs."""
    start = member.read(12)
    if start[:6] != MAGIC or len(start) < 12 or start[6:8] not in (b"\1\0", b"\2\0"):
        raise DataError(f"{where} is not a NumPy array of numbers or text; write it with numpy.savez.")
    (length,) = struct.unpack("<H", start[8:10]) if start[6] == 1 else struct.unpack("<I", start[8:])
    if length > LONGEST_HEADER:
        raise DataError(f"{where} has a header of {length:,} bytes, more than any array needs; do not trust it.")


def _read(packed: zipfile.ZipFile, info: zipfile.ZipInfo) -> npt.NDArray[Any]:
    with packed.open(info) as member:
        array: npt.NDArray[Any] = np.lib.format.read_array(member, allow_pickle=False)
        if member.read(1):  # only whoever reads to the end learns whether the checksum is right
            raise zipfile.BadZipFile("has data after its last value")
    return array
