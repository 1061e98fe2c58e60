"""Decoding, which never trusts its input: a message is checked against the schema, or refused with a reason."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from minizerofl.fl.codecs.message import (
    CHECKSUM,
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
from minizerofl.fl.codecs.values import EXACT, ValueCodec, Values, codec_of
from minizerofl.fl.errors import RefusedError
from minizerofl.fl.payload import Array, Kept, Payload
from minizerofl.kernels.codec import find_nonzeros


def decode(message: bytes | memoryview, schema: Schema, own: ValueCodec = EXACT) -> Payload:
    """Decode a message.

    Nothing is allocated before the sizes that a message states are found to fit both the schema and its own length:
    24 bytes for each entry of the model are never exceeded.

    Parameters
    ----------
    message : bytes
        What `Codec.encode` of any codec wrote.
    schema : Schema
        The schema of the model.
    own : ValueCodec, optional
        The run's codec of values, if it is not one of those that are built in.

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
    minizerofl.fl.errors.RefusedError: checksum: it does not match; the message was damaged on its way
    """
    codec = _check_head(message, schema, own)
    payload: dict[str, Array | Kept] = {}
    at = START + len(schema.shapes) * TENSOR.size
    for index, (name, shape) in enumerate(schema.shapes.items()):
        header = Header(*TENSOR.unpack_from(message, START + index * TENSOR.size))
        end = at + padded(header.length)
        if end > len(message):
            raise RefusedError("length", f"{name} is cut short")
        known = schema.known.get(name)
        payload[name] = _decode_tensor(header, message, at, name, shape, EXACT if header.exact else codec, known)
        at = end
    if at != len(message):
        raise RefusedError("length", f"{len(message) - at} bytes follow the last tensor")
    return payload


def _check_head(message: bytes | memoryview, schema: Schema, own: ValueCodec) -> ValueCodec:
    """Check all that stands before the headers of the tensors; return the codec of the values."""
    if len(message) < START or bytes(message[: len(MAGIC)]) != MAGIC:
        raise RefusedError("format", "this is not a message of minizerofl")
    _, version, code, tensors, digest = HEAD.unpack_from(message)
    if version != VERSION:
        raise RefusedError("format", f"version {version}, this program reads version {VERSION}")
    if CHECKSUM.unpack_from(message, HEAD.size)[0] != checksum([message[: HEAD.size], memoryview(message)[START:]]):
        raise RefusedError("checksum", "it does not match; the message was damaged on its way")
    if digest != schema.digest or tensors != len(schema.shapes):
        raise RefusedError("schema", "the message belongs to another model")
    if len(message) < START + tensors * TENSOR.size:
        raise RefusedError("length", "the headers are cut short")
    return codec_of(code, own)


def _decode_tensor(
    header: Header,
    message: bytes | memoryview,
    at: int,
    name: str,
    shape: tuple[int, ...],
    codec: ValueCodec,
    known: NDArray[np.int32] | None,
) -> Array | Kept:
    encoding, parameter, block, exact, count, length = header
    in_full = encoding not in POSITION_CODES
    if encoding not in set(Encoding) or exact > 1 or (block and in_full):
        raise RefusedError("format", f"a tensor has the unknown encoding {encoding}")
    size = math.prod(shape)
    written = size if in_full else count
    words, odd = divmod(length - codec.length(written), 4)
    if count > size or words < 0 or odd or (in_full and (words or parameter)):
        raise RefusedError("length", f"{length} bytes for {count} of {size} entries")
    if encoding == Encoding.FILLED and codec.dtype is None:
        raise RefusedError("format", "zeros are written in a way that does not keep them")
    body = np.frombuffer(message, np.uint8, length, at) if length else np.empty(0, np.uint8)
    body.flags.writeable = False  # kernels are compiled once, for read-only arrays
    values = _finite(codec.decode(body[4 * words :], written))
    if not in_full:
        positions = _positions(header, body[: 4 * words].view(np.uint32), shape, name, known)
        return Kept(shape, positions, values, block=max(1, block))
    if encoding == Encoding.WHOLE:
        if count != size:
            raise RefusedError("length", f"{size} entries were sent, the header says {count}")
        return values.reshape(shape)
    values.flags.writeable = False  # as above
    positions, found = np.empty(count + 1, np.int32), np.empty(count + 1, np.float32)  # one more: see the kernel
    if find_nonzeros(values, positions, found) != count:
        raise RefusedError("length", f"the header says {count} non-zero values, but another number was sent")
    return Kept(shape, positions[:count], found[:count])


def _positions(
    header: Header,
    code: NDArray[np.uint32],
    shape: tuple[int, ...],
    name: str,
    known: NDArray[np.int32] | None,
) -> NDArray[np.int32]:
    """Read positions back; where `block` is not 0, those of all entries of the blocks that the code names."""
    encoding, parameter, block, _, count, _ = header
    if encoding == Encoding.KNOWN and known is not None:
        if parameter or block or code.size or known.size != count:
            raise RefusedError("length", f"{count} values for {known.size} known positions")
        return known
    position_code = POSITION_CODES[Encoding(encoding)]
    if not block:
        return position_code.decode(code, parameter, count, shape, name)
    if not shape or shape[-1] % block or count % block:
        raise RefusedError("length", f"{count} entries of a tensor {shape} in blocks of {block}")
    first = position_code.decode(code, parameter, count // block, (*shape[:-1], shape[-1] // block), name)
    entries = first[:, None] * np.int32(block) + np.arange(block, dtype=np.int32)
    return entries.reshape(-1).astype(np.int32, copy=False)


def _finite(values: Values) -> Values:
    if not np.isfinite(values).all():
        raise RefusedError("not finite", "a value is NaN or infinite")
    return values
