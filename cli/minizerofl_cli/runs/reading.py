"""A run directory read back: its config, its summary, its machine, and history.csv as columns of numbers."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minizerofl.fl.errors import ConfigError, SealError
from minizerofl.fl.files.jsonfile import read_json
from minizerofl_cli.runs.continuation import read_tables

Column = NDArray[np.float64]


@dataclass(frozen=True)
class History:
    """The rows of a history.csv, column by column.

    Attributes
    ----------
    cells : mapping of str to list of str
        Each column as it stands in the file.

    Examples
    --------
    >>> history = History({"round": ["1", "2"], "test_accuracy": ["", "0.5"], "source": ["real", "real"]})
    >>> history.rounds, history.numbers("test_accuracy"), history.evaluated
    (2, array([nan, 0.5]), array([False,  True]))
    """

    cells: Mapping[str, list[str]]

    @property
    def rounds(self) -> int:
        """The number of complete rounds."""
        return len(self.cells["round"])

    def numbers(self, name: str) -> Column:
        """Return a column as numbers, (rounds,) float64: NaN for an empty cell, or if the file lacks the column."""
        cells = self.cells.get(name, [""] * self.rounds)
        return np.array([float(cell) if cell else np.nan for cell in cells])

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
        text = file.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise SealError(f"{file}: {error.strerror}; expected the table of a run") from error
    head, *lines = list(csv.reader(io.StringIO(text[: text.rfind("\n") + 1], newline=""))) or [[]]
    if not {"round", "test_accuracy"} <= set(head):
        raise SealError(f"{file}: its first line does not name the columns of a run; put the file back")
    for i, cells in enumerate(lines, 1):
        if len(cells) != len(head) or cells[head.index("round")] != str(i):
            raise SealError(f"{file}: row {i} is damaged; put the file back")
    history = History({name: [cells[k] for cells in lines] for k, name in enumerate(head)})
    for name in ("test_accuracy", "cum_uplink_bytes", "cum_downlink_bytes", "train_seconds", "aggregate_seconds"):
        try:
            history.numbers(name)
        except ValueError as error:
            raise SealError(f"{file}: a cell of {name} is not a number ({error}); put the file back") from error
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


def is_run(path: Path) -> bool:
    """Whether a folder looks like a run directory."""
    return (path / "config.toml").is_file()


def find_runs(path: Path) -> list[Path]:
    """Find the run directories that a path stands for: itself, or those in a folder such as that of a sweep.

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
    if is_run(path):
        return [path]
    inside = [each for each in sorted(path.iterdir()) if is_run(each)] if path.is_dir() else []
    found = [each for each in inside if ".aside-" not in each.name]
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
