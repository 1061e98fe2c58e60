"""Devices: each node is one client, with samples that never leave it. What the server and the device know of the data.

The server has a data set of its own, on whose test samples the model is evaluated; its training samples are not used.
A device has a file of arrays, as `minizerofl data import` takes it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from minizerofl_datasets import DataError, FederatedDataset
from minizerofl_datasets.arrays import read_arrays
from minizerofl_datasets.federated import Samples, Split

TABLE = "devices"  # of the configuration that devices get
SCALED, STORED = "x = stored value / 255", "x = stored value"


class DevicesDataset(FederatedDataset):
    """What the server knows: how many training samples each device has, and the test samples of its own data set.

    Parameters
    ----------
    base : FederatedDataset
        The server's data set.
    sizes : mapping of str to int
        The training samples of each device.

    Examples
    --------
    >>> import minizerofl_datasets
    >>> base = minizerofl_datasets.load("femnist", source="synthetic", clients=1)
    >>> data = DevicesDataset(base, {"alice": 12, "bob": 30})
    >>> data.clients, data.num_train("bob"), data.test()[1].size == base.test()[1].size
    (('alice', 'bob'), 30, True)
    """

    def __init__(self, base: FederatedDataset, sizes: Mapping[str, int]) -> None:
        self._base = base
        self._sizes = dict(sizes)
        super().__init__(
            name=base.name,
            source=base.source,
            format="devices",
            origin=f"private samples of {len(sizes)} devices; tested on {base.origin}",
            clients=tuple(sorted(sizes)),
            input_shape=base.input_shape,
            class_names=base.class_names,
            transform=base.transform,
            seed=base.seed,
            test_clients=base.test_clients,
        )

    def num_train(self, client: str) -> int:
        """Return how many training samples a device has."""
        self._check_client(client, self._members)
        return self._sizes[client]

    def validation(self, client: str) -> Samples:
        """Return no samples: a device gives none away."""
        return np.empty((0, *self.input_shape), np.float32), np.empty(0, np.int64)

    def _read(self, client: str, split: Split) -> Samples:
        if split == "train":
            raise DataError(f"{client}: the training samples of a device are on the device alone.")
        return self._base.test(client)

    def _count(self, client: str, split: Split) -> int:
        return self._sizes[client] if split == "train" else self._base.num_test(client)

    def _content(self) -> Iterator[str]:
        yield self._base.fingerprint()


class PrivateDataset(FederatedDataset):
    """What a device knows: its own samples.

    Parameters
    ----------
    name : str
        What the device is called.
    path : Path
        A .npz or .h5 file with ``x`` and ``y``.
    class_names : tuple of str
        The classes of the federation.

    Raises
    ------
    DataError
        The file cannot be read, or its labels or class names are not those of the federation.
    """

    def __init__(self, name: str, path: Path, class_names: tuple[str, ...]) -> None:
        arrays = read_arrays(path)
        x, y = arrays["x"], arrays["y"].astype(np.int64)
        stated = tuple(map(str, arrays["class_names"])) if "class_names" in arrays else class_names
        if stated != class_names or y.max(initial=0) >= len(class_names):
            raise DataError(f"{path}: its classes are not the {len(class_names)} of the federation.")
        scaled = x.dtype == np.uint8
        self._samples: Samples = (x.astype(np.float32) / np.float32(255) if scaled else x.astype(np.float32)), y
        channels, height, width = x.shape[1:]
        super().__init__(
            name="private",
            source="real",
            format="imported",
            origin=str(path),
            clients=(name,),
            input_shape=(channels, height, width),
            class_names=class_names,
            transform={"formula": SCALED if scaled else STORED},
            seed=0,
        )

    def num_train(self, client: str) -> int:
        """Return how many samples the device has."""
        return int(self._samples[1].size)

    def train(self, client: str) -> Samples:
        """Return all samples of the device: none is held out."""
        return self._samples

    def _read(self, client: str, split: Split) -> Samples:
        x, y = self._samples
        return (x, y) if split == "train" else (x[:0], y[:0])

    def _count(self, client: str, split: Split) -> int:
        return self.num_train(client) if split == "train" else 0


def describe_devices(data: FederatedDataset) -> dict[str, Any]:
    """Return what a device must know of the data of the federation, to compare its own with."""
    return {
        "class_names": list(data.class_names),
        "input_shape": list(data.input_shape),
        "formula": data.transform["formula"],
    }


def check_device(data: PrivateDataset, told: Mapping[str, Any]) -> None:
    """Make sure that the samples of a device are of the kind that the federation trains on.

    Raises
    ------
    DataError
        They are not.
    """
    if list(data.input_shape) != told["input_shape"]:
        raise DataError(f"samples have shape {list(data.input_shape)}, the federation's {told['input_shape']}.")
    if data.transform["formula"] != told["formula"]:
        raise DataError(f"samples are used as '{data.transform['formula']}', the federation's as '{told['formula']}'.")
