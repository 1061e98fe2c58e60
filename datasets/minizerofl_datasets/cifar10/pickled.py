"""Reads CIFAR-10's python layout, a pickle, without unpickling it: its opcodes are parsed as plain data.

A pickle is a small program, and a general unpickler may be told to call any function. A batch needs a dictionary,
lists, numbers, text and one array of bytes. Only these are understood here, nothing is looked up or called, and what
is read is never larger than the file.
"""

import pickletools
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from minizerofl_datasets.errors import DataError, one_line

__all__ = ["read_pickled"]

# A batch of 10,000 pictures takes at most twelve opcodes a picture, in any protocol.
MOST_OPCODES = 400_000

RECONSTRUCT = {"numpy.core.multiarray _reconstruct", "numpy._core.multiarray _reconstruct"}
ENCODE, BYTES = "_codecs encode", {"__builtin__ bytes", "builtins bytes"}  # how Python 3 writes bytes in old protocols
KNOWN = {*RECONSTRUCT, *BYTES, ENCODE, "numpy ndarray", "numpy dtype"}
# What NumPy stores of the dtype uint8: version, byte order, and no subarray, names, fields, item size or alignment.
UINT8_STATE = (3, b"|", None, None, None, -1, -1, 0)


def read_pickled(content: bytes, where: str) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]]:
    """Return labels and pixels of a pickled batch.

    Parameters
    ----------
    content : bytes
        The file, as Python 2 wrote the official ones (protocol 2), or as Python 3 does with protocols 0 to 4.
    where : str
        Its name, for messages.

    Returns
    -------
    labels : ndarray, shape (N,)
        The list under 'labels', its values unchecked.
    pixels : ndarray of uint8, shape (N, M)
        The array under 'data'.

    Raises
    ------
    DataError
        If it is not such a pickle, or holds anything but one array of bytes, lists and plain values.

    Examples
    --------
    >>> import pickle
    >>> batch = {b"labels": [7], b"data": np.zeros((1, 3072), np.uint8)}
    >>> labels, pixels = read_pickled(pickle.dumps(batch, protocol=2), "a file")
    >>> labels.tolist(), pixels.shape
    ([7], (1, 3072))
    """
    try:
        batch = _parse(content)
        labels, pixels = batch[b"labels"], batch[b"data"]
    except DataError as error:
        raise DataError(f"{where}: {error}") from error
    except Exception as error:  # a damaged pickle fails wherever the damage meets the parser
        raise DataError(
            f"{where}: is not a pickled batch of CIFAR-10 ({type(error).__name__}: {one_line(error)}); "
            "download the file again."
        ) from error
    if not isinstance(pixels, np.ndarray):
        raise DataError(f"{where}: 'data' is not an array; download the file again.")
    if not isinstance(labels, list) or not all(type(label) is int for label in labels):
        raise DataError(f"{where}: 'labels' is not a list of whole numbers; download the file again.")
    return np.asarray(labels), pixels


@dataclass(frozen=True)
class _Name:
    """A function or class that the pickle names; it stays a name."""

    text: str


class _Mark:
    """Where a tuple, list or dictionary begins on the stack."""


class _Array:
    """An array whose state has not come yet."""


@dataclass
class _Dtype:
    """The dtype uint8; known for certain once its state has come."""

    complete: bool = False


class _Parser:
    """A stack of plain values, with one method for each group of opcodes."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def step(self, name: str, argument: Any) -> None:
        """Follow one opcode."""
        if name in ("PROTO", "FRAME"):
            return
        if name in ("STRING", "BINSTRING", "SHORT_BINSTRING"):
            self.stack.append(argument.encode("latin1"))
        elif name in VALUES:
            self.stack.append(argument)
        elif name in CONSTANTS:
            self.stack.append(CONSTANTS[name])
        elif name in FRESH:
            self.stack.append(FRESH[name]())
        elif name in ("TUPLE", "TUPLE1", "TUPLE2", "TUPLE3"):
            self._tuple(self._to_mark() if name == "TUPLE" else self._pop(int(name[-1])))
        elif name in ("LIST", "APPEND", "APPENDS"):
            self._extend(name)
        elif name in ("DICT", "SETITEM", "SETITEMS"):
            self._set_items(name)
        elif name in ("GLOBAL", "STACK_GLOBAL"):
            self._name(argument if name == "GLOBAL" else " ".join(self._pop(2)))
        elif name in ("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"):
            self.memo[len(self.memo) if name == "MEMOIZE" else argument] = self.stack[-1]
        elif name in ("GET", "BINGET", "LONG_BINGET"):
            value = self.memo[argument]
            if not isinstance(value, bytes | str | _Name):  # a list that is used twice, or within itself
                raise ValueError("uses a value twice that is not text")
            self.stack.append(value)
        elif name == "REDUCE":
            self.stack.append(self._known_call(*self._pop(2)))
        elif name == "BUILD":
            self.stack.append(self._with_state(*self._pop(2)))
        else:
            raise ValueError(f"the opcode {name} does not belong in a batch")

    def _pop(self, number: int) -> list[Any]:
        if len(self.stack) < number:
            raise ValueError("takes a value from an empty stack")
        values = self.stack[-number:]
        del self.stack[-number:]
        if any(isinstance(value, _Mark) for value in values):
            raise ValueError("takes a value from an empty stack")
        return values

    def _to_mark(self) -> list[Any]:
        start = next(at for at in reversed(range(len(self.stack))) if isinstance(self.stack[at], _Mark))
        values = self.stack[start + 1 :]
        del self.stack[start:]
        return values

    def _tuple(self, values: list[Any]) -> None:
        for value in values:
            if isinstance(value, list | dict) or (
                isinstance(value, tuple) and any(isinstance(each, tuple) for each in value)
            ):
                raise ValueError("is nested deeper than a batch")
        self.stack.append(tuple(values))

    def _extend(self, name: str) -> None:
        values = self._pop(1) if name == "APPEND" else self._to_mark()
        if not all(isinstance(value, int | bytes | str) for value in values):
            raise ValueError("has a list of something other than numbers and text")
        if name == "LIST":
            self.stack.append([])
        if not isinstance(self.stack[-1], list):
            raise ValueError("appends to what is not a list")
        self.stack[-1].extend(values)

    def _set_items(self, name: str) -> None:
        values = self._pop(2) if name == "SETITEM" else self._to_mark()
        if name == "DICT":
            self.stack.append({})
        if not isinstance(self.stack[-1], dict):
            raise ValueError("sets an item of what is not a dictionary")
        for key, value in zip(values[::2], values[1::2], strict=True):
            if not isinstance(key, bytes | str) or isinstance(value, dict):
                raise ValueError("is nested deeper than a batch")
            self.stack[-1][key.encode("latin1") if isinstance(key, str) else key] = value

    def _name(self, text: str) -> None:
        if text not in KNOWN:
            raise DataError(
                f"asks for {text.replace(' ', '.')!r}, which a batch of CIFAR-10 does not need; do not trust this file."
            )
        self.stack.append(_Name(text))

    @staticmethod
    def _known_call(function: Any, arguments: Any) -> Any:
        """Return what one of the few known calls would give."""
        called = function.text if isinstance(function, _Name) else ""
        plain = tuple(each.encode("latin1") if isinstance(each, str) else each for each in arguments)
        if called == ENCODE and len(plain) == 2 and plain[1] == b"latin1" and isinstance(plain[0], bytes):
            return plain[0]
        if called in BYTES and plain == ():
            return b""
        if called in RECONSTRUCT and plain == (_Name("numpy ndarray"), (0,), b"b"):
            return _Array()
        if called == "numpy dtype" and plain == (b"u1", 0, 1):
            return _Dtype()
        raise ValueError("makes something other than one array of bytes")

    @staticmethod
    def _with_state(value: Any, state: Any) -> Any:
        """Return the dtype or the array that the state completes."""
        if isinstance(value, _Dtype):
            plain = tuple(each.encode("latin1") if isinstance(each, str) else each for each in state)
            if plain == UINT8_STATE:
                value.complete = True
                return value
        elif isinstance(value, _Array):
            version, shape, dtype, fortran, content = state
            rows, columns = shape
            known = version == 1 and isinstance(dtype, _Dtype) and dtype.complete and not fortran
            if known and min(rows, columns) >= 0 and isinstance(content, bytes) and rows * columns == len(content):
                return np.frombuffer(content, np.uint8).reshape(rows, columns)  # (bytes,) -> (rows, columns)
        raise ValueError("holds an array that is not (N, M) bytes, or not all of it")


VALUES = {"INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1"} | {
    *("UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINBYTES", "SHORT_BINBYTES")
}
CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
FRESH: dict[str, type] = {"MARK": _Mark, "EMPTY_LIST": list, "EMPTY_DICT": dict}


def _parse(content: bytes) -> dict[Hashable, Any]:
    """Return the dictionary that a pickle describes."""
    parser = _Parser()
    for count, (opcode, argument, position) in enumerate(pickletools.genops(content)):
        if count > MOST_OPCODES:
            raise ValueError("is longer than a batch")
        if opcode.name == "STOP":
            (batch,) = parser.stack
            if position is None or position + 1 != len(content) or not isinstance(batch, dict):
                raise ValueError("is not one dictionary")
            return batch
        parser.step(opcode.name, argument)
    raise ValueError("has no end")
