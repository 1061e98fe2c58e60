"""The ladder of codings: what one message up and one down take, from float32 in CSR to one bit a value.

Each rung is encoded, and computed beside it: H(q)/q bits for a position (H: binary entropy, q: the share that is sent),
the bits of a value, and 32 bits for each entry of a vector. Headers, seeds and scales are in the encoded size alone.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from minizerofl.fl.codecs import Codec, Schema, value_codec
from minizerofl.fl.codecs.positions import position_bytes
from minizerofl.fl.codecs.values import is_vector
from minizerofl.fl.downlink import encode_state, non_zeros
from minizerofl.fl.payload import Array, Kept, Payload, State
from minizerofl.fl.settings import Settings

MANY = 1 << 20  # values by which the bits of one are counted

# The name of a rung, codec up, codec down, codec of values both ways.
RUNGS = (
    ("CSR up, dense down", "csr", "dense", "float32"),
    ("lossless", "auto", "auto", "float32"),
    ("float16", "auto", "auto", "float16"),
    ("int8", "auto", "auto", "int8"),
    ("EDEN, 4 bits", "auto", "auto", "eden4"),
    ("EDEN, 2 bits", "auto", "auto", "eden2"),
    ("EDEN, 1 bit", "auto", "auto", "eden1"),
)


@dataclass(frozen=True)
class Rung:
    """What a coding makes of a message in each direction, in bytes.

    Attributes
    ----------
    name : str
        The coding.
    up, down : int
        Bytes as encoded.
    computed_up, computed_down : int
        Bytes by arithmetic.
    """

    name: str
    up: int
    down: int
    computed_up: int
    computed_down: int


def ladder(payload: Payload, state: State, sparse: Collection[str]) -> Iterator[Rung]:
    """Encode a client's payload and the server's model in every way.

    Parameters
    ----------
    payload : mapping of str to (array or Kept)
        What a client sends.
    state : dict of str to array
        The model that the server sends.
    sparse : collection of str
        The names of the sparse layers' weights.

    Examples
    --------
    >>> import numpy as np
    >>> state = {"w": np.eye(64, dtype=np.float32), "bias": np.ones(64, np.float32)}
    >>> for rung in ladder(state, state, ["w"]):
    ...     print(f"{rung.name:18} {rung.up:6,} {rung.computed_up:6,} {rung.down:4,} {rung.computed_down:4,}")
    CSR up, dense down 16,684 16,640 16,684 16,640
    lossless           16,684 16,640  620  571
    float16             8,492  8,448  492  443
    int8                4,400  4,352  432  379
    EDEN, 4 bits        2,356  2,304  436  347
    EDEN, 2 bits        1,332  1,280  404  331
    EDEN, 1 bit           820    768  388  323
    """
    schema = Schema.of(state)
    sent_down = {name: non_zeros(value) if name in sparse else value for name, value in state.items()}
    for name, up, down, values in RUNGS:
        settings = Settings(downlink_codec=down, downlink_values=values)
        message = encode_state(state, sparse, settings, round=0).message
        yield Rung(
            name,
            len(Codec(up, values).encode(payload, schema)),
            len(message),
            round(sum(_bits(each, up, values) for each in payload.values()) / 8),
            round(sum(min(_bits(sent_down[n], down, values), _bits(state[n], down, values)) for n in state) / 8),
        )


def _bits(tensor: Array | Kept, codec: str, values: str) -> float:
    """Compute the bits of a tensor."""
    of_values = value_codec("float32" if is_vector(tensor.shape) else values)
    each = round(8 * (of_values.length(MANY) - of_values.length(0)) / MANY)
    if not isinstance(tensor, Kept):
        return each * math.prod(tensor.shape)
    if codec == "dense":
        return each * math.prod(tensor.shape)
    positions = position_bytes(tensor.shape, tensor.positions.size)["csr" if codec == "csr" else "entropy"]
    return 8 * positions + each * tensor.positions.size
