"""Loads Speech Commands, from the official files or as the synthetic twin, and divides it into clients."""

import os
from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np
import numpy.typing as npt

from minizerofl_datasets.errors import check_choice
from minizerofl_datasets.federated import FederatedDataset
from minizerofl_datasets.partition import Partition, choose
from minizerofl_datasets.sources import find_data
from minizerofl_datasets.speech_commands.features import FEATURES
from minizerofl_datasets.speech_commands.files import HOW_TO_GET, find_source
from minizerofl_datasets.speech_commands.sources import Source
from minizerofl_datasets.speech_commands.speech import Deal, SpeechCommands
from minizerofl_datasets.speech_commands.store import Progress, open_store
from minizerofl_datasets.speech_commands.twin.synthetic import SyntheticSpeechCommands
from minizerofl_datasets.speech_commands.words import VERSIONS, Vocabulary, make_vocabulary

__all__ = ["StoredSpeechCommands", "load_speech_commands"]


class StoredSpeechCommands(SpeechCommands):
    """Speech Commands' official files, read through the feature cache.

    Parameters
    ----------
    found : Source
        Where the recordings are.
    progress : callable, optional
        Called with (bytes read, bytes in all) while the features are computed, the first time a source is seen.
    vocabulary, deal, seed, clients, augment, features
        As in ``SpeechCommands``.
    """

    def __init__(
        self,
        found: Source,
        *,
        progress: Progress | None = None,
        vocabulary: Vocabulary,
        deal: Deal,
        seed: int,
        clients: int | None = None,
        augment: bool = True,
        features: str = "log-mel",
    ) -> None:
        self._store = store = open_store(found, progress, features)
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
            features=features,
        )

    def features(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """Return the stored features (n, 1, 32, 32) of clips."""
        return self._store.inputs(rows)

    def background(self) -> Sequence[npt.NDArray[np.float32]]:
        """Return mel energies of the set's background noises; an empty list if the folder has none."""
        return self._store.noise

    def _content(self) -> Iterator[str]:
        yield self._store.recordings


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
    features: str = "log-mel",
    progress: Progress | None = None,
) -> FederatedDataset:
    """Load Speech Commands; ``source``, ``data_dir``, ``seed``, ``clients`` and errors as in ``load``.

    Parameters
    ----------
    words : {"paper", "all"} or sequence of str
        The classes: ten keywords, "unknown" and "silence" as in the paper; every word; or these words and no other.
    version : {"auto", "v0.01", "v0.02"}
        30 words or 35. "auto" takes the version that the folder holds, v0.01 (the paper's) if it holds both.
    partition, num_clients, alpha, prior, min_size, shards_per_client
        How the pool is split; see ``minizerofl_datasets.partition.split``. "natural" is by speaker. A path ending in
        .json is a stored split.
    augment : bool
        Whether training clips are shifted in time and get background noises.
    features : {"log-mel", "mfcc"}
        The network's input: 32 log-mel energies, or the 32 MFCC that the paper states (A.5), by 32 frames.
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
    check_choice("features", features, FEATURES)
    make_vocabulary(words, "v0.02" if version == "auto" else version)  # Refuse wrong words before anything is read.
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
        return SyntheticSpeechCommands(
            version=version,
            vocabulary=make_vocabulary(words, version),
            deal=deal,
            seed=seed,
            clients=clients,
            augment=augment,
            features=features,
        )
    return StoredSpeechCommands(
        found,
        progress=progress,
        vocabulary=make_vocabulary(words, found.version),
        deal=deal,
        seed=seed,
        clients=clients,
        augment=augment,
        features=features,
    )
