"""Reads CIFAR-10's batches, 10,000 pictures each: each 1 label byte and 3,072 bytes of colour planes."""

from collections.abc import Callable
from pathlib import Path, PurePosixPath

import numpy as np

from minizerofl_datasets.archive import entries
from minizerofl_datasets.cifar10.files import BATCH, FoundFiles
from minizerofl_datasets.cifar10.pickled import read_pickled
from minizerofl_datasets.cifar10.pictures import CHANNELS, CLASS_NAMES, SIDE, Bytes
from minizerofl_datasets.errors import DataError, one_line

__all__ = ["PICTURES", "RECORD", "read_batches"]

PICTURES = 10_000
RECORD = 1 + CHANNELS * SIDE * SIDE
# No batch of either layout is larger, however it was pickled; more is not read into memory.
LARGEST = 70_000_000
MOST_UNPACKED = 500_000_000  # bytes that an archive of either layout may hold


def read_batches(found: FoundFiles) -> tuple[list[Bytes], Bytes]:
    """Read the training batches and the test batch.

    Parameters
    ----------
    found : FoundFiles
        A folder or an archive of either layout; one to five training batches.

    Returns
    -------
    train : list of ndarray of uint8, shape (10000, 3073)
        One array a batch, in the official order: label and bytes of each picture.
    test : ndarray of uint8, shape (10000, 3073)

    Raises
    ------
    DataError
        If a file is truncated, damaged or not in this layout.

    Examples
    --------
    >>> read_batches(FoundFiles("binary", Path("."), (Path("no.bin"),), Path("no.bin")))
    Traceback (most recent call last):
    ...
    minizerofl_datasets.errors.DataError: no.bin: cannot be read ([Errno 2] No such file or directory: 'no.bin').
    """
    parse = _parse_binary if found.format == "binary" else _parse_python
    if found.test is not None:
        return [_read_file(path, parse) for path in found.train], _read_file(found.test, parse)
    batches = _read_archive(found.where, parse)
    train = [batches[name] for name in sorted(batches) if name != "test_batch"]
    if not train or "test_batch" not in batches:
        raise DataError(
            f"{found.where}: holds no training batches or no test batch of CIFAR-10; download the file again."
        )
    return train, batches["test_batch"]


def _read_file(path: Path, parse: Callable[[bytes, str], Bytes]) -> Bytes:
    try:
        if path.stat().st_size > LARGEST:
            raise DataError(f"{path}: is larger than any batch of CIFAR-10; download the file again.")
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({one_line(error)}).") from error
    return parse(content, str(path))


def _read_archive(path: Path, parse: Callable[[bytes, str], Bytes]) -> dict[str, Bytes]:
    batches = {}
    with entries(path, max_bytes=MOST_UNPACKED, max_files=100) as listed:
        for entry in listed:
            name = PurePosixPath(entry.name).name
            if entry.content is None or not (BATCH.fullmatch(name) or name.removesuffix(".bin") == "test_batch"):
                continue
            if entry.size > LARGEST:
                raise DataError(f"{path}, {name}: is larger than any batch of CIFAR-10; download the file again.")
            batches[name.removesuffix(".bin")] = parse(entry.content.read(), f"{path}, {name}")
    return batches


def _parse_binary(content: bytes, where: str) -> Bytes:
    if len(content) != PICTURES * RECORD:
        raise DataError(
            f"{where}: has {len(content):,} bytes, expected {PICTURES * RECORD:,} ({PICTURES:,} pictures); "
            "download the file again."
        )
    records = np.frombuffer(content, np.uint8).reshape(PICTURES, RECORD)  # (bytes,) -> (pictures, 1 + 3072)
    return _checked(records, where)


def _parse_python(content: bytes, where: str) -> Bytes:
    labels, pixels = read_pickled(content, where)
    if pixels.dtype != np.uint8 or pixels.shape != (PICTURES, RECORD - 1) or labels.shape != (PICTURES,):
        raise DataError(
            f"{where}: 'data' is {pixels.dtype} {pixels.shape} with labels {labels.shape}, expected uint8 "
            f"({PICTURES}, {RECORD - 1}) with labels ({PICTURES},); download the file again."
        )
    if labels.dtype.kind not in "iu" or labels.min() < 0 or labels.max() > 255:
        raise DataError(
            f"{where}: 'labels' is {labels.dtype}, expected whole numbers from 0 to 9; download the file again."
        )
    return _checked(np.hstack([labels[:, None].astype(np.uint8), pixels]), where)  # -> (pictures, 1 + 3072)


def _checked(records: Bytes, where: str) -> Bytes:
    highest = int(records[:, 0].max())
    if highest >= len(CLASS_NAMES):
        raise DataError(
            f"{where}: labels run up to {highest}, expected 0 to {len(CLASS_NAMES) - 1}; download the file again."
        )
    return records
