"""Decoding, which never trusts its input: a message is checked against the schema, or refused with a reason."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minizerofl.fl.codecs.message import (
    CRC,
    DTYPES,
    HEAD,
    MAGIC,
    POSITION_CODES,
    START,
    TENSOR,
    VERSION,
    Encoding,
    Header,
    checksum,
    padded,
)
from minizerofl.fl.codecs.schema import Schema
from minizerofl.fl.errors import RefusedError
from minizerofl.fl.payload import Array, Kept, Payload
from minizerofl.kernels.codec import find_nonzeros


def decode(message: bytes, schema: Schema) -> Payload:
    """Decode a message.

    Nothing is allocated before the sizes that a message states are found to fit both the schema and its own length:
    17 bytes for each entry of the model are never exceeded.

    Parameters
    ----------
    message : bytes
        What `Codec.encode` of any codec wrote.
    schema : Schema
        The schema of the model.

    Returns
    -------
    mapping of str to (array or Kept)
        The payload: finite, float32, of the shapes of the schema, with ascending positions. Float32 values are
        read-only views of the message.

    Raises
    ------
    RefusedError
        Its `reason` is "format" (none of our messages, or another version), "checksum", "schema" (another model's),
        "length", "index" or "not finite".

    Examples
    --------
    >>> from minizerofl.fl.codecs import Codec
    >>> schema = Schema({"bias": (2,)})
    >>> message = Codec().encode({"bias": np.ones(2, np.float32)}, schema)
    >>> decode(message, schema)["bias"]
    array([1., 1.], dtype=float32)
    >>> decode(message[:-1], schema)
    Traceback (most recent call last):
        ...
    minizerofl.fl.errors.RefusedError: checksum: the CRC-32 does not match; the message was damaged on its way
    """
    dtype = _check_head(message, schema)
    payload: dict[str, Array | Kept] = {}
    at = START + len(schema.shapes) * TENSOR.size
    for index, (name, shape) in enumerate(schema.shapes.items()):
        header = Header(*TENSOR.unpack_from(message, START + index * TENSOR.size))
        end = at + padded(header.length)
        if end > len(message):
            raise RefusedError("length", f"{name} is cut short")
        payload[name] = _decode_tensor(header, message, at, shape, dtype)
        at = end
    if at != len(message):
        raise RefusedError("length", f"{len(message) - at} bytes follow the last tensor")
    return payload


def _check_head(message: bytes, schema: Schema) -> np.dtype[Any]:
    """Check all that stands before the headers of the tensors; return the dtype of the values."""
    if len(message) < START or not message.startswith(MAGIC):
        raise RefusedError("format", "this is not a message of minizerofl")
    _, version, width, tensors, digest = HEAD.unpack_from(message)
    if version != VERSION:
        raise RefusedError("format", f"version {version}, this program reads version {VERSION}")
    if CRC.unpack_from(message, HEAD.size)[0] != checksum([message[: HEAD.size], memoryview(message)[START:]]):
        raise RefusedError("checksum", "the CRC-32 does not match; the message was damaged on its way")
    if digest != schema.digest or tensors != len(schema.shapes):
        raise RefusedError("schema", "the message belongs to another model")
    if len(message) < START + tensors * TENSOR.size:
        raise RefusedError("length", "the headers are cut short")
    for dtype in DTYPES.values():
        if dtype.itemsize == width:
            return dtype
    raise RefusedError("format", f"values of {width} bytes, expected 4 or 2")


def _decode_tensor(
    header: Header, message: bytes, at: int, shape: tuple[int, ...], dtype: np.dtype[Any]
) -> Array | Kept:
    encoding, parameter, zero, count, length = header
    if encoding not in set(Encoding) or zero:
        raise RefusedError("format", f"a tensor has the unknown encoding {encoding}")
    size = math.prod(shape)
    in_full = encoding not in POSITION_CODES
    written = size if in_full else count
    words, odd = divmod(length - written * dtype.itemsize, 4)
    if count > size or words < 0 or odd or (in_full and (words or parameter)):
        raise RefusedError("length", f"{length} bytes for {count} of {size} entries")
    values = _finite(np.frombuffer(message, dtype, written, at + 4 * words)) if written else np.empty(0, np.float32)
    if not in_full:
        code = np.frombuffer(message, np.uint32, words, at) if words else np.empty(0, np.uint32)
        code.flags.writeable = False  # kernels are compiled once, for read-only code
        return Kept(shape, POSITION_CODES[Encoding(encoding)].decode(code, parameter, count, shape), values)
    if encoding == Encoding.WHOLE:
        if count != size:
            raise RefusedError("length", f"{size} entries were sent, the header says {count}")
        return values.reshape(shape)
    values.flags.writeable = False  # as above
    positions, found = np.empty(count + 1, np.int32), np.empty(count + 1, np.float32)  # one more: see the kernel
    if find_nonzeros(values, positions, found) != count:
        raise RefusedError("length", f"the header says {count} non-zero values, but another number was sent")
    return Kept(shape, positions[:count], found[:count])


def _finite(values: NDArray[Any]) -> NDArray[np.float32]:
    if not np.isfinite(values).all():
        raise RefusedError("not finite", "a value is NaN or infinite")
    return values.astype(np.float32, copy=False)
