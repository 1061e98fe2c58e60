"""How many samples of each class the clients have."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from minizerofl_datasets import FederatedDataset
from minizerofl_datasets.federated import Split
from minizerofl_datasets.partitioned import PartitionedDataset


def count_classes(data: FederatedDataset, split: Split) -> NDArray[np.int64]:
    """Count samples by client and class; what is held out for validation counts as training.

    Parameters
    ----------
    data : FederatedDataset
        The set.
    split : {"train", "test"}
        Which samples.

    Returns
    -------
    (clients, classes) int64
        In the order of ``data.clients``, or of ``data.test_clients`` for the test samples.

    Notes
    -----
    A set that is one pool knows its labels; of others, every client is read.

    Examples
    --------
    >>> from minizerofl_datasets import load
    >>> count_classes(load("cifar10", "synthetic", num_clients=5), "train").sum(axis=1)
    array([4000, 4000, 4000, 4000, 4000])
    """
    clients = data.clients if split == "train" else data.test_clients
    classes = len(data.class_names)
    return np.stack([np.bincount(_labels(data, client, split), minlength=classes) for client in clients])


def _labels(data: FederatedDataset, client: str, split: Split) -> NDArray[np.int64]:
    if isinstance(data, PartitionedDataset):
        partition = data.partition if split == "train" else data.test_partition
        return data.labels[split][partition.rows(client)]
    if split == "test":
        return data.test(client)[1]
    return np.concatenate([data.train(client)[1], data.validation(client)[1]])
