"""The feature cache: every recording's features in one HDF5 file, built once by all cores and then mapped, not read.

It holds all words, whatever classes are asked for. Its name is a digest of the source's files and of the formula, so a
changed folder gets a new file, and files of both kinds of features lie side by side.
"""

import os
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
import numpy.typing as npt

from minizerofl_datasets.cache import cache_folder, write_atomically
from minizerofl_datasets.errors import DataError, one_line
from minizerofl_datasets.fingerprint import combine
from minizerofl_datasets.speech_commands.features import FEATURES, HEIGHT, Features
from minizerofl_datasets.speech_commands.sources import NOISE, Recording, Source
from minizerofl_datasets.speech_commands.spectrum import FRAMES, SAMPLES, fit_length, mel_power
from minizerofl_datasets.speech_commands.wav import read_wav

__all__ = ["SILENT", "FeatureStore", "Progress", "open_store"]

LAYOUT = 2  # Raise it when the computation of features or the file's layout changes.
BATCH = 64  # Recordings; their spectra take 17 MB.
SILENT = -1  # The row of a clip of digital silence, which no file holds.

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
    noise : list of ndarray of float32, shape (bands, frames)
        Mel energies of the background noises.
    kind : Features
        The kind of the features.
    recordings : str
        The fingerprint of the recordings from which all was computed: of the name and the bytes of each.
    """

    names: list[str]
    features: npt.NDArray[np.float16]
    noise: list[Floats]
    kind: Features = FEATURES["log-mel"]
    recordings: str = ""

    def inputs(self, rows: npt.NDArray[np.int64]) -> Floats:
        """Return the features of rows, (n, 1, 32, 32) float32; a row of ``SILENT`` is silence.

        Examples
        --------
        >>> store = FeatureStore(["bed/a_nohash_0.wav"], np.zeros((1, 32, 32), np.float16), [])
        >>> store.inputs(np.array([0, SILENT])).mean(axis=(1, 2, 3)).tolist()
        [0.0, -2.0]
        """
        x = np.empty((len(rows), 1, HEIGHT, FRAMES), np.float32)
        x[:] = self.kind.silence
        spoken = rows != SILENT
        x[spoken, 0] = self.features[rows[spoken]]
        return x


def open_store(source: Source, progress: Progress | None = None, features: str = "log-mel") -> FeatureStore:
    """Open a source's features, after computing them if they are not in the cache.

    Parameters
    ----------
    source : Source
        Where the recordings are.
    progress : callable, optional
        Called with (bytes read, bytes in all) after every batch while features are computed.
    features : {"log-mel", "mfcc"}
        The kind of features.

    Returns
    -------
    FeatureStore

    Raises
    ------
    DataError
        If a recording is refused, or the cache cannot be written.

    Notes
    -----
    The file appears when it is complete. Two processes that build at once do the work twice; the last one's file, which
    is equal, stays. A damaged file is built again.
    """
    kind = FEATURES[features]
    key = sha256(f"{LAYOUT} {kind.formula} {source.fingerprint()}".encode()).hexdigest()[:20]
    path = cache_folder() / "features" / f"speech-commands-{source.version}-{key}.h5"
    if store := _open(path, kind):
        return store
    try:
        _build(source, path, progress, kind)
    except BrokenPipeError:  # The reader of the progress has gone.
        raise
    except (OSError, RuntimeError) as error:  # h5py raises both when the disk is full.
        raise DataError(
            f"{path}: the features cannot be written ({one_line(error)}); make room, or set MINIZEROFL_CACHE to "
            "another folder."
        ) from error
    built = _open(path, kind)
    if built is None:
        raise DataError(f"{path}: the features cannot be read back; set MINIZEROFL_CACHE to a folder on another disk.")
    return built


def _open(path: Path, kind: Features) -> FeatureStore | None:
    """Map a file of features; None if it is missing or damaged."""
    import h5py

    if not path.is_file():
        return None
    try:
        with h5py.File(path, "r") as file:
            names = [name.decode() for name in file["names"][()]]
            noise = {name: recording[()] for name, recording in file["noise"].items()}
            offset, checksum = file["features"].id.get_offset(), int(file.attrs["crc32"])
            recordings = str(file.attrs["recordings"])
        features = np.memmap(path, np.float16, "r", offset, (len(names), HEIGHT, FRAMES))
    except (OSError, KeyError, RuntimeError, ValueError, TypeError, AttributeError):
        return None
    told = [*names, *noise, recordings]
    if _checksum(told, noise.values(), zlib.crc32(features.data)) != checksum:
        return None
    return FeatureStore(names, features, list(noise.values()), kind, recordings)


def _checksum(names: Iterable[str], noise: Iterable[Floats], features: int) -> int:
    """Return a checksum of all that a file holds, given that of its features."""
    for content in ("\0".join(names).encode(), *(recording.tobytes() for recording in noise)):
        features = zlib.crc32(content, features)
    return features


def _build(source: Source, path: Path, progress: Progress | None, kind: Features) -> None:
    import h5py
    from threadpoolctl import threadpool_limits

    names: list[str] = []
    blocks: list[npt.NDArray[np.float16]] = []
    noise: dict[str, Floats] = {}
    seen: dict[str, int] = {}
    # Batches run in parallel, so BLAS must not start threads of its own within each.
    with ThreadPoolExecutor(os.cpu_count()) as pool, threadpool_limits(1, "blas"):
        for batch in _in_order(pool, source, noise, seen, kind):
            names += batch.names
            blocks.append(batch.features)
            if progress is not None:
                progress(batch.position, source.size)
    if not names:
        raise DataError(f"{source.path}: holds background noises but no words; download the set again.")
    checksum = 0
    with write_atomically(path) as part, h5py.File(part, "w") as file:
        # A contiguous data set, so that the file can be mapped.
        features = file.create_dataset("features", (len(names), HEIGHT, FRAMES), np.float16)
        row = 0
        for block in blocks:
            features[row : row + len(block)] = block
            row += len(block)
            checksum = zlib.crc32(block.data, checksum)
        file["names"] = np.array([name.encode() for name in names])
        file.create_group("noise")
        noise = dict(sorted(noise.items()))
        for name, power in noise.items():
            file["noise"][name] = power
        recordings = combine(*(f"{name} {crc:08x}" for name, crc in sorted(seen.items())))
        file.attrs["recordings"] = recordings
        file.attrs["crc32"] = _checksum([*names, *noise, recordings], noise.values(), checksum)


@dataclass(frozen=True)
class _Batch:
    names: list[str]
    features: npt.NDArray[np.float16]
    position: int


def _batches(
    source: Source, noise: dict[str, Floats], seen: dict[str, int], kind: Features
) -> Iterator[list[Recording]]:
    """Yield the source's clips in batches.

    The energies of its background noises go into ``noise``, the checksum of every recording into ``seen``.
    """
    batch: list[Recording] = []
    for recording in source.recordings():
        folder, file = recording.name.split("/")
        seen[recording.name] = zlib.crc32(recording.content)
        if folder == NOISE:
            wave = read_wav(recording.content, f"{source.path}: {recording.name}").astype(np.float32) / np.float32(
                2**15
            )
            if len(wave) >= SAMPLES:  # A shorter one does not hold a second of noise.
                noise[file] = mel_power(wave[None], kind.bands)[0]
            continue
        batch.append(recording)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _in_order(
    pool: ThreadPoolExecutor, source: Source, noise: dict[str, Floats], seen: dict[str, int], kind: Features
) -> Iterator[_Batch]:
    """Compute batches in the pool and yield them in order; the queue is short, so that memory stays small."""
    pending: deque[Future[_Batch]] = deque()
    try:
        for batch in _batches(source, noise, seen, kind):
            pending.append(pool.submit(_compute, batch, source.path, kind))
            if len(pending) > 2 * (os.cpu_count() or 1):
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        for future in pending:
            future.cancel()


def _compute(batch: list[Recording], where: Path, kind: Features) -> _Batch:
    waves = np.stack([fit_length(read_wav(recording.content, f"{where}: {recording.name}")) for recording in batch])
    features = kind.of_waves(waves).astype(np.float16)
    return _Batch([recording.name for recording in batch], features, batch[-1].position)
