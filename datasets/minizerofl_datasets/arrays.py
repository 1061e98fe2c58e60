"""Reads a user's file of arrays (x, y, client) and refuses what is not fit, naming file and array."""

import os
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from minizerofl_datasets.errors import DataError, one_line
from minizerofl_datasets.npz import read_npz

if TYPE_CHECKING:
    import h5py

__all__ = ["Array", "read_arrays", "remarks"]

Array = npt.NDArray[np.generic]

# What numpy and h5py raise for files that are damaged or something else altogether.
UNREADABLE = (ValueError, KeyError, RuntimeError, TypeError, EOFError, AttributeError, BadZipFile, zlib.error)
KEYS = ("x", "y", "client", "x_test", "y_test", "client_test", "class_names")
MOST_CLASSES = 65_536  # more than any known set of images has
LONGEST_NAME = 256  # characters, of a client or a class


def read_arrays(
    path: str | os.PathLike[str], before_reading: Callable[[int], None] = lambda size: None
) -> dict[str, Array]:
    """Read the known arrays of a .npz or .h5 file, whatever else it holds, and check them.

    Parameters
    ----------
    path : str or PathLike
        A file as described in ``import_arrays``.
    before_reading : callable
        Called once with the bytes that the arrays take, before any is read.

    Returns
    -------
    dict of str to ndarray
        In the form that is stored: ``x`` is (N, C, H, W), uint8 or float32; ``client`` holds text.

    Raises
    ------
    DataError
        If the file cannot be read or an array is not what it should be.

    Examples
    --------
    >>> read_arrays(Path("no.npz"))
    Traceback (most recent call last):
    ...
    minizerofl_datasets.errors.DataError: no.npz: the file does not exist.
    """
    path = Path(path)
    if not path.is_file():
        state = "is not a plain file" if path.exists() else "the file does not exist"
        raise DataError(f"{path}: {state}.")

    def look(size: int) -> None:
        _check_memory(size, path)
        before_reading(size)

    try:
        arrays, names = (read_npz if path.suffix.lower() == ".npz" else _read_hdf5)(path, KEYS, look)
    except UNREADABLE as error:
        raise DataError(f"{path}: cannot be read ({one_line(error)}); give a .npz or .h5 file of arrays.") from error
    except OSError as error:
        if error.errno is not None and error.filename == str(path):  # the system's own
            raise
        raise DataError(f"{path}: cannot be read ({one_line(error)}); give a .npz or .h5 file of arrays.") from error
    return _checked(arrays, names, str(path))


def remarks(arrays: dict[str, Array]) -> list[str]:
    """Return what is odd about arrays that are fit, a sentence each.

    Examples
    --------
    >>> remarks({"y": np.array([0, 3, 3])})
    ['2 of 4 classes have no sample: 1, 2.']
    """
    seen = np.unique(np.concatenate([arrays[key].astype(np.int64) for key in ("y", "y_test") if key in arrays]))
    classes = max(int(seen[-1]) + 1, len(arrays.get("class_names", ())))
    empty = np.setdiff1d(np.arange(classes), seen)
    if not len(empty):
        return []
    listed = ", ".join(map(str, empty[:10].tolist())) + (", ..." if len(empty) > 10 else "")
    return [f"{len(empty):,} of {classes:,} classes have no sample: {listed}."]


def _check_memory(size: int, path: Path) -> None:
    """Refuse arrays that this machine cannot hold."""
    try:
        there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # not told on every system
        return
    if size > there:
        raise DataError(f"{path}: its arrays take {size / 1e9:,.1f} GB, more than this machine's memory.")


def _read_hdf5(
    path: Path, keys: tuple[str, ...], before_reading: Callable[[int], None]
) -> tuple[dict[str, Array], list[str]]:
    import h5py

    from minizerofl_datasets.hdf5 import declared_bytes, member

    with h5py.File(path, "r") as file:
        names = list(file)
        found = {key: member(file, key, str(path)) for key in keys if key in names}
        arrays = {key: each for key, each in found.items() if isinstance(each, h5py.Dataset)}
        before_reading(sum(declared_bytes(each) for each in arrays.values()))
        return {key: _values(each, f"{path}: {key!r}") for key, each in arrays.items()}, names


def _values(stored: "h5py.Dataset", where: str) -> Array:
    import h5py

    if h5py.check_string_dtype(stored.dtype) is None:
        array: Array = stored[()]
        return array
    values = stored.asstr()[()]
    if max(map(len, values.flat), default=0) > LONGEST_NAME:
        raise DataError(f"{where} has names of more than {LONGEST_NAME} characters; shorten them.")
    names: Array = values.astype(np.str_)
    return names


def _checked(arrays: dict[str, Array], names: list[str], where: str) -> dict[str, Array]:
    """Return the arrays in the form that is stored, or refuse them."""
    if "x" not in arrays or "y" not in arrays:
        listed = ", ".join(map(repr, sorted(names)[:12])) + (", ..." if len(names) > 12 else "")
        raise DataError(
            f"{where}: needs the arrays 'x' (samples first) and 'y' (labels); it has {listed or 'none'}. "
            "Store them again under these names (a test set as 'x_test' and 'y_test')."
        )
    if ("x_test" in arrays) != ("y_test" in arrays):
        raise DataError(f"{where}: has one of 'x_test' and 'y_test'; give both or neither.")
    if "x_test" not in arrays and len(arrays["x"]) == 1:
        raise DataError(f"{where}: holds one sample, expected at least two, one of them for the test.")
    if "client_test" in arrays and not {"client", "x_test"} <= set(arrays):
        raise DataError(
            f"{where}: has 'client_test', but not both 'client' and 'x_test'; give all three or leave it out."
        )
    checked = dict(arrays)
    for end in ("", "_test"):
        if f"x{end}" in arrays:
            checked[f"x{end}"] = _checked_x(arrays[f"x{end}"], f"{where}: 'x{end}'")
            checked[f"y{end}"] = _checked_y(arrays[f"y{end}"], len(arrays[f"x{end}"]), f"{where}: 'y{end}'")
            owners = arrays.get(f"client{end}")
            if owners is not None:
                checked[f"client{end}"] = _checked_owners(owners, len(arrays[f"x{end}"]), f"{where}: 'client{end}'")
    if "x_test" in checked and (checked["x_test"].shape[1:], checked["x_test"].dtype) != (
        checked["x"].shape[1:],
        checked["x"].dtype,
    ):
        raise DataError(f"{where}: 'x_test' differs from 'x' in the shape of a sample or in dtype.")
    if "class_names" in arrays:
        classes = int(max(checked[key].max() for key in ("y", "y_test") if key in checked)) + 1
        stated = arrays["class_names"]
        if stated.ndim != 1 or not classes <= len(stated) <= MOST_CLASSES:
            raise DataError(
                f"{where}: 'class_names' is {stated.dtype} {stated.shape}, expected a name for {classes} classes."
            )
    return checked


def _checked_x(x: Array, where: str) -> Array:
    kind: Literal["bytes", "floats"] | None = (
        "bytes" if x.dtype == np.uint8 else "floats" if x.dtype.kind == "f" else None
    )
    if kind is None or x.ndim not in (3, 4) or 0 in x.shape:
        raise DataError(f"{where} is {x.dtype} {x.shape}, expected uint8 or float (N, C, H, W) or (N, H, W).")
    if x.ndim == 4 and x.shape[3] in (1, 3, 4) and min(x.shape[1:3]) > 4:
        raise DataError(
            f"{where} is {x.shape}, which looks like (N, H, W, C); store it as (N, C, H, W): x.transpose(0, 3, 1, 2)."
        )
    if kind == "floats":
        with np.errstate(over="ignore"):  # an infinity, which is refused
            x = x.astype(np.float32)
        if not np.isfinite(x).all():
            raise DataError(f"{where} holds NaN or infinity (as float32); clean it first.")
    return x[:, None] if x.ndim == 3 else x  # (N, H, W) -> (N, 1, H, W)


def _checked_y(y: Array, n: int, where: str) -> Array:
    if y.shape == (n, 1):
        y = y[:, 0]  # (N, 1) -> (N,)
    if y.ndim == 2 and len(y) == n:
        raise DataError(f"{where} is {y.dtype} {y.shape}, expected ({n},); if each row is one-hot, store its argmax.")
    if y.dtype.kind not in "iu" or y.shape != (n,) or y.min() < 0 or y.max() >= MOST_CLASSES:
        reach = f", values from {y.min()} to {y.max()}" if y.dtype.kind in "iuf" and y.size else ""
        raise DataError(
            f"{where} is {y.dtype} {y.shape}{reach}, expected {n} whole numbers of at least 0, classes 0, 1, 2, ... "
            f"(at most {MOST_CLASSES - 1:,})."
        )
    return y


def _checked_owners(owners: Array, n: int, where: str) -> Array:
    if owners.shape == (n, 1):
        owners = owners[:, 0]  # (N, 1) -> (N,)
    if owners.shape != (n,) or owners.dtype.kind not in "iuU":
        raise DataError(f"{where} is {owners.dtype} {owners.shape}, expected one name for each sample.")
    if owners.dtype.kind == "U" and owners.dtype.itemsize > 4 * LONGEST_NAME:
        raise DataError(f"{where} has names of more than {LONGEST_NAME} characters; shorten them.")
    return owners.astype(np.str_)
