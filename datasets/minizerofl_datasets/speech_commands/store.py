"""The feature cache: every recording's features in one HDF5 file, built once by all cores and then mapped, not read.

It holds all words, whatever classes are asked for. Its name is a digest of the source's files and of how features are
computed, so a changed folder or formula gets a file of its own.
"""

import os
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
import numpy.typing as npt

from minizerofl_datasets.cache import cache_folder, write_atomically
from minizerofl_datasets.errors import DataError, one_line
from minizerofl_datasets.speech_commands.features import (
    BANDS,
    FORMULA,
    FRAMES,
    LOWEST,
    SAMPLES,
    fit_length,
    log_mel,
    mel_power,
)
from minizerofl_datasets.speech_commands.sources import NOISE, Recording, Source
from minizerofl_datasets.speech_commands.wav import read_wav

__all__ = ["SILENT", "FeatureStore", "Progress", "open_store"]

LAYOUT = 1  # to be raised when features or the file's layout change
BATCH = 64  # recordings; their spectra take 17 MB
SILENT = -1  # the row of a clip of digital silence, which no file holds

Floats = npt.NDArray[np.float32]
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class FeatureStore:
    """Features on disk.

    Parameters
    ----------
    names : list of str
        The clips, such as "bed/012c8314_nohash_0.wav", in the order of the rows.
    features : ndarray of float16, shape (N, 32, 32)
        Mapped from the file.
    noise : list of ndarray of float32, shape (32, frames)
        Mel energies of the background noises.
    """

    names: list[str]
    features: npt.NDArray[np.float16]
    noise: list[Floats]

    def inputs(self, rows: npt.NDArray[np.int64]) -> Floats:
        """Return the features of rows, (n, 1, 32, 32) float32; a row of ``SILENT`` is silence.

        Examples
        --------
        >>> store = FeatureStore(["bed/a_nohash_0.wav"], np.zeros((1, 32, 32), np.float16), [])
        >>> store.inputs(np.array([0, SILENT])).mean(axis=(1, 2, 3)).tolist()
        [0.0, -2.0]
        """
        x = np.full((len(rows), 1, BANDS, FRAMES), LOWEST, np.float32)
        spoken = rows != SILENT
        x[spoken, 0] = self.features[rows[spoken]]
        return x


def open_store(source: Source, progress: Progress | None = None) -> FeatureStore:
    """Open a source's features, after computing them if they are not in the cache.

    Parameters
    ----------
    source : Source
        Where the recordings are.
    progress : callable, optional
        Called with (bytes read, bytes in all) after every batch while features are computed.

    Returns
    -------
    FeatureStore

    Raises
    ------
    DataError
        If a recording is refused, or the cache cannot be written.

    Notes
    -----
    The file appears when it is whole. Two processes that build at once do the work twice; the last one's file, which is
    equal, stays. A damaged file is built anew.
    """
    key = sha256(f"{LAYOUT} {FORMULA} {source.fingerprint()}".encode()).hexdigest()[:20]
    path = cache_folder() / "features" / f"speech-commands-{source.version}-{key}.h5"
    if store := _open(path):
        return store
    try:
        _build(source, path, progress)
    except BrokenPipeError:  # whoever was told the progress has gone
        raise
    except (OSError, RuntimeError) as error:  # h5py has both for a disk that is full
        raise DataError(
            f"{path}: the features cannot be written ({one_line(error)}); make room, or set MINIZEROFL_CACHE to "
            "another folder."
        ) from error
    built = _open(path)
    if built is None:
        raise DataError(f"{path}: the features cannot be read back; set MINIZEROFL_CACHE to a folder on a sound disk.")
    return built


def _open(path: Path) -> FeatureStore | None:
    """Map a file of features; None if it is missing or not what was written."""
    import h5py

    if not path.is_file():
        return None
    try:
        with h5py.File(path, "r") as file:
            names = [name.decode() for name in file["names"][()]]
            noise = [recording[()] for recording in file["noise"].values()]
            offset, checksum = file["features"].id.get_offset(), int(file.attrs["crc32"])
        features = np.memmap(path, np.float16, "r", offset, (len(names), BANDS, FRAMES))
    except (OSError, KeyError, RuntimeError, ValueError, TypeError, AttributeError):
        return None
    return FeatureStore(names, features, noise) if zlib.crc32(features.data) == checksum else None


def _build(source: Source, path: Path, progress: Progress | None) -> None:
    import h5py
    from threadpoolctl import threadpool_limits

    names: list[str] = []
    blocks: list[npt.NDArray[np.float16]] = []
    noise: dict[str, Floats] = {}
    # Parallel over batches: a BLAS that starts threads of its own within each would only get in the way.
    with ThreadPoolExecutor(os.cpu_count()) as pool, threadpool_limits(1, "blas"):
        for batch in _in_order(pool, source, noise):
            names += batch.names
            blocks.append(batch.features)
            if progress is not None:
                progress(batch.position, source.size)
    if not names:
        raise DataError(f"{source.path}: holds background noises but no words; get the set anew.")
    checksum = 0
    with write_atomically(path) as part, h5py.File(part, "w") as file:
        # Laid out in one piece, so that the file can be mapped.
        features = file.create_dataset("features", (len(names), BANDS, FRAMES), np.float16)
        row = 0
        for block in blocks:
            features[row : row + len(block)] = block
            row += len(block)
            checksum = zlib.crc32(block.data, checksum)
        file["names"] = np.array([name.encode() for name in names])
        file.create_group("noise")
        for name, power in sorted(noise.items()):
            file["noise"][name] = power
        file.attrs["crc32"] = checksum


@dataclass(frozen=True)
class _Batch:
    names: list[str]
    features: npt.NDArray[np.float16]
    position: int


def _batches(source: Source, noise: dict[str, Floats]) -> Iterator[list[Recording]]:
    """Yield the source's clips in batches and put its background noises aside."""
    batch: list[Recording] = []
    for recording in source.recordings():
        folder, file = recording.name.split("/")
        if folder == NOISE:
            wave = read_wav(recording.content, f"{source.path}: {recording.name}").astype(np.float32) / np.float32(
                2**15
            )
            if len(wave) >= SAMPLES:  # what is shorter has no second to lend
                noise[file] = mel_power(wave[None])[0]
            continue
        batch.append(recording)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _in_order(pool: ThreadPoolExecutor, source: Source, noise: dict[str, Floats]) -> Iterator[_Batch]:
    """Compute batches in the pool and yield them in order; few wait, so that an archive is not held in memory."""
    pending: deque[Future[_Batch]] = deque()
    try:
        for batch in _batches(source, noise):
            pending.append(pool.submit(_compute, batch, source.path))
            if len(pending) > 2 * (os.cpu_count() or 1):
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        for future in pending:
            future.cancel()


def _compute(batch: list[Recording], where: Path) -> _Batch:
    waves = np.stack([fit_length(read_wav(recording.content, f"{where}: {recording.name}")) for recording in batch])
    return _Batch([recording.name for recording in batch], log_mel(waves).astype(np.float16), batch[-1].position)
