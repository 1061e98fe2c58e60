"""A small stand-in for CIFAR-10's official files: two training batches and a test batch of flat pictures."""

import pickle
import tarfile
from pathlib import Path

import numpy as np
import pytest


def _records(batch: int) -> np.ndarray:
    """10,000 records: label i % 10, and planes of one level each that name batch, picture and channel."""
    i = np.arange(10_000)
    planes = np.stack([(i + 7 * batch + 50 * channel) % 256 for channel in range(3)], axis=1).astype(np.uint8)
    return np.hstack([(i % 10).astype(np.uint8)[:, None], planes.repeat(1024, axis=1)])


@pytest.fixture(scope="session")
def records() -> dict[str, np.ndarray]:
    return {"data_batch_1": _records(1), "data_batch_3": _records(3), "test_batch": _records(6)}


@pytest.fixture(scope="session")
def binary(tmp_path_factory, records) -> Path:
    """A data folder with the binary layout, unpacked."""
    folder = tmp_path_factory.mktemp("binary")
    (folder / "cifar-10-batches-bin").mkdir()
    for name, content in records.items():
        content.tofile(folder / "cifar-10-batches-bin" / f"{name}.bin")
    return folder


@pytest.fixture(scope="session")
def archived(tmp_path_factory, binary) -> Path:
    """A data folder with the binary layout's archive."""
    folder = tmp_path_factory.mktemp("archived")
    with tarfile.open(folder / "cifar-10-binary.tar.gz", "w:gz", compresslevel=1) as tar:
        tar.add(binary / "cifar-10-batches-bin", "cifar-10-batches-bin")
    return folder


@pytest.fixture(scope="session")
def pickled(tmp_path_factory, records) -> Path:
    """A data folder with the python layout, unpacked."""
    folder = tmp_path_factory.mktemp("pickled")
    (folder / "cifar-10-batches-py").mkdir()
    for name, content in records.items():
        batch = {b"batch_label": name.encode(), b"labels": content[:, 0].tolist(), b"data": content[:, 1:]}
        (folder / "cifar-10-batches-py" / name).write_bytes(pickle.dumps(batch, protocol=2))
    return folder
