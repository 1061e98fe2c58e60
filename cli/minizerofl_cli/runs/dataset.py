"""The data set of a command: loading it, the lines that say which one it is, and the model that goes with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import minizerofl_datasets
from minizerofl import shown
from minizerofl.fl.errors import ConfigError
from minizerofl.models.femnist import SMALLEST
from minizerofl_cli.screen.meter import Meter
from minizerofl_cli.screen.progress import Screen
from minizerofl_datasets import FederatedDataset
from minizerofl_datasets.catalogue import CATALOGUE
from minizerofl_datasets.partitioned import PartitionedDataset

Option = str | int | float
SMALL_SIDE = 32  # pixels: up to here LEAF's network is the default for grey images


def load(
    dataset: str,
    source: str,
    data_dir: Path | None,
    polarity: str,
    seed: int,
    clients: int | None,
    *,
    say: Callable[[str], None] | None = None,
    options: Mapping[str, Option] | None = None,
) -> FederatedDataset:
    """Load a data set; the first parameters are those of `minizerofl_datasets.load`.

    Parameters
    ----------
    dataset, source, data_dir, polarity, seed, clients
        See there.
    say : callable, optional
        Is told how far the reading is, where that takes long.
    options : mapping, optional
        Options of the set's own loader; several ``words`` are separated by commas.

    Raises
    ------
    ConfigError
        An argument is out of its range.
    DataError
        The data are missing or damaged.

    Examples
    --------
    >>> load("femnist", "synthetic", None, "ink", 0, 2).clients
    ('synthetic-0000', 'synthetic-0001')
    """
    if source == "synthetic" and data_dir is not None:
        raise ConfigError("--data-dir is for real data, but --source is synthetic; drop one of them")
    polarity = {"paper": "raw"}.get(polarity, polarity)  # The former name, in old runs and model files.
    more: dict[str, object] = dict(options or {})
    words = str(more.get("words", ""))
    if "," in words:
        more["words"] = tuple(word.strip() for word in words.split(","))
    if dataset == "speech_commands" and say is not None:
        more["progress"] = Meter(f"{dataset}: real data, computing features", say)  # the twin needs none
    try:
        return minizerofl_datasets.load(dataset, source, data_dir, polarity, seed, clients, **more)
    except ValueError as error:
        raise ConfigError(str(error)) from error


def kind(source: str, name: str = "") -> str:
    """Say what data are, so that nobody takes a synthetic result for a real one.

    Parameters
    ----------
    source : {"real", "synthetic"}
        Where they come from: files, or the program that makes the twin.
    name : str
        The data set: of an imported one nobody knows whether its samples are real.

    Examples
    --------
    >>> kind("synthetic", "femnist"), kind("real", "femnist"), kind("real", "my-scans")
    ('SYNTHETIC data', 'real data', 'imported data')
    """
    return "imported data" if source == "real" and name and name not in CATALOGUE else shown.kind(source)


def first_line(data: FederatedDataset) -> str:
    """Say first which data it is, real or SYNTHETIC.

    Examples
    --------
    >>> first_line(load("femnist", "synthetic", None, "ink", 0, 2))
    'femnist: SYNTHETIC data, drawn by a program (not handwriting); no files were read'
    """
    return data.describe().splitlines()[0]


def introduce(data: FederatedDataset, asked: str, shown: Screen) -> None:
    """Say which data it is, and once how to use real data instead of synthetic data that were not asked for.

    Examples
    --------
    >>> from minizerofl_cli.screen.progress import PlainScreen
    >>> with PlainScreen.opened() as shown:
    ...     introduce(load("femnist", "synthetic", None, "ink", 0, 2), "synthetic", shown)
    femnist: SYNTHETIC data, drawn by a program (not handwriting); no files were read
    """
    shown.say(first_line(data))
    if asked == "auto" and data.source == "synthetic":
        shown.hint("real-data", f"To use real data: minizerofl data fetch {data.name}, or --data-dir FOLDER.")
        shown.hint("data-page", "docs/data.md says what belongs into the folder; MINIZEROFL_DATA may name it as well.")


def model_for(data: FederatedDataset, name: str = "") -> str:
    """Return the name of the model for a data set.

    Parameters
    ----------
    data : FederatedDataset
        The data.
    name : str
        The model that was asked for. By default: the paper's for the paper's sets; for others LEAF's network if the
        images are small and grey, else ResNet-18.

    Examples
    --------
    >>> model_for(load("cifar10", "synthetic", None, "ink", 0, 1))
    'resnet18'
    """
    default = "resnet18"
    if data.name == "femnist" or (data.name not in CATALOGUE and _small_and_grey(data.input_shape)):
        default = "femnist_cnn"
    return name or default


def _small_and_grey(shape: tuple[int, ...]) -> bool:
    return len(shape) == 3 and shape[0] == 1 and all(SMALLEST <= side <= SMALL_SIDE for side in shape[1:])


def model_line(data: FederatedDataset, name: str = "") -> str:
    """Say which model is trained, and why this one if nobody asked for it.

    Examples
    --------
    >>> model_line(load("cifar10", "synthetic", None, "ink", 0, 1))
    "Model: resnet18, the paper's for cifar10."
    """
    if name:
        return f"Model: {name}."
    if data.name in CATALOGUE:
        return f"Model: {model_for(data)}, the paper's for {data.name}."
    kind = "small grey" if model_for(data) == "femnist_cnn" else "these"
    return f"Model: {model_for(data)}, the default for {kind} images; --model takes others."


def division(data: FederatedDataset) -> dict[str, Option]:
    """Say how a pool was divided into clients, with the hash of the partition. Sets that come divided have no entries.

    Examples
    --------
    >>> division(load("cifar10", "synthetic", None, "ink", 0, None, options={"num_clients": 2}))["division"]
    'dirichlet (alpha 1.0, prior classes), 2 clients'
    """
    if not isinstance(data, PartitionedDataset):
        return {}
    partition = data.partition
    return {
        "division": f"{partition.summary()}, {len(partition.clients)} clients",
        "division_sha256": partition.sha256(),
    }
