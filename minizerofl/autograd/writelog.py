"""The write history of a buffer: how often it was written to, and what the last write changed."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from minizerofl.kernels.types import Array

Rows = NDArray[np.int32]


class Mirror(NamedTuple):
    """A copy of some values of a buffer: ``values[i]`` is the value at the flat position ``positions[i]``."""

    positions: NDArray[np.int32]
    values: NDArray[Any]


class WriteLog:
    """The write history of one buffer, shared by all Tensors that view it.

    Ops note the version of what they save; a later version tells `backward` that a saved array is stale.

    Attributes
    ----------
    version : int
        The number of writes so far.
    mirror : Mirror or None
        A copy of some values that is up to date. A write that does not update it too removes it.

    Examples
    --------
    >>> w, log = np.zeros((4, 2), np.float32), WriteLog()
    >>> log.record(w, rows=np.array([1, 3], np.int32))
    >>> log.version, log.rows_changed_since(0, w)
    (1, array([1, 3], dtype=int32))
    """

    __slots__ = ("_last", "mirror", "version")

    def __init__(self) -> None:
        self.version = 0
        self.mirror: Mirror | None = None
        self._last: tuple[Array, Rows] | None = None  # the array and the rows of the last write, if they are known

    def record(self, array: Array, rows: Rows | None = None, mirror: Mirror | None = None) -> None:
        """Count a write to `array`, of which only these rows change (None: any may), and which updates `mirror` too."""
        self.version += 1
        self.mirror = mirror
        self._last = None if rows is None else (array, rows)

    def rows_changed_since(self, version: int, array: Array) -> Rows | None:
        """Return the only rows of `array` that may have changed since the buffer had that version; None: perhaps all.

        One write is remembered: after two, the answer is None.
        """
        if version == self.version:
            return np.empty(0, np.int32)
        if version == self.version - 1 and self._last is not None and self._last[0] is array:
            return self._last[1]
        return None
