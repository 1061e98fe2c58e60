"""What travels: the state of a model, the part of it that a client sends, and the update with the message."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from dataclasses import dataclass
from pickle import PickleBuffer
from typing import Any, SupportsIndex

import numpy as np
from numpy.typing import NDArray

from minizerofl.kernels.support import put

Array = NDArray[Any]
State = dict[str, Array]

LONGEST = 255  # the longest block that a message can name


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
    draw : int or None
        The seed if the positions are those of `draw_positions`: then only the seed is sent.
    block : int
        The positions come in whole blocks of this many neighbours along the last axis, whose length it divides.
    known : bool
        Whether the receiver knows the positions: then they are not sent.

    Examples
    --------
    >>> Kept((2, 3), np.array([0, 4], np.int32), np.ones(2, np.float32)).dense()
    array([[1., 0., 0.],
           [0., 1., 0.]], dtype=float32)
    """

    shape: tuple[int, ...]
    positions: NDArray[np.int32]
    values: Array
    draw: int | None = None
    block: int = 1
    known: bool = False

    def dense(self) -> Array:
        """Return the whole tensor, with its zeros."""
        whole = np.zeros(self.shape, np.float32)
        put(np.asarray(self.values, np.float32), self.positions, whole.reshape(-1))
        return whole

    def blocks(self) -> Kept:
        """Return which blocks are kept, as entries of a tensor that has one for each block; its values are empty.

        Examples
        --------
        >>> Kept((2, 4), np.array([2, 3, 4, 5], np.int32), np.ones(4, np.float32), block=2).blocks().positions
        array([1, 2], dtype=int32)
        """
        shape = (*self.shape[:-1], self.shape[-1] // self.block)
        return Kept(shape, self.positions[:: self.block] // np.int32(self.block), np.empty(0, self.values.dtype))


def whole_blocks(positions: NDArray[np.int32], shape: tuple[int, ...], block: int) -> bool:
    """Whether ascending positions come in whole blocks of neighbours along the last axis, whose length `block` divides.

    Examples
    --------
    >>> whole_blocks(np.array([2, 3, 4, 5], np.int32), (2, 4), 2), whole_blocks(np.array([1, 2], np.int32), (2, 4), 2)
    (True, False)
    """
    if block == 1 or block > LONGEST or shape[-1] % block or positions.size % block:
        return block == 1
    first = positions[::block]
    return not np.any(first % block) and bool(np.all(positions[block - 1 :: block] - first == block - 1))


Payload = Mapping[str, Array | Kept]


def draw_positions(seed: int, name: str, size: int, count: int) -> NDArray[np.int32]:
    """Draw positions that sender and receiver share if they share a seed.

    Parameters
    ----------
    seed : int
        The seed, 0 to 2**32 - 1.
    name : str
        The name of the tensor: layers of one size would have the same positions otherwise.
    size : int
        Entries of the tensor.
    count : int
        How many of them are drawn.

    Returns
    -------
    (count,) int32
        Flat positions, ascending.

    Examples
    --------
    >>> bool((draw_positions(7, "conv1", 100, 5) == draw_positions(7, "conv1", 100, 5)).all())
    True
    """
    positions = np.random.default_rng([*name.encode(), seed]).choice(size, count, replace=False, shuffle=False)
    positions.sort()
    return positions.astype(np.int32)


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
    encode_seconds : float
        How long encoding took.
    decode_seconds : float
        How long it took to decode what the server had sent; 0 if that had been done for another client.
    """

    client_id: str
    num_samples: int
    message: bytes
    train_loss: float
    encode_seconds: float = 0.0
    decode_seconds: float = 0.0

    def __reduce_ex__(self, protocol: SupportsIndex) -> tuple[type[Update], tuple[Any, ...]]:
        # The message is large. From protocol 5 on, a pickler may pass it on without a copy.
        message = PickleBuffer(self.message) if operator.index(protocol) >= 5 else self.message
        seconds = self.encode_seconds, self.decode_seconds
        return Update, (self.client_id, self.num_samples, message, self.train_loss, *seconds)


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
