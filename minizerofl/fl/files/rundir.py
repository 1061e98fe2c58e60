"""A run on disk: a directory with everything that decided the run and everything that it gave."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

from minizerofl.fl.errors import LostRoundError, SealError
from minizerofl.fl.files.checkpoint import Best, Checkpoint, Checkpoints
from minizerofl.fl.files.history import (
    CLIENT_COLUMNS,
    HISTORY_COLUMNS,
    KEPT_COLUMN,
    Row,
    Table,
    Totals,
    client_rows,
    history_row,
)
from minizerofl.fl.files.jsonfile import read_json, write_json
from minizerofl.fl.files.maskfile import MaskFile
from minizerofl.fl.files.modelfile import SavedModel, save_model
from minizerofl.fl.files.naming import begun, make_directory
from minizerofl.fl.files.sealed import write_atomically
from minizerofl.fl.files.toml import Config, to_toml
from minizerofl.fl.measures.clock import timed
from minizerofl.fl.round import Round
from minizerofl.printable import printable

Partition = Mapping[str, tuple[int, int]]
INITIAL = "initial.h5"  # in the directory of a run that began with given weights
# What summary.json repeats of the last evaluated round, and of the last round.
EVALUATED = (
    *("test_samples", "test_accuracy", "test_loss_nats", "balanced_accuracy"),
    *("client_accuracy", "client_accuracy_p10", "client_accuracy_worst_5_percent"),
)
LAST = ("train_loss_nats",)


class RunDirectory:
    """The directory of one run; an earlier run is never touched.

    Parameters
    ----------
    root : str or PathLike
        The folder of all runs; made if it is missing.
    name : str
        Name of the directory, see `minizerofl.fl.files.naming.run_name`; "-2", "-3", ... is added where it is taken.
    source : str
        "real" or "synthetic"; goes into every file.
    config : mapping of str to mapping
        Tables of settings, every value resolved; written to config.toml.
    environment : mapping
        Versions and machine, JSON only; written to environment.json.
    partition : mapping of str to (int, int)
        For each client, its training and its test samples; written to partition.json.
    summary : mapping
        What summary.json says beside the course of the run, JSON only.
    layers : iterable of str
        The sparse layers; each gets a column in history.csv.

    Attributes
    ----------
    path : Path
        The directory.
    checkpoints : Checkpoints
        The checkpoints from which the run can go on.
    masks : MaskFile
        The masks of the sparse layers over the rounds.

    Raises
    ------
    OSError
        The disk is full or the folder cannot be written to. Nothing is left behind.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as root:
    ...     run = RunDirectory(Path(root), "demo", source="synthetic", config={"run": {"rounds": 1}}, environment={},
    ...                        partition={"writer": (10, 2)}, summary={})
    ...     run.finish("finished")
    ...     print((run.path / "config.toml").read_text())
    [run]
    rounds = 1
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        name: str,
        *,
        source: str,
        config: Config,
        environment: Mapping[str, object],
        partition: Partition,
        summary: Mapping[str, object],
        layers: Iterable[str] = (),
    ) -> None:
        path = make_directory(Path(root), name)
        self._open(path, source, environment, partition, summary, layers)
        try:
            self.write_config(config)
            write_json(self.path / "environment.json", self._environment)
            write_json(self.path / "partition.json", self._partition)
            self._history.create()
            self._clients.create()
            self._write_summary(rounds_done=0)  # This comes last: a directory with a summary is complete.
        except BaseException:
            shutil.rmtree(self.path, ignore_errors=True)
            raise

    def _open(
        self,
        path: Path,
        source: str,
        environment: Mapping[str, object],
        partition: Partition,
        summary: Mapping[str, object],
        layers: Iterable[str],
    ) -> None:
        self.path = path
        self.checkpoints = Checkpoints(path / "checkpoints")
        self._source = source
        self._environment = {"source": source, **environment}
        clients = {client: {"train": train, "test": test} for client, (train, test) in partition.items()}
        self._partition = {"source": source, "clients": clients}
        self._summary: dict[str, Any] = {"source": source, "status": "running", "pid": os.getpid(), **summary}
        self._summary["begun"] = begun(path)
        self._totals = Totals()
        self._history = Table(path / "history.csv", [*HISTORY_COLUMNS, *(KEPT_COLUMN + layer for layer in layers)])
        self._clients = Table(path / "clients.csv", CLIENT_COLUMNS)
        self.masks = MaskFile(path, source)
        self._tables = {table.path.name: table for table in (self._history, self._clients, self.masks.overlap)}

    @classmethod
    def open(
        cls,
        path: str | os.PathLike[str],
        *,
        source: str,
        environment: Mapping[str, object],
        partition: Partition,
        summary: Mapping[str, object],
        layers: Iterable[str] = (),
    ) -> Self:
        """Open the directory of an earlier run; nothing is changed until `go_back_to`.

        Parameters
        ----------
        path : str or PathLike
            The directory.
        source, environment, partition, summary, layers
            As for a new directory. What the files in the directory say instead is not trusted.
        """
        self = cls.__new__(cls)
        self._open(Path(path), source, environment, partition, summary, layers)
        return self

    def tables(self) -> dict[str, bytes]:
        """Return what the tables hold, by the names of their files: a checkpoint keeps it."""
        return {name: table.content for name, table in self._tables.items() if table.content}

    def damage(self, checkpoint: Checkpoint) -> list[str]:
        """Name the files that are missing, or that say something else than a checkpoint and the data."""
        found = [name for name, content in checkpoint.tables.items() if not self._tables[name].begins_with(content)]
        found += [name for name in ("environment.json", "partition.json") if not read_json(self.path / name)]
        summary = read_json(self.path / "summary.json")
        if any(summary.get(key) != self._summary[key] for key in ("source", "dataset") if key in self._summary):
            found.append("summary.json")
        return found

    def go_back_to(self, round: int, best: Best | None = None, tables: Mapping[str, bytes] | None = None) -> None:
        """Bring all files back to a round, that of the checkpoint from which the run goes on.

        Parameters
        ----------
        round : int
            The last round to keep.
        best : Best or None
            The best round up to there.
        tables : mapping of str to bytes, optional
            The tables as the checkpoint has them; without them, those on the disk are cut back.

        Raises
        ------
        OSError
            A file cannot be written. Each file is then as it was, or brought back.
        SealError
            A table that the checkpoint does not have is damaged.
        """
        rows = self._bring_back_tables(round, tables or {})
        for name, content in (("environment.json", self._environment), ("partition.json", self._partition)):
            if not read_json(self.path / name):
                write_json(self.path / name, content)
        self.checkpoints.forget_after(round)
        self._totals = Totals()
        for row in rows:
            self._totals.add(row)
        for key in ("evaluated_round", *EVALUATED, *LAST, "best_round", "best_validation_accuracy"):
            self._summary.pop(key, None)
        for row in rows:
            self._note(row)
        self._note_best(best)
        self._write_summary(rounds_done=round)

    def _bring_back_tables(self, round: int, tables: Mapping[str, bytes]) -> list[dict[str, str]]:
        """Restore or cut back the tables; return the rows of history.csv."""
        rows: list[dict[str, str]] = []
        for table in (self._clients, self._history):
            if round:
                rows = table.bring_back(round, tables.get(table.path.name))
            else:
                table.path.unlink(missing_ok=True)
                table.create()
        self.masks.cut(round, tables.get(self.masks.overlap.path.name, b"" if tables or not round else None))
        if [row["round"] for row in rows] != [str(t) for t in range(1, round + 1)]:
            raise SealError(f"{self._history.path}: it lacks some of the rounds 1 to {round}; put the file back")
        return rows

    def go_on(self, rounds: int) -> None:
        """Write to summary.json that this process goes on with the run."""
        self._write_summary(status="running", reason="", pid=os.getpid(), rounds=rounds)

    @property
    def summary(self) -> Mapping[str, Any]:
        """What summary.json says."""
        return MappingProxyType(self._summary)

    def write_config(self, config: Config) -> None:
        """Write config.toml."""
        write_atomically(self.path / "config.toml", to_toml(config).encode())

    @timed("record")
    def record(self, round: Round, best: Best | None = None) -> None:
        """Write what a round did to history.csv, clients.csv and summary.json.

        Parameters
        ----------
        round : Round
            A complete round.
        best : Best, optional
            The best round up to here.

        Raises
        ------
        OSError
            The disk is full.
        """
        row = history_row(round, self._source)
        self._totals.add(row)
        self._clients.append(client_rows(round.round, round.outcomes, self._source))
        self._history.append([{**row, **self._totals.columns()}])
        self._note(row)
        self._note_best(best)
        self._write_summary(rounds_done=round.round)

    def record_loss(self, error: LostRoundError) -> None:
        """Write to clients.csv how the clients' turns ended in a round that had to be given up.

        Raises
        ------
        OSError
            The disk is full.
        """
        self._clients.append(client_rows(error.round, error.outcomes, self._source))

    def log(self, line: str) -> None:
        """Add a line to train.log; names in it cannot begin another one."""
        with (self.path / "train.log").open("a", encoding="utf-8", errors="backslashreplace", newline="\n") as file:
            file.write(printable(line) + "\n")

    def save(self, model: SavedModel) -> None:
        """Write model.h5; the description of the model gets the source of its data."""
        save_model(self.path / "model.h5", replace(model, about={**model.about, "source": self._source}))

    def save_initial(self, model: SavedModel) -> None:
        """Write initial.h5, the weights that the run began with, so that it can be resumed without another file."""
        save_model(self.path / INITIAL, replace(model, about={**model.about, "source": self._source}))

    def finish(self, status: str, reason: str = "") -> None:
        """Write how the run ended to summary.json.

        Parameters
        ----------
        status : {"finished", "failed", "interrupted"}
            How it ended.
        reason : str
            Why, for people to read; empty if it finished.
        """
        self._write_summary(status=status, reason=reason)

    def _note(self, row: Row) -> None:
        """Take what summary.json repeats from a row of history.csv, as it is or as it was read."""
        taken = [*LAST, *(EVALUATED if row["test_accuracy"] != "" else ())]
        if len(taken) > len(LAST):
            self._summary["evaluated_round"] = int(row["round"])
        for key in taken:
            if row[key] != "":
                self._summary[key] = int(row[key]) if key == "test_samples" else float(row[key])

    def _note_best(self, best: Best | None) -> None:
        if best:
            self._summary |= {"best_round": best.round, "best_validation_accuracy": best.accuracy}

    def _write_summary(self, **news: object) -> None:
        self._summary |= {**news, **self._totals.numbers()}
        write_json(self.path / "summary.json", self._summary)
