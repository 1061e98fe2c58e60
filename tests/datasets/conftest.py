"""Writers of small TFF and LEAF files, and the folder of the real data."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest

Writers = dict[str, int]


def _pixels(writer: str, split: str, n: int) -> np.ndarray:
    """n different images in whole grey levels; the same for the same arguments."""
    rng = np.random.default_rng([len(split), *writer.encode()])
    return (rng.integers(0, 256, (n, 28, 28)) / 255).astype(np.float32)


def _labels(n: int) -> np.ndarray:
    return (np.arange(n) % 62).astype(np.int32)


@pytest.fixture(scope="session", autouse=True)
def _cache_of_this_session(tmp_path_factory) -> Iterator[None]:
    """For fixtures that several tests share."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MINIZEROFL_CACHE", str(tmp_path_factory.mktemp("session-cache")))
        yield


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch) -> Path:
    """A cache of its own for every test: what a user has in theirs changes nothing."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("MINIZEROFL_CACHE", str(folder))
    return folder


@pytest.fixture(scope="session")
def pixels() -> Callable[[str, str, int], np.ndarray]:
    return _pixels


@pytest.fixture(scope="session")
def write_tff() -> Callable[[Path, Writers, Writers], Path]:
    """Write a pair of TFF files with so many images per writer; returns the folder."""

    def write(folder: Path, train: Writers, test: Writers) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        for split, writers in (("train", train), ("test", test)):
            with h5py.File(folder / f"fed_emnist_{split}.h5", "w") as file:
                examples = file.create_group("examples")
                for writer, n in writers.items():
                    examples[f"{writer}/pixels"] = _pixels(writer, split, n)
                    examples[f"{writer}/label"] = _labels(n)
        return folder

    return write


@pytest.fixture(scope="session")
def leaf_entry() -> Callable[[str, str, int], dict]:
    """One user's entry of a LEAF file."""

    def entry(writer: str, split: str, n: int) -> dict:
        x = np.rint(_pixels(writer, split, n).reshape(n, 784) * 255.0) / 255
        return {"x": x.tolist(), "y": _labels(n).tolist()}

    return entry


@pytest.fixture(scope="session")
def write_leaf() -> Callable[[Path, dict, dict], Path]:
    """Write LEAF's train/ and test/ folders, one file for every two users; returns the folder."""

    def write(folder: Path, train: dict, test: dict) -> Path:
        for split, users in (("train", train), ("test", test)):
            (folder / split).mkdir(parents=True, exist_ok=True)
            names = list(users)
            for start in range(0, len(names), 2):
                part = names[start : start + 2]
                content = {
                    "users": part,
                    "num_samples": [len(users[user]["y"]) for user in part],
                    "user_data": {user: users[user] for user in part},
                }
                (folder / split / f"all_data_{start}_{split}_9.json").write_text(json.dumps(content))
        return folder

    return write


@pytest.fixture(scope="session")
def real_data() -> Path:
    folder = os.environ.get("MINIZEROFL_DATA")
    if not folder:
        pytest.skip("MINIZEROFL_DATA is not set: no real data here")
    return Path(folder)
