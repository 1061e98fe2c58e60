"""The data set of a command, and the lines that say which one it is."""

from __future__ import annotations

from pathlib import Path

import minizerofl_datasets
from minizerofl.fl.errors import ConfigError
from minizerofl_datasets import FederatedDataset


def load(
    dataset: str, source: str, data_dir: Path | None, polarity: str, seed: int, clients: int | None
) -> FederatedDataset:
    """Load a data set; the parameters are those of `minizerofl_datasets.load`.

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
    try:
        return minizerofl_datasets.load(dataset, source, data_dir, polarity, seed, clients)
    except ValueError as error:
        raise ConfigError(str(error)) from error


def kind(source: str) -> str:
    """Say what a source is, so that nobody takes a synthetic result for a real one.

    Examples
    --------
    >>> kind("synthetic")
    'SYNTHETIC data'
    """
    return "real data" if source == "real" else "SYNTHETIC data"


def first_lines(data: FederatedDataset, asked: str) -> list[str]:
    """Say first which data it is, real or SYNTHETIC; then, if that was not asked for, how to use real data.

    Examples
    --------
    >>> first_lines(load("femnist", "synthetic", None, "ink", 0, 2), asked="synthetic")
    ['femnist: SYNTHETIC data, drawn by a program (not handwriting); no files were read']
    """
    lines = data.describe().splitlines()[:1]
    if asked == "auto" and data.source == "synthetic":
        lines.append(
            "To use real data: --data-dir FOLDER or MINIZEROFL_DATA=FOLDER, where FOLDER/femnist/ holds "
            "fed_emnist_train.h5 and fed_emnist_test.h5 (--source real says where to get them)."
        )
    return lines
