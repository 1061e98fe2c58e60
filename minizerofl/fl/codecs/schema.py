"""The schema: what both ends of an uplink know of the model, and a message therefore does not repeat."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from minizerofl.fl.payload import State


@dataclass(frozen=True)
class Schema:
    """Names and shapes of the tensors of a state, in its order.

    Parameters
    ----------
    shapes : dict of str to tuple of int
        The shape of each tensor. All values are float32.
    known : dict of str to (k,) int32
        The positions that are sent of some tensors, where both ends know them, see `Uplink.known`.

    Examples
    --------
    >>> schema = Schema({"weight": (2, 3), "bias": (2,)})
    >>> schema.digest == Schema({"weight": (3, 2), "bias": (2,)}).digest
    False
    """

    shapes: dict[str, tuple[int, ...]]
    known: dict[str, NDArray[np.int32]] = field(default_factory=dict)

    @classmethod
    def of(cls, state: State, known: dict[str, NDArray[np.int32]] | None = None) -> Schema:
        """Return the schema of a state."""
        return cls({name: value.shape for name, value in state.items()}, known or {})

    @cached_property
    def digest(self) -> bytes:
        """The first 8 bytes of the SHA-256 of all names and shapes, and of the known positions."""
        content = hashlib.sha256(repr(list(self.shapes.items())).encode())
        for name, positions in self.known.items():
            content.update(name.encode())
            content.update(positions.astype("<i4").tobytes())
        return content.digest()[:8]
