"""Reads CIFAR-10's python layout, a pickle, without giving it a chance to run anything.

A pickle names functions to call. A few names suffice for a dictionary that holds an array; nothing else is looked up.
"""

import io
import pickle

import numpy as np
import numpy.typing as npt

from minizerofl_datasets.errors import DataError, one_line

__all__ = ["read_pickled"]


def read_pickled(content: bytes, where: str) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]]:
    """Return labels and pixels of a pickled batch.

    Parameters
    ----------
    content : bytes
        The file.
    where : str
        Its name, for messages.

    Returns
    -------
    labels, pixels : ndarray
        What stands under 'labels' and 'data', shapes and values unchecked.

    Raises
    ------
    DataError
        If it is no such pickle, or asks for anything but arrays and plain values.

    Examples
    --------
    >>> labels, pixels = read_pickled(pickle.dumps({b"labels": [7], b"data": np.zeros((1, 3072), np.uint8)}), "a file")
    >>> labels.tolist(), pixels.shape
    ([7], (1, 3072))
    """
    try:
        batch = _ArraysOnly(io.BytesIO(content), encoding="bytes").load()
        labels, pixels = np.asarray(batch[b"labels"]), batch[b"data"]
    except DataError as error:
        raise DataError(f"{where}: {error}") from error
    except Exception as error:  # a damaged pickle raises whatever its last opcode happened to raise
        raise DataError(
            f"{where}: is not a pickled batch of CIFAR-10 ({type(error).__name__}: {one_line(error)}); "
            "get the file anew."
        ) from error
    if not isinstance(pixels, np.ndarray):
        raise DataError(f"{where}: 'data' is not an array; get the file anew.")
    return labels, pixels


class _ArraysOnly(pickle.Unpickler):
    """An unpickler that knows arrays and nothing else."""

    def find_class(self, module: str, name: str) -> object:
        if (module, name) in {("numpy", "ndarray"), ("numpy", "dtype")}:
            return getattr(np, name)
        if (module, name) in {
            ("numpy.core.multiarray", "_reconstruct"),
            ("numpy._core.multiarray", "_reconstruct"),
        }:
            return _empty
        if (module, name) == ("_codecs", "encode"):  # how protocol 2 spells bytes
            return _latin1
        raise DataError(f"asks for {module}.{name}, which a batch of CIFAR-10 does not need; do not trust this file.")


def _empty(*_: object) -> npt.NDArray[np.int8]:
    """Stand in for numpy's function: whatever size the pickle names, the array is empty until its bytes arrive."""
    return np.ndarray.__new__(np.ndarray, (0,), np.int8)


def _latin1(text: str, encoding: str) -> bytes:
    return text.encode("latin1")
