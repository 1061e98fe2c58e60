"""The runs in a folder: what is there, in which state, and how good it is; as a table and as CSV."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from minizerofl.fl.errors import ConfigError
from minizerofl.fl.files.jsonfile import read_json
from minizerofl.fl.files.naming import begun
from minizerofl_cli.runs.dataset import kind
from minizerofl_cli.runs.lock import in_use
from minizerofl_cli.runs.places import is_run, look_through
from minizerofl_cli.screen.progress import MB
from minizerofl_cli.screen.tables import block_table, csv_text, table

STATES = ("running", "finished", "interrupted", "failed")
HEAD = ("name", "state", "data", "rounds", "accuracy", "balanced", "MB sent", "s", "begun (UTC)")
FIRST_TO_GO = ("begun (UTC)", "s")  # where the screen is too narrow even so
# The columns of the CSV file; most stand so in summary.json.
COLUMNS = (
    *("name", "state", "source", "rounds_done", "rounds", "test_accuracy", "balanced_accuracy"),
    *("cum_uplink_bytes", "cum_seconds", "begun", "directory"),
)


@dataclass(frozen=True)
class Entry:
    """A run that can be listed.

    Attributes
    ----------
    path : Path
        Its directory.
    name : str
        The same, seen from the folder that was listed.
    state : str
        "finished", "interrupted", "failed", "running", or "killed": it ended without saying so.
    summary : dict
        Its summary.json.
    begun : str
        When it began, as ISO 8601 in UTC.
    """

    path: Path
    name: str
    state: str
    summary: dict[str, Any]
    begun: str

    @property
    def kind(self) -> str:
        """Its data: "real", "imported" or "SYNTHETIC"."""
        return kind(self.summary["source"], str(self.summary.get("dataset", ""))).removesuffix(" data")

    def cells(self) -> tuple[str, ...]:
        """Return its row of the table, in the order of `HEAD`."""
        seconds = self.number("cum_seconds")
        return (
            self.name,
            self.state,
            self.kind,
            f"{self.summary['rounds_done']}/{self.summary.get('rounds', '?')}",
            _percent(self.number("test_accuracy")),
            _percent(self.number("balanced_accuracy")),
            f"{(self.number('cum_uplink_bytes') or 0) / MB:,.1f}",
            "" if seconds is None else f"{seconds:,.0f}",
            self.begun[5:16].replace("T", " "),
        )

    def row(self) -> dict[str, Any]:
        """Return its row of the CSV file."""
        own = {"name": self.name, "state": self.state, "begun": self.begun, "directory": str(self.path)}
        return {name: own.get(name, self.summary.get(name, "")) for name in COLUMNS}

    def number(self, name: str) -> float | None:
        """Return a number of its summary.json; None if it is not there."""
        value = self.summary.get(name)
        return value if isinstance(value, int | float) and math.isfinite(value) else None


@dataclass
class Shelf:
    """What a folder holds: runs, the newest first, and a line about each thing that is not a whole run."""

    entries: list[Entry] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def read_shelf(folder: Path) -> Shelf:
    """Look through a folder: the runs in it, and those in the folders of sweeps.

    Raises
    ------
    ConfigError
        There is no such folder.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     (Path(folder) / "holiday").mkdir()
    ...     read_shelf(Path(folder))
    Shelf(entries=[], problems=['holiday: holds no run'])
    """
    if not folder.is_dir():
        raise ConfigError(f"{folder} is not a folder; minizerofl train makes runs in the folder runs")
    shelf = Shelf()
    runs, others = ([folder], []) if is_run(folder) else look_through(folder)
    for path in runs:
        _add(shelf, path, path.name if path == folder else path.relative_to(folder).as_posix())
    shelf.problems += [f"{path.name}: holds no run" for path in others]
    shelf.entries.sort(key=lambda entry: (entry.begun, entry.name), reverse=True)
    return shelf


def shelf_lines(folder: Path, shelf: Shelf, width: int) -> Iterator[str]:
    """Write the table, and the problems below it.

    Parameters
    ----------
    folder : Path
        The folder that was listed.
    shelf : Shelf
        What it holds.
    width : int
        Columns of the screen. If a row does not fit, each name gets a line of its own.
    """
    if shelf.entries:
        rows = [entry.cells() for entry in shelf.entries]
        lines = table(HEAD, rows)
        if max(map(len, lines)) > width:
            lines = block_table(HEAD, rows, width, FIRST_TO_GO, "--csv FILE")
        yield from lines
    else:
        yield f"No runs in {folder}."
    yield from (f"Note: {problem}" for problem in shelf.problems)


def shelf_csv(entries: Sequence[Entry]) -> str:
    """Return the table as CSV, nothing rounded; accuracies are shares from 0 to 1."""
    return csv_text(COLUMNS, [list(entry.row().values()) for entry in entries])


def _add(shelf: Shelf, path: Path, name: str) -> None:
    summary = read_json(path / "summary.json")
    state = summary.get("status")
    damage = ""
    if not summary:
        damage = "its summary.json is missing or damaged; minizerofl resume may bring it back"
    elif state not in STATES or summary.get("source") not in ("real", "synthetic"):
        damage = "its summary.json is not that of a run"
    elif not isinstance(summary.get("rounds_done"), int):
        damage = "its summary.json does not say how many rounds are done"
    if damage:
        shelf.problems.append(f"{name}: {damage}")
        return
    # Without locks (Windows) nobody can tell; then it counts as running.
    killed = state == "running" and os.name == "posix" and not in_use(path)
    shelf.entries.append(Entry(path, name, "killed" if killed else str(state), summary, _in_utc(begun(path))))


def _in_utc(moment: str) -> str:
    try:
        return datetime.fromisoformat(moment).astimezone(UTC).isoformat(timespec="seconds")
    except (ValueError, OverflowError):
        return ""


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.1f} %"
