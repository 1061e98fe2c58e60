"""Decides which FEMNIST is loaded: TFF files, LEAF files or the synthetic twin."""

import os
from pathlib import Path

from minizerofl_datasets.errors import DataError, check_choice
from minizerofl_datasets.federated import FederatedDataset
from minizerofl_datasets.femnist.files import HOW_TO_GET, find_files
from minizerofl_datasets.femnist.images import FORMULAS
from minizerofl_datasets.femnist.leaf import LeafFemnist
from minizerofl_datasets.femnist.tff import TffFemnist
from minizerofl_datasets.femnist.twin import SyntheticFemnist

__all__ = ["load_femnist"]


def load_femnist(
    *,
    source: str,
    data_dir: str | os.PathLike[str] | None,
    polarity: str,
    seed: int,
    clients: int | None,
    format: str,
    keep_duplicates: bool,
) -> FederatedDataset:
    """Load FEMNIST; the parameters and errors are those of ``minizerofl_datasets.load``.

    Returns
    -------
    FederatedDataset
        A ``TffFemnist``, a ``LeafFemnist`` or a ``SyntheticFemnist``.

    Examples
    --------
    >>> load_femnist(source="synthetic", data_dir=None, polarity="ink", seed=0, clients=1, format="auto",
    ...              keep_duplicates=False).source
    'synthetic'
    """
    check_choice("source", source, ("auto", "real", "synthetic"))
    check_choice("polarity", polarity, FORMULAS)
    check_choice("format", format, ("auto", "tff", "leaf"))
    if source == "synthetic" and format != "auto":
        raise ValueError(
            f"format={format!r} names a layout of real files, but source='synthetic' reads none; drop one."
        )
    given = data_dir if data_dir is not None else os.environ.get("MINIZEROFL_DATA") or None
    if source == "synthetic" or (source == "auto" and format == "auto" and given is None):
        return SyntheticFemnist(polarity=polarity, seed=seed, clients=clients)
    if given is None:
        raise DataError(f"no data folder was given for the real FEMNIST: {HOW_TO_GET}.")
    files = find_files(Path(given).expanduser(), format)
    if files.format == "tff":
        return TffFemnist(files.train[0], files.test[0], polarity=polarity, seed=seed, clients=clients)
    return LeafFemnist(
        files.train, files.test, polarity=polarity, seed=seed, clients=clients, keep_duplicates=keep_duplicates
    )
