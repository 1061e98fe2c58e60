"""What a run directory holds, as far as it can be read: a report shows a run in any state, also a damaged one."""

from __future__ import annotations

import csv
import io
import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from minizerofl.fl.errors import ConfigError
from minizerofl.fl.files.jsonfile import read_json

FILES = ("config.toml", "summary.json", "environment.json", "partition.json", "history.csv", "clients.csv")


@dataclass(frozen=True)
class Rows:
    """The rows of a table of a run.

    Attributes
    ----------
    columns : tuple of str
        Their names.
    cells : list of dict
        The rows as they stand in the file, by the names of the columns.

    Examples
    --------
    >>> rows = Rows(("round", "test_accuracy"), [{"round": "1", "test_accuracy": ""}])
    >>> rows.numbers("round"), rows.numbers("test_accuracy"), rows.numbers("not there")
    ([1.0], [nan], [nan])
    """

    columns: tuple[str, ...] = ()
    cells: list[dict[str, str]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.cells)

    def numbers(self, name: str) -> list[float]:
        """Return a column as numbers; NaN where there is none, everywhere if an older run lacks the column."""
        return [_number(row.get(name, "")) for row in self.cells]

    def total(self, name: str) -> float:
        """Return the sum of a column; NaN if it holds no number."""
        known = [value for value in self.numbers(name) if not math.isnan(value)]
        return math.fsum(known) if known else math.nan

    def last(self, name: str) -> float:
        """Return the last number of a column; NaN if it holds none."""
        return next((value for value in reversed(self.numbers(name)) if not math.isnan(value)), math.nan)

    def texts(self, name: str) -> list[str]:
        """Return a column as it stands in the file."""
        return [row.get(name, "") for row in self.cells]


@dataclass(frozen=True)
class RunData:
    """A run directory, read once.

    Attributes
    ----------
    path : Path
        The directory.
    config, summary, environment, partition : mapping
        What the files say; empty if they are missing or damaged.
    config_text : str
        config.toml as it stands there.
    history, clients, overlap : Rows
        The tables.
    damaged : tuple of str
        The files that are missing, or of which a part cannot be read.
    """

    path: Path
    config: Mapping[str, Any]
    config_text: str
    summary: Mapping[str, Any]
    environment: Mapping[str, Any]
    partition: Mapping[str, Any]
    history: Rows
    clients: Rows
    overlap: Rows
    damaged: tuple[str, ...] = ()

    @classmethod
    def read(cls, path: Path) -> RunData:
        """Read a run directory.

        Raises
        ------
        ConfigError
            It is not one.
        """
        if not (path / "config.toml").is_file():
            reason = "it has no config.toml" if path.is_dir() else "there is no such folder"
            raise ConfigError(f"{path} is not a run directory of minizerofl train: {reason}")
        damaged = [name for name in FILES if not (path / name).is_file()]
        config_text = (path / "config.toml").read_text(encoding="utf-8", errors="replace")
        try:
            config = tomllib.loads(config_text)
        except (ValueError, RecursionError):
            config = {}
        damaged += [] if config else ["config.toml"]
        tables = []
        for name in ("history.csv", "clients.csv", "overlap.csv"):
            rows, whole = read_rows(path / name)
            tables.append(rows)
            damaged += [] if whole else [name]
        history, clients, overlap = tables
        summary, environment, partition = documents = [read_json(path / name) for name in FILES[1:4]]
        damaged += [name for name, content in zip(FILES[1:4], documents, strict=True) if not content]
        return cls(
            path,
            config,
            config_text,
            summary,
            environment,
            partition,
            history,
            clients,
            overlap,
            tuple(dict.fromkeys(damaged)),
        )

    def table(self, name: str) -> Mapping[str, Any]:
        """Return a table of config.toml; empty if there is none."""
        found = self.config.get(name)
        return found if isinstance(found, dict) else {}

    def setting(self, name: str, missing: float = math.nan) -> float:
        """Return a number among the settings."""
        value = self.table("settings").get(name, missing)
        return float(value) if isinstance(value, int | float) else missing

    @property
    def synthetic(self) -> bool:
        """Whether the data are not known to be real."""
        sources = {self.summary.get("source"), self.table("data").get("source"), *self.history.texts("source")[:1]}
        return sources - {None, "real", ""} != set() or "real" not in sources

    @property
    def name(self) -> str:
        """The name of the directory."""
        return self.path.resolve().name


def read_rows(file: Path) -> tuple[Rows, bool]:
    """Read a CSV file up to where it is damaged; say whether it is whole.

    A last line without its end is left out: a process may just be writing it. A missing file is empty and whole.

    Examples
    --------
    >>> read_rows(Path("nothing.csv"))
    (Rows(columns=(), cells=[]), True)
    """
    try:
        text = file.read_bytes().decode("utf-8", "replace")
    except OSError:
        return Rows(), not file.exists()
    end = text.rfind("\n") + 1
    reader, rows = csv.reader(io.StringIO(text[:end], newline="")), Rows()
    try:
        head = next(reader, [])
        rows = Rows(tuple(head))
        for cells in reader:
            if len(cells) != len(head):
                return rows, False
            rows.cells.append(dict(zip(head, cells, strict=True)))
    except csv.Error:
        return rows, False
    return rows, end == len(text) and bool(head)


def points(x: Sequence[float], y: Sequence[float]) -> tuple[list[float], list[float]]:
    """Return the points of a curve without the rounds that have no number, as between two evaluations.

    Examples
    --------
    >>> points([1, 2, 3], [0.1, float("nan"), 0.3])
    ([1, 3], [0.1, 0.3])
    """
    kept = [k for k, value in enumerate(y) if not math.isnan(value) and not math.isnan(x[k])]
    return [x[k] for k in kept], [y[k] for k in kept]


def _number(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        return math.nan
