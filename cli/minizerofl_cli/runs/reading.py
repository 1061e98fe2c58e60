"""A run directory read back: its config, its summary, its machine, and history.csv as columns of numbers."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minizerofl.fl.errors import ConfigError, SealError
from minizerofl.fl.files.jsonfile import read_json
from minizerofl_cli.report.rundata import Rows, read_rows
from minizerofl_cli.runs.continuation import read_tables
from minizerofl_cli.runs.places import is_run, look_through, resolve_latest

Column = NDArray[np.float64]


@dataclass(frozen=True)
class History:
    """The rows of a history.csv, column by column.

    Attributes
    ----------
    rows : Rows
        The table as it stands in the file.

    Examples
    --------
    >>> history = History(Rows(("round", "test_accuracy"), [{"round": "1"}, {"round": "2", "test_accuracy": "0.5"}]))
    >>> history.rounds, history.numbers("test_accuracy"), history.evaluated
    (2, array([nan, 0.5]), array([False,  True]))
    """

    rows: Rows
    _numbers: dict[str, Column] = field(default_factory=dict, repr=False, compare=False)

    @property
    def rounds(self) -> int:
        """The number of complete rounds."""
        return len(self.rows)

    def numbers(self, name: str) -> Column:
        """Return a column as numbers, (rounds,) float64: NaN for an empty cell, or if the file lacks the column."""
        if name not in self._numbers:
            self._numbers[name] = np.array(self.rows.numbers(name))
        return self._numbers[name]

    @property
    def evaluated(self) -> NDArray[np.bool_]:
        """Which rounds were evaluated on test samples, (rounds,) bool."""
        return ~np.isnan(self.numbers("test_accuracy"))

    @property
    def training_seconds(self) -> Column:
        """Wall time of local training and averaging from the first round to each, without evaluations, (rounds,)."""
        return np.cumsum(self.numbers("train_seconds") + self.numbers("aggregate_seconds"))

    @property
    def both_ways_bytes(self) -> Column:
        """Uplink and downlink together from the first round to each, (rounds,)."""
        return self.numbers("cum_uplink_bytes") + self.numbers("cum_downlink_bytes")


def read_history(file: Path) -> History:
    """Read a history.csv; a last line that is not whole is left out, for the process may just be writing it.

    Parameters
    ----------
    file : Path
        The file; one of an earlier version may lack columns.

    Raises
    ------
    SealError
        It is missing or damaged.
    """
    try:
        lines = file.read_bytes().count(b"\n")
    except OSError as error:
        raise SealError(f"{file}: {error.strerror}; expected the table of a run") from error
    rows, _ = read_rows(file)
    if not {"round", "test_accuracy"} <= set(rows.columns):
        raise SealError(f"{file}: its first line does not name the columns of a run; put the file back")
    wrong = (i for i, t in enumerate(rows.texts("round"), 1) if t != str(i))
    damaged = next(wrong, len(rows) + 1 if lines != len(rows) + 1 else 0)
    if damaged:
        raise SealError(f"{file}: row {damaged} is damaged; put the file back")
    history = History(rows)
    for name in ("test_accuracy", "cum_uplink_bytes", "cum_downlink_bytes", "train_seconds", "aggregate_seconds"):
        for text, value in zip(rows.texts(name), history.numbers(name), strict=True):
            if text and not np.isfinite(value):
                raise SealError(f"{file}: a cell of {name} is {text!r}, expected a number; put the file back")
    return history


@dataclass(frozen=True)
class RunFiles:
    """A run directory, of which nothing is changed.

    Attributes
    ----------
    path : Path
        The directory.
    config : dict
        The tables of config.toml.
    history : History
        The rounds that are complete.

    Raises
    ------
    ConfigError
        It is not a run directory.
    SealError
        Its history.csv is missing or damaged.
    """

    path: Path
    config: Mapping[str, Any]
    history: History

    @classmethod
    def read(cls, path: Path) -> RunFiles:
        """Read a run directory."""
        if not path.is_dir():
            raise ConfigError(f"{path} is not a run directory: there is no such folder")
        return cls(path, read_tables(path), read_history(path / "history.csv"))

    @cached_property
    def summary(self) -> dict[str, Any]:
        """What summary.json says; empty if it is missing or damaged."""
        return read_json(self.path / "summary.json")

    @cached_property
    def environment(self) -> dict[str, Any]:
        """What environment.json says; empty if it is missing or damaged."""
        return read_json(self.path / "environment.json")

    @property
    def planned_rounds(self) -> int:
        """The number of rounds that the run is to have."""
        return int(self.config["settings"]["rounds"])

    @cached_property
    def test_samples(self) -> int | None:
        """The number of test samples of all its clients; None if partition.json is missing or damaged."""
        clients = read_json(self.path / "partition.json").get("clients")
        try:
            return sum(int(each["test"]) for each in clients.values()) if isinstance(clients, dict) else None
        except (KeyError, TypeError, ValueError):
            return None


def find_runs(path: Path) -> list[Path]:
    """Find the run directories that a path stands for: itself, or those in a folder such as that of a sweep or `runs`.

    Runs that a sweep set aside are left out. Those of a sweep come in the order of its results.csv, others by name.

    Raises
    ------
    ConfigError
        It is neither a run directory nor a folder with some.

    Examples
    --------
    >>> find_runs(Path("nothing"))
    Traceback (most recent call last):
        ...
    minizerofl.fl.errors.ConfigError: nothing is neither a run directory nor a folder with runs: there is no such folder
    """
    path = resolve_latest(path)
    if is_run(path):
        return [path]
    found = [run for run in look_through(path)[0] if (run / "config.toml").is_file() and ".aside-" not in run.name]
    if not found:
        why = "nothing in it has a config.toml" if path.is_dir() else "there is no such folder"
        raise ConfigError(f"{path} is neither a run directory nor a folder with runs: {why}")
    order = _order_of_sweep(path)
    return sorted(found, key=lambda run: order.get(run.name, len(order)))


def _order_of_sweep(folder: Path) -> dict[str, int]:
    try:
        with (folder / "results.csv").open(encoding="utf-8", newline="") as file:
            names = [row.get("directory") for row in csv.DictReader(file)]
    except (OSError, ValueError, csv.Error):
        return {}
    return {name: names.index(name) for name in names if name}
