"""The picture of `minizerofl data partition`: who has how many samples of which class."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from minizerofl.fl.errors import ConfigError
from minizerofl.printable import printable
from minizerofl_cli.data.counts import count_classes
from minizerofl_cli.runs.dataset import kind
from minizerofl_cli.screen.pictures import picture
from minizerofl_datasets import DataError, FederatedDataset
from minizerofl_datasets.partition import Partition, read_partition
from minizerofl_datasets.partitioned import PartitionedDataset


def draw_partition(
    data: FederatedDataset, output: Path, file: Path, typed: Sequence[str] = (), replace: bool = False
) -> Iterator[str]:
    """Draw who has what and write it down; yield what came of it.

    Parameters
    ----------
    data : FederatedDataset
        The set.
    output : Path
        The picture.
    file : Path
        Where the partition is written.
    typed : sequence of str
        The options that chose the data; training on this partition needs them again.
    replace : bool
        Whether a file that holds another partition may be replaced.

    Raises
    ------
    ConfigError
        There is such a file, and it must not be replaced.
    OSError
        One of them cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from minizerofl_datasets import load
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     data = load("cifar10", "synthetic", num_clients=3)
    ...     first, *_ = draw_partition(data, Path(folder) / "who.png", Path(folder) / "partition.json")
    >>> first
    'dirichlet (alpha 1.0, prior classes), 3 clients'
    """
    from matplotlib.colors import PowerNorm
    from matplotlib.ticker import MaxNLocator

    counts = count_classes(data, "train")
    partition = partition_of(data)
    if file.exists() and not replace and not _holds(file, partition):
        raise ConfigError(f"{file} exists and is not this partition; name another with --json, or add --replace")
    summary = f"{partition.summary()}, {len(partition.clients):,} clients"
    classes = len(data.class_names)
    with picture(10, 2.6 + 0.2 * min(classes, 40), output) as figure:
        figure.suptitle(f"{data.name}, {kind(data.source, data.name)}: {summary}")
        sizes, shares = figure.subplots(2, 1, sharex=True, height_ratios=(1, 0.6 + 0.18 * min(classes, 40)))
        sizes.bar(np.arange(len(counts)), counts.sum(axis=1), width=1, color="0.45")
        sizes.set_ylabel("samples")
        # The square root, so that a class that has most of the pool does not blacken the others.
        image = shares.imshow(counts.T, aspect="auto", interpolation="nearest", cmap="viridis", norm=PowerNorm(0.5))
        step = -(-classes // 40)
        shares.set_yticks(np.arange(0, classes, step), [printable(name) for name in data.class_names[::step]])
        shares.set_xlabel("client")
        shares.xaxis.set_major_locator(MaxNLocator(integer=True))
        figure.colorbar(image, ax=shares, label="training samples", pad=0.01)
    file.parent.mkdir(parents=True, exist_ok=True)
    partition.write(file)
    yield summary
    yield f"Wrote {output} and {file} (SHA-256 of who has what: {partition.sha256()})."
    if isinstance(data, PartitionedDataset):
        words = ["--dataset", data.name, "--source", data.source, *typed, "--partition", str(file)]
        yield f"Next: minizerofl train {shlex.join(words)}"


def _holds(file: Path, partition: Partition) -> bool:
    try:
        return read_partition(file).sha256() == partition.sha256()
    except DataError:
        return False


def partition_of(data: FederatedDataset) -> Partition:
    """Return a set's partition; where clients come with their own samples, rows are counted from client to client.

    Examples
    --------
    >>> from minizerofl_datasets import load
    >>> partition_of(load("femnist", "synthetic", clients=2)).summary()
    'natural'
    """
    if isinstance(data, PartitionedDataset):
        return data.partition
    sizes = [data.num_train(client) + len(data.validation(client)[1]) for client in data.clients]
    rows = np.split(np.arange(sum(sizes)), np.cumsum(sizes)[:-1])
    return Partition(dict(zip(data.clients, rows, strict=True)), "natural", seed=data.seed)
