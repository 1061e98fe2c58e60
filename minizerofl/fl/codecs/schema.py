"""The schema: what both ends of an uplink know of the model, and a message therefore does not repeat."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property

from minizerofl.fl.payload import State


@dataclass(frozen=True)
class Schema:
    """Names and shapes of the tensors of a state, in its order.

    Parameters
    ----------
    shapes : dict of str to tuple of int
        The shape of each tensor. All values are float32.

    Examples
    --------
    >>> schema = Schema({"weight": (2, 3), "bias": (2,)})
    >>> schema.digest == Schema({"weight": (3, 2), "bias": (2,)}).digest
    False
    """

    shapes: dict[str, tuple[int, ...]]

    @classmethod
    def of(cls, state: State) -> Schema:
        """Return the schema of a state."""
        return cls({name: value.shape for name, value in state.items()})

    @cached_property
    def digest(self) -> bytes:
        """The first 8 bytes of the SHA-256 of all names and shapes."""
        return hashlib.sha256(repr(list(self.shapes.items())).encode()).digest()[:8]
