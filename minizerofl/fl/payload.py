"""What travels: the state of a model, the part of it that a client sends, and the update with the message."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from dataclasses import dataclass
from pickle import PickleBuffer
from typing import Any, SupportsIndex

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
State = dict[str, Array]


@dataclass(frozen=True)
class Kept:
    """The entries of a tensor that are sent; all others count as zero.

    Attributes
    ----------
    shape : tuple of int
        Shape of the whole tensor.
    positions : (k,) int32
        Flat C-order positions, ascending.
    values : (k,) float32
        The entries there.
    """

    shape: tuple[int, ...]
    positions: NDArray[np.int32]
    values: Array


Payload = Mapping[str, Array | Kept]


@dataclass(frozen=True)
class Update:
    """What a client returns from a round.

    Attributes
    ----------
    client_id : str
        Who trained.
    num_samples : int
        On how many samples, validation excluded: the client's weight in the average.
    message : bytes
        What it sends, encoded, see `minizerofl.fl.codecs`.
    train_loss : float
        Mean cross-entropy over the samples, each measured just before the step it took part in.
    """

    client_id: str
    num_samples: int
    message: bytes
    train_loss: float

    def __reduce_ex__(self, protocol: SupportsIndex) -> tuple[type[Update], tuple[Any, ...]]:
        # The message is large. From protocol 5 on, a pickler may pass it on without a copy.
        message = PickleBuffer(self.message) if operator.index(protocol) >= 5 else self.message
        return Update, (self.client_id, self.num_samples, message, self.train_loss)


def num_bytes(payload: Payload) -> int:
    """Count the bytes of a payload by the accounting of CSR: 4-byte values, column indices and row pointers.

    Tensors that are sent whole take 4 bytes an entry. A real message also has a header of a few dozen bytes.

    Examples
    --------
    >>> kept = Kept((2, 3), np.array([0, 4], np.int32), np.ones(2, np.float32))
    >>> num_bytes({"weight": kept, "bias": np.zeros(2, np.float32)})
    36
    """
    total = 0
    for tensor in payload.values():
        if isinstance(tensor, Kept):
            total += 8 * tensor.positions.size + 4 * (tensor.shape[0] + 1)
        else:
            total += 4 * tensor.size
    return total
