"""The names of run directories, and when a run began."""

from __future__ import annotations

import itertools
import os
import re
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from minizerofl.fl.files.jsonfile import read_json
from minizerofl.fl.settings import Settings


def run_name(dataset: str, source: str, settings: Settings) -> str:
    """Name a run after its data, its uplink and its seed; `make_directory` numbers later runs of the same name.

    Examples
    --------
    >>> run_name("femnist", "synthetic", Settings())
    'femnist-synthetic-topk-weights-seed0'
    >>> run_name("femnist", "real", Settings(uplink="minizerofl.fl.uplinks:Full", seed=3))
    'femnist-Full-seed3'
    """
    data = dataset if source == "real" else f"{dataset}-{source}"
    uplink = re.sub(r"[^\w.-]", "-", settings.uplink.rpartition(":")[2])
    return f"{data}-{uplink}-seed{settings.seed}"


def make_directory(root: str | os.PathLike[str], name: str) -> Path:
    """Make a directory that nobody else has: with this name or, where it is taken, with "-2", "-3", ... after it.

    Raises
    ------
    OSError
        The folder cannot be written to.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as root:
    ...     [make_directory(Path(root), "run").name for _ in range(3)]
    ['run', 'run-2', 'run-3']
    """
    root = Path(root)
    root.mkdir(parents=True, exist_ok=True)
    for attempt in itertools.count(1):
        path = root / (name if attempt == 1 else f"{name}-{attempt}")
        with suppress(FileExistsError):
            path.mkdir()
            break
    return path


def begun(path: str | os.PathLike[str]) -> str:
    """Return when a run began, as ISO 8601 in UTC.

    A run of an earlier version does not say it: then its environment.json tells, which is written once. A directory
    without that file is new, and its run begins now.

    Examples
    --------
    >>> begun(Path("nothing"))[10], begun(Path("nothing"))[-6:]
    ('T', '+00:00')
    """
    told = read_json(Path(path) / "summary.json").get("begun")
    if isinstance(told, str):
        return told
    moment = datetime.now(UTC)
    with suppress(OSError):
        moment = datetime.fromtimestamp((Path(path) / "environment.json").stat().st_mtime, UTC)
    return moment.isoformat(timespec="seconds")
