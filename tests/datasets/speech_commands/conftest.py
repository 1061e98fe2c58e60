"""Small sets of Speech Commands: waves that the tests make, as a folder or as an archive."""

import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.io import wavfile

# By the official lists: two speakers who train, one of each other split.
SPEAKERS = {"012c8314": "train", "01648c51": "train", "026290a7": "validation", "0c40e715": "test"}
WORDS = ("yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go", "bed", "cat", "happy")


def _wav(samples: np.ndarray, rate: int = 16_000) -> bytes:
    file = io.BytesIO()
    wavfile.write(file, rate, samples)
    return file.getvalue()


def _wave(name: str, samples: int = 16_000) -> np.ndarray:
    """A tone in noise, another one for every name."""
    rng = np.random.default_rng(list(name.encode()))
    tone = np.sin(2 * np.pi * rng.uniform(200, 4000) / 16_000 * np.arange(samples))
    return (6000 * tone + 300 * rng.standard_normal(samples)).astype(np.int16)


@pytest.fixture(scope="session")
def wav() -> Callable[..., bytes]:
    return _wav


@pytest.fixture(scope="session")
def speakers() -> dict[str, str]:
    return SPEAKERS


@pytest.fixture(scope="session")
def recordings() -> dict[str, bytes]:
    """A whole small set: 13 words by 4 speakers twice, a long clip, a short one, and two noises."""
    files = {f"{word}/{speaker}_nohash_{i}.wav": b"" for word in WORDS for speaker in SPEAKERS for i in (0, 1)}
    lengths = dict(zip(files, (20_000, 9_000), strict=False))
    files = {name: _wav(_wave(name, lengths.get(name, 16_000))) for name in files}
    for name in ("hum", "wind"):
        files[f"_background_noise_/{name}.wav"] = _wav(_wave(name, 40_000))
    return files


@pytest.fixture(scope="session")
def write_folder() -> Callable[[Path, dict[str, bytes]], Path]:
    """Write recordings below a folder, beside the lists that the real set has; returns the folder."""

    def write(folder: Path, files: dict[str, bytes]) -> Path:
        for name, content in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        (folder / "testing_list.txt").write_text("bed/0c40e715_nohash_0.wav\n")
        return folder

    return write


@pytest.fixture(scope="session")
def write_archive() -> Callable[[Path, dict[str, bytes]], Path]:
    """Write recordings into a .tar.gz, named as in the official one, last names first."""

    def write(path: Path, files: dict[str, bytes]) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tarfile.open(path, "w:gz", compresslevel=1) as archive:
            for name, content in [*reversed(files.items()), ("README.md", b"words")]:
                member = tarfile.TarInfo(f"./{name}")
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
        return path

    return write
