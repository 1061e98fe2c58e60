"""Reads a user's file of arrays (x, y, client) and refuses what is not fit, naming file and array."""

import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from minizerofl_datasets.errors import DataError, one_line

if TYPE_CHECKING:
    import h5py

__all__ = ["Array", "read_arrays"]

Array = npt.NDArray[np.generic]

# What numpy and h5py raise for files that are damaged or something else altogether.
UNREADABLE = (OSError, ValueError, KeyError, RuntimeError, TypeError, EOFError, AttributeError, BadZipFile, zlib.error)
KEYS = ("x", "y", "client", "x_test", "y_test", "client_test", "class_names")


def read_arrays(path: Path) -> dict[str, Array]:
    """Read the known arrays of a .npz or .h5 file, whatever else it holds, and check them.

    Parameters
    ----------
    path : Path
        A file as described in ``import_arrays``.

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
    return _checked(_stored(path), str(path))


def _stored(path: Path) -> dict[str, Array]:
    import h5py

    if not path.is_file():
        raise DataError(f"{path}: the file does not exist.")
    try:
        if path.suffix == ".npz":
            # Opened here: where the file is damaged np.load forgets to close it.
            with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
                return {key: file[key] for key in KEYS if key in file}
        with h5py.File(path, "r") as file:
            return {key: _array(file[key]) for key in KEYS if key in file}
    except UNREADABLE as error:
        raise DataError(f"{path}: cannot be read ({one_line(error)}); give a .npz or .h5 file of arrays.") from error


def _array(stored: "h5py.Dataset") -> Array:
    import h5py

    text = h5py.check_string_dtype(stored.dtype) is not None
    array: Array = stored.asstr()[()].astype(np.str_) if text else stored[()]
    return array


def _checked(arrays: dict[str, Array], where: str) -> dict[str, Array]:
    """Return the arrays in the form that is stored, or refuse them."""
    if "x" not in arrays or "y" not in arrays:
        raise DataError(f"{where}: needs the arrays 'x' (samples first) and 'y'; it has {sorted(arrays) or 'neither'}.")
    if ("x_test" in arrays) != ("y_test" in arrays):
        raise DataError(f"{where}: has one of 'x_test' and 'y_test'; give both or neither.")
    checked = dict(arrays)
    for end in ("", "_test"):
        if f"x{end}" in arrays:
            checked[f"x{end}"] = _checked_x(arrays[f"x{end}"], f"{where}: 'x{end}'")
            _check_y(arrays[f"y{end}"], len(arrays[f"x{end}"]), f"{where}: 'y{end}'")
            owners = arrays.get(f"client{end}")
            if owners is not None and (owners.shape != arrays[f"y{end}"].shape or owners.dtype.kind not in "iuU"):
                raise DataError(f"{where}: 'client{end}' is {owners.dtype} {owners.shape}, expected a name a sample.")
            if owners is not None:
                checked[f"client{end}"] = owners.astype(np.str_)
    if "x_test" in checked and (checked["x_test"].shape[1:], checked["x_test"].dtype) != (
        checked["x"].shape[1:],
        checked["x"].dtype,
    ):
        raise DataError(f"{where}: 'x_test' differs from 'x' in the shape of a sample or in dtype.")
    if "class_names" in arrays:
        classes = int(max(arrays[key].max() for key in ("y", "y_test") if key in arrays)) + 1
        names = arrays["class_names"]
        if names.ndim != 1 or len(names) < classes:
            raise DataError(
                f"{where}: 'class_names' is {names.dtype} {names.shape}, expected a name for {classes} classes."
            )
    return checked


def _checked_x(x: Array, where: str) -> Array:
    kind: Literal["bytes", "floats"] | None = (
        "bytes" if x.dtype == np.uint8 else "floats" if x.dtype.kind == "f" else None
    )
    if kind is None or x.ndim not in (3, 4) or 0 in x.shape:
        raise DataError(f"{where} is {x.dtype} {x.shape}, expected uint8 or float (N, C, H, W) or (N, H, W).")
    if kind == "floats":
        with np.errstate(over="ignore"):  # an infinity, which is refused
            x = x.astype(np.float32)
        if not np.isfinite(x).all():
            raise DataError(f"{where} holds NaN or infinity (as float32); clean it first.")
    return x[:, None] if x.ndim == 3 else x  # (N, H, W) -> (N, 1, H, W)


def _check_y(y: Array, n: int, where: str) -> None:
    if y.dtype.kind not in "iu" or y.shape != (n,) or y.min() < 0:
        raise DataError(f"{where} is {y.dtype} {y.shape}, expected {n} whole numbers of at least 0.")
