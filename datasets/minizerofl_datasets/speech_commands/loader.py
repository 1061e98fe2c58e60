"""Decides which Speech Commands is loaded, the official files or the synthetic twin, and splits it over clients."""

import os
from collections.abc import Sequence
from functools import partial

import numpy as np
import numpy.typing as npt

from minizerofl_datasets.errors import check_choice
from minizerofl_datasets.federated import FederatedDataset
from minizerofl_datasets.partition import Partition, choose
from minizerofl_datasets.sources import find_data
from minizerofl_datasets.speech_commands.files import HOW_TO_GET, find_source
from minizerofl_datasets.speech_commands.sources import Source
from minizerofl_datasets.speech_commands.speech import Deal, SpeechCommands
from minizerofl_datasets.speech_commands.store import FeatureStore, Progress, open_store
from minizerofl_datasets.speech_commands.twin.synthetic import SyntheticSpeechCommands
from minizerofl_datasets.speech_commands.words import VERSIONS, Vocabulary, make_vocabulary

__all__ = ["StoredSpeechCommands", "load_speech_commands"]


class StoredSpeechCommands(SpeechCommands):
    """Speech Commands' official files, by way of the feature cache.

    Parameters
    ----------
    found : Source
        Where the recordings are.
    store : FeatureStore
        Their features.
    vocabulary, deal, seed, clients, augment
        As in ``SpeechCommands``.
    """

    def __init__(
        self,
        found: Source,
        store: FeatureStore,
        *,
        vocabulary: Vocabulary,
        deal: Deal,
        seed: int,
        clients: int | None = None,
        augment: bool = True,
    ) -> None:
        self._store = store
        super().__init__(
            source="real",
            format=found.format,
            origin=f"{found.version}, {len(store.names):,} recordings in '{found.path}'",
            names=store.names,
            vocabulary=vocabulary,
            deal=deal,
            seed=seed,
            clients=clients,
            augment=augment,
        )

    def features(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """Return the stored features (n, 1, 32, 32) of clips."""
        return self._store.inputs(rows)

    def background(self) -> Sequence[npt.NDArray[np.float32]]:
        """Return mel energies of the set's background noises; none if the folder has none."""
        return self._store.noise


def load_speech_commands(
    *,
    source: str = "auto",
    data_dir: str | os.PathLike[str] | None = None,
    seed: int = 0,
    clients: int | None = None,
    words: str | Sequence[str] = "paper",
    version: str = "auto",
    partition: str = "dirichlet",
    num_clients: int = 100,
    alpha: float | None = None,
    prior: str | None = None,
    min_size: int | None = None,
    shards_per_client: int | None = None,
    augment: bool = True,
    progress: Progress | None = None,
) -> FederatedDataset:
    """Load Speech Commands; ``source``, ``data_dir``, ``seed``, ``clients`` and errors as in ``load``.

    Parameters
    ----------
    words : {"paper", "all"} or sequence of str
        The classes: ten keywords, "unknown" and "silence" as in the paper; every word; or these words and no other.
    version : {"auto", "v0.01", "v0.02"}
        30 words or 35. "auto" is the version that is there, v0.01 (the paper's) if both are.
    partition, num_clients, alpha, prior, min_size, shards_per_client
        How the pool is split; see ``minizerofl_datasets.partition.split``. "natural" is by speaker. A path ending in
        .json is a stored split.
    augment : bool
        Whether training clips are shifted in time and put before background noises.
    progress : callable, optional
        Called with (bytes read, bytes in all) while the features are computed, the first time a source is seen.

    Returns
    -------
    FederatedDataset
        A ``StoredSpeechCommands`` or a ``SyntheticSpeechCommands``.

    Examples
    --------
    >>> load_speech_commands(source="synthetic", num_clients=4).clients[-1]
    'synthetic-0003'
    """
    check_choice("version", version, ("auto", *VERSIONS))
    make_vocabulary(words, "v0.02" if version == "auto" else version)  # refused before anything is read
    title = "Speech Commands" if version == "auto" else f"Speech Commands {version}"
    found = find_data(title, partial(find_source, version=version), HOW_TO_GET, source=source, data_dir=data_dir)

    def deal(labels: npt.NDArray[np.int64], speakers: npt.NDArray[np.str_]) -> Partition:
        return choose(
            labels,
            partition,
            num_clients=num_clients,
            seed=seed,
            owners=speakers,
            prefix="synthetic" if found is None else "client",
            alpha=alpha,
            prior=prior,
            min_size=min_size,
            shards_per_client=shards_per_client,
        )

    if found is None:
        version = "v0.01" if version == "auto" else version
        vocabulary = make_vocabulary(words, version)
        return SyntheticSpeechCommands(
            version=version, vocabulary=vocabulary, deal=deal, seed=seed, clients=clients, augment=augment
        )
    vocabulary = make_vocabulary(words, found.version)
    store = open_store(found, progress)
    return StoredSpeechCommands(
        found, store, vocabulary=vocabulary, deal=deal, seed=seed, clients=clients, augment=augment
    )
