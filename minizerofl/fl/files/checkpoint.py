"""Checkpoints: everything that a run needs to go on as if it had never stopped.

Every random number of a run is a function of seed, round, client and purpose (`minizerofl.fl.seeds`). So it is enough
to keep the global model after a round, and what server and clients remember from round to round.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import numpy as np

from minizerofl.fl.errors import CheckpointError
from minizerofl.fl.files.sealed import Seal, read_array
from minizerofl.fl.files.toml import Config
from minizerofl.fl.measures.clock import timed
from minizerofl.fl.payload import State, num_bytes
from minizerofl.shown import Facts, Shown, megabytes

SEAL = Seal(b"minizerofl-check", 1, "checkpoint", CheckpointError)
NEWEST = 2  # number of newest checkpoints that are kept, besides the best


@dataclass(frozen=True)
class Best:
    """The round whose model did best on validation samples; of several, the first."""

    round: int
    accuracy: float


@dataclass(frozen=True, repr=False)
class Checkpoint(Shown):
    """A run after a complete round.

    Attributes
    ----------
    round : int
        The last complete round.
    state : dict of str to array
        The global model after it.
    memory : dict of str to dict of str to array
        What parts of the federation remember, by the part: "server", or a client's id after "client:".
    best : Best or None
        The best round up to here.
    config : mapping of str to mapping
        The settings that decide the run's result.
    tables : dict of str to bytes
        The tables of the run up to this round, by the names of their files: a copy that the checksum covers.
    """

    round: int
    state: State
    memory: dict[str, State] = field(default_factory=dict)
    best: Best | None = None
    config: Config = field(default_factory=dict)
    tables: dict[str, bytes] = field(default_factory=dict)

    def _facts(self) -> tuple[str, Facts]:
        """Return what is shown of a checkpoint."""
        best = {"best round so far": self.best.round} if self.best else {}
        return f"checkpoint after round {self.round}", {
            "tensors": len(self.state),
            "size": megabytes(num_bytes(self.state)),
            **best,
        }


class Checkpoints:
    """The checkpoints of one run: the newest, and the best.

    Parameters
    ----------
    folder : str or PathLike
        Where they are; made when the first is saved.
    keep : int
        How many of the newest are kept. With 0 one is kept all the same while the run goes on; see `clear`.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     checkpoints = Checkpoints(Path(folder))
    ...     for round in range(1, 6):
    ...         checkpoints.save(Checkpoint(round, {"w": np.zeros(2, np.float32)}, best=Best(2, 0.5)))
    ...     print([path.name for path in checkpoints.paths()])
    ['round-000005.h5', 'round-000004.h5', 'round-000002.h5']
    """

    def __init__(self, folder: str | os.PathLike[str], keep: int = NEWEST) -> None:
        self.folder = Path(folder)
        self.keep = keep

    def paths(self) -> list[Path]:
        """Return the files, the newest first."""
        return sorted(self.folder.glob("round-*.h5"), reverse=True)

    @timed("checkpoint")
    def save(self, checkpoint: Checkpoint) -> None:
        """Write a checkpoint; then remove those that are neither among the newest nor the best.

        Raises
        ------
        OSError
            The disk is full or the folder cannot be written to. All earlier checkpoints are then still there.
        """
        self.folder.mkdir(exist_ok=True)
        path = self.path(checkpoint.round)
        write_checkpoint(path, checkpoint)
        spared = {*self.paths()[: max(1, self.keep)], self.path(checkpoint.best.round) if checkpoint.best else path}
        for old in self.paths():
            if old not in spared:
                old.unlink()

    def newest(self) -> tuple[Checkpoint | None, list[str]]:
        """Read the newest checkpoint that is whole; None if there is none.

        Returns
        -------
        Checkpoint or None
            The checkpoint.
        list of str
            Why newer ones were passed over, a line each.
        """
        problems: list[str] = []
        for path in self.paths():
            try:
                return read_checkpoint(path), problems
            except CheckpointError as error:
                problems.append(str(error))
        return None, problems

    def forget_after(self, round: int) -> None:
        """Remove the checkpoints of later rounds: those that were passed over, or are to be run again."""
        for path in self.paths():
            if path > self.path(round):
                path.unlink()

    def clear(self) -> None:
        """Remove all of them, and their folder if nothing else is in it."""
        self.forget_after(-1)
        with suppress(OSError):
            self.folder.rmdir()

    def path(self, round: int) -> Path:
        """Return the file of a round's checkpoint."""
        return self.folder / f"round-{round:06d}.h5"


def write_checkpoint(path: str | os.PathLike[str], checkpoint: Checkpoint) -> None:
    """Write a checkpoint, all of it or nothing.

    Parameters
    ----------
    path : str or PathLike
        Where to. An older file is replaced.
    checkpoint : Checkpoint
        What.

    Raises
    ------
    OSError
        The disk is full or the folder cannot be written to. An older file is then left as it was.
    """
    best = checkpoint.best
    parts = {"": checkpoint.state, **checkpoint.memory}

    def fill(file: h5py.File) -> None:
        about = {
            "round": checkpoint.round,
            "best": [best.round, best.accuracy] if best else None,
            "config": checkpoint.config,
            "parts": {part: list(state) for part, state in parts.items()},  # order, and names that HDF5 would split
        }
        file["about"] = json.dumps(about)
        for name, content in checkpoint.tables.items():
            text = np.frombuffer(content, np.uint8)
            file.create_dataset(f"tables/{name}", data=text, compression="gzip" if text.size else None)
        for i, state in enumerate(parts.values()):
            for j, value in enumerate(state.values()):
                file[f"{i}/{j}"] = value

    SEAL.write(path, fill)


def read_checkpoint(path: str | os.PathLike[str]) -> Checkpoint:
    """Read a checkpoint.

    Raises
    ------
    CheckpointError
        The file is missing, not one of ours, of another version, cut short or changed.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "a.h5"
    ...     write_checkpoint(path, Checkpoint(3, {"w": np.arange(2)}, {"server": {"m": np.ones(1)}}))
    ...     again = read_checkpoint(path)
    >>> again.round, again.state, again.memory
    (3, {'w': array([0, 1])}, {'server': {'m': array([1.])}})
    """
    with SEAL.open(path) as file:
        about = json.loads(file["about"][()])
        parts = {
            part: {name: read_array(file, f"{i}/{j}") for j, name in enumerate(names)}
            for i, (part, names) in enumerate(about["parts"].items())
        }
        tables = {name: text[()].tobytes() for name, text in file["tables"].items()} if "tables" in file else {}
    state, best = parts.pop(""), Best(*about["best"]) if about["best"] else None
    return Checkpoint(about["round"], state, parts, best, about["config"], tables)


def differences(before: Config, now: Config) -> list[str]:
    """Name the settings that differ.

    Parameters
    ----------
    before, now : mapping of str to mapping
        Tables of settings.

    Returns
    -------
    list of str
        "table.key: before -> now" for each; a setting that one of them lacks is shown as (none).

    Examples
    --------
    >>> differences({"settings": {"seed": 0, "rounds": 3}}, {"settings": {"seed": 1, "rounds": 3}})
    ['settings.seed: 0 -> 1']
    """
    flat = [
        {f"{t}.{key}": value for t, table in tables.items() for key, value in table.items()} for tables in (before, now)
    ]
    names = dict.fromkeys([*flat[0], *flat[1]])
    values = {name: [repr(each[name]) if name in each else "(none)" for each in flat] for name in names}
    return [f"{name}: {old} -> {new}" for name, (old, new) in values.items() if old != new]
