"""The catalogue of data sets: ``load`` finds a set by its name."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from minizerofl_datasets.errors import check_choice

if TYPE_CHECKING:
    from minizerofl_datasets.federated import FederatedDataset

__all__ = ["CATALOGUE", "Entry", "known_names", "load"]


@dataclass(frozen=True)
class Entry:
    """One set of the catalogue.

    Parameters
    ----------
    title : str
        One line for people.
    loader : str
        Where its loader is, "module:function"; imported when it is needed.
    citation, licence : str
        What to cite, and on what terms the data may be used.
    """

    title: str
    loader: str
    citation: str
    licence: str

    def load(self) -> Callable[..., FederatedDataset]:
        """Import the loader.

        Examples
        --------
        >>> CATALOGUE["femnist"].load().__name__
        'load_femnist'
        """
        module, function = self.loader.split(":")
        loader: Callable[..., FederatedDataset] = getattr(import_module(module), function)
        return loader


CATALOGUE = {
    "cifar10": Entry(
        "60,000 colour pictures of ten kinds of things, 32 x 32; one pool, split by a partition",
        "minizerofl_datasets.cifar10.loader:load_cifar10",
        "A. Krizhevsky: Learning Multiple Layers of Features from Tiny Images, 2009",
        "no licence is stated; free for research by custom",
    ),
    "speech_commands": Entry(
        "spoken words of one second as 32 x 32 log-mel energies or MFCC; one pool, split by a partition or by speaker",
        "minizerofl_datasets.speech_commands.loader:load_speech_commands",
        "P. Warden: Speech Commands: A Dataset for Limited-Vocabulary Speech Recognition, 2018 (arXiv 1804.03209)",
        "CC BY 4.0",
    ),
    "femnist": Entry(
        "handwritten digits and letters, 28 x 28, 62 classes; every writer is a client",
        "minizerofl_datasets.femnist.loader:load_femnist",
        "S. Caldas et al.: LEAF: A Benchmark for Federated Settings, 2018 (arXiv 1812.01097); "
        "G. Cohen et al.: EMNIST: Extending MNIST to handwritten letters, 2017 (arXiv 1702.05373)",
        "public domain (NIST Special Database 19)",
    ),
}


def known_names() -> tuple[str, ...]:
    """Return every name that ``load`` knows: the catalogue, then imported sets.

    Examples
    --------
    >>> known_names()[:3]
    ('cifar10', 'speech_commands', 'femnist')
    """
    from minizerofl_datasets.imported import imported_names  # imports numpy

    return (*CATALOGUE, *imported_names())


def load(
    name: str,
    source: str = "auto",
    data_dir: str | os.PathLike[str] | None = None,
    polarity: str = "ink",
    seed: int = 0,
    clients: int | None = None,
    **options: object,
) -> FederatedDataset:
    """Load a federated data set by its name. Nothing is ever downloaded.

    Parameters
    ----------
    name : {"cifar10", "speech_commands", "femnist"} or the name of an imported set
        Which set.
    source : {"auto", "real", "synthetic"}
        "real" reads files, "synthetic" makes the procedural twin. "auto" reads the folder that ``data_dir`` or the
        environment variable MINIZEROFL_DATA names, else the cache, and takes the twin if neither is there.
    data_dir : str or PathLike, optional
        Folder that holds the files; defaults to MINIZEROFL_DATA. The layouts are in docs/data.md.
    polarity : {"ink", "raw"}
        FEMNIST only: "ink" hands out ``1 - pixel`` (ink = 1, background = 0), "raw" the pixel as it is stored.
    seed : int
        Fixes the partition, the validation part and the synthetic twin. Not negative.
    clients : int, optional
        Keep only the first N clients in sorted order; None keeps all.
    **options
        The set's own, by keyword: those of ``cifar10.loader.load_cifar10`` (``partition``, ``alpha``,
        ``num_clients``, ``augment``, ...), ``speech_commands.loader.load_speech_commands`` (``words``,
        ``features``, ...) and ``femnist.loader.load_femnist`` (``format``, ``keep_duplicates``, ``holdout_writers``).

    Returns
    -------
    FederatedDataset
        Client ids and, for each client, its samples.

    Raises
    ------
    ValueError
        If an argument is not one of the above.
    DataError
        If real data was asked for and is missing or damaged; a folder without data is never replaced by the twin.

    Examples
    --------
    >>> from minizerofl_datasets import load
    >>> twin = load("femnist", source="synthetic", clients=3)
    >>> twin.clients
    ('synthetic-0000', 'synthetic-0001', 'synthetic-0002')
    >>> load("cifar10", source="synthetic", partition="dirichlet", alpha=0.5, num_clients=50).input_shape
    (3, 32, 32)
    """
    check_choice("name", name, known_names())
    if seed < 0:
        raise ValueError(f"seed={seed} is negative: give an integer of at least 0.")
    if clients is not None and clients < 1:
        raise ValueError(f"clients={clients}: give a number of at least 1, or None for all clients.")
    given = {"source": source, "data_dir": data_dir, "seed": seed, "clients": clients, **options}
    if name in CATALOGUE:
        loader = CATALOGUE[name].load()
    else:
        from minizerofl_datasets.imported import load_imported

        loader = load_imported
        given["name"] = name
    known = inspect.signature(loader).parameters
    if "polarity" in known or polarity != "ink":
        given["polarity"] = polarity
    for option in given:
        if option not in known:
            listed = ", ".join(each for each in known if each != "name")
            raise ValueError(f"{option} is not an option of {name!r}; it takes {listed}.")
    return loader(**given)
