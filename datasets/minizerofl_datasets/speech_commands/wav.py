"""Reads the WAV files of the set (16 kHz, one channel, 16 bits); refuses any other file in one line."""

import struct
from io import BytesIO

import numpy as np
import numpy.typing as npt

from minizerofl_datasets.errors import DataError, one_line

__all__ = ["RATE", "read_wav"]

RATE = 16_000  # samples a second


def read_wav(content: bytes, where: str) -> npt.NDArray[np.int16]:
    """Return the samples of a WAV file.

    Parameters
    ----------
    content : bytes
        The whole file.
    where : str
        The file's name, for messages.

    Returns
    -------
    ndarray of int16, shape (samples,)
        At least one sample, 16,000 a second.

    Raises
    ------
    DataError
        If the file is not a WAV file, is cut short or empty, or has another rate, width or number of channels.

    Notes
    -----
    scipy gives the same warning for unknown chunks (some of the set's files have a tag) and for a file that is cut
    short. So the chunks are read here, and scipy gets the two that matter.

    Examples
    --------
    >>> read_wav(b"RIFF", "bed/0.wav")
    Traceback (most recent call last):
    ...
    minizerofl_datasets.errors.DataError: bed/0.wav: is not a WAV file; download the file again.
    """
    from scipy.io import wavfile

    if content[:4] != b"RIFF" or content[8:12] != b"WAVE":
        raise DataError(f"{where}: is not a WAV file; download the file again.")
    chunks = _chunks(content, where)
    if missing := {b"fmt ", b"data"} - chunks.keys():
        raise DataError(f"{where}: has no chunk {min(missing)!r}, so it is not a WAV file; download it again.")
    body = b"".join(name + struct.pack("<I", len(chunks[name])) + chunks[name] for name in (b"fmt ", b"data"))
    try:
        rate, samples = wavfile.read(BytesIO(b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WAVE" + body))
    except (ValueError, struct.error, OverflowError, ZeroDivisionError) as error:
        raise DataError(f"{where}: cannot be read as WAV ({one_line(error)}); download the file again.") from error
    if samples.ndim != 1:
        raise DataError(f"{where}: has {samples.shape[1]} channels, expected 1; convert it, or download it again.")
    if rate != RATE:
        raise DataError(f"{where}: is sampled at {rate} Hz, expected {RATE} Hz; resample it, or download it again.")
    if samples.dtype != np.int16:
        raise DataError(f"{where}: holds {samples.dtype} samples, expected int16; convert it, or download it again.")
    if not len(samples):
        raise DataError(f"{where}: holds no samples; download the file again.")
    return np.asarray(samples, np.int16)


def _chunks(content: bytes, where: str) -> dict[bytes, bytes]:
    """Return a RIFF file's chunks; every chunk must be complete."""
    declared = int.from_bytes(content[4:8], "little") + 8
    chunks: dict[bytes, bytes] = {}
    at = 12
    while at + 8 <= min(len(content), declared):
        end = at + 8 + int.from_bytes(content[at + 4 : at + 8], "little")
        declared = max(declared, end)
        chunks.setdefault(content[at : at + 4], content[at + 8 : end])
        at = end + end % 2  # Chunks start at even positions.
    if declared > len(content):
        raise DataError(f"{where}: is cut short ({len(content)} of {declared} bytes); download the file again.")
    return chunks
