"""A run on disk: a directory of its own, with everything that decided the run and everything that came of it."""

from __future__ import annotations

import csv
import itertools
import json
import os
import shutil
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from minizerofl.fl.modelfile import SavedModel, save_model
from minizerofl.fl.settings import Settings
from minizerofl.fl.simulation import Round

HISTORY_COLUMNS = (
    "round",
    "source",
    "lr",
    "clients",
    "refused",
    "train_samples",
    "train_loss_nats",
    "test_samples",
    "test_accuracy",
    "test_loss_nats",
    "kept_fraction",
    "uplink_bytes",
    "dense_uplink_bytes",
    "cum_uplink_bytes",
    "cum_dense_uplink_bytes",
    "train_seconds",
    "eval_seconds",
    "cum_seconds",
)
TIMING_COLUMNS = ("train_seconds", "eval_seconds", "cum_seconds")  # the columns that no two runs have in common
CLIENT_COLUMNS = ("round", "client", "num_samples", "status", "source")

Scalar = str | int | float
Config = Mapping[str, Mapping[str, Scalar]]
Partition = Mapping[str, tuple[int, int]]


class RunDirectory:
    """The directory of one run; an earlier run is never touched.

    Parameters
    ----------
    root : Path
        The folder of all runs; made if it is missing.
    name : str
        Name of the directory, see `run_name`; "-2", "-3", ... is added where it is taken.
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

    Attributes
    ----------
    path : Path
        The directory.

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
        root: Path,
        name: str,
        *,
        source: str,
        config: Config,
        environment: Mapping[str, object],
        partition: Partition,
        summary: Mapping[str, object],
    ) -> None:
        self._source = source
        self._partition = partition
        self._summary: dict[str, object] = {"source": source, "status": "running", "pid": os.getpid(), **summary}
        self._cumulative = {"uplink_bytes": 0, "dense_uplink_bytes": 0}
        self._seconds = 0.0
        self.path = _make_directory(root, name)
        try:
            (self.path / "config.toml").write_bytes(to_toml(config).encode())
            self._write_json("environment.json", {"source": source, **environment})
            clients = {client: {"train": train, "test": test} for client, (train, test) in partition.items()}
            self._write_json("partition.json", {"source": source, "clients": clients})
            self._append("history.csv", [HISTORY_COLUMNS])
            self._append("clients.csv", [CLIENT_COLUMNS])
            self._write_summary(rounds_done=0)
        except BaseException:
            shutil.rmtree(self.path, ignore_errors=True)
            raise

    def record(self, round: Round) -> None:
        """Write what a round did to history.csv, clients.csv and summary.json.

        Parameters
        ----------
        round : Round
            A complete round.

        Raises
        ------
        OSError
            The disk is full.
        """
        self._cumulative["uplink_bytes"] += round.uplink_bytes
        self._cumulative["dense_uplink_bytes"] += round.dense_bytes
        self._seconds += round.train_seconds + round.eval_seconds
        score = round.score
        row: dict[str, Scalar] = {
            "round": round.round,
            "source": self._source,
            "lr": round.lr,
            "clients": len(round.clients),
            "refused": len(round.refused),
            "train_samples": round.num_samples,
            "train_loss_nats": round.train_loss,
            "test_samples": score.samples if score else "",
            "test_accuracy": score.accuracy if score else "",
            "test_loss_nats": score.loss if score else "",
            "kept_fraction": round.kept_fraction,
            "uplink_bytes": round.uplink_bytes,
            "dense_uplink_bytes": round.dense_bytes,
            "cum_uplink_bytes": self._cumulative["uplink_bytes"],
            "cum_dense_uplink_bytes": self._cumulative["dense_uplink_bytes"],
            "train_seconds": f"{round.train_seconds:.3f}",
            "eval_seconds": f"{round.eval_seconds:.3f}",
            "cum_seconds": f"{self._seconds:.3f}",
        }
        self._append("history.csv", [[row[column] for column in HISTORY_COLUMNS]])
        statuses = [(client, "accepted") for client in round.clients] + [(c, "refused") for c in round.refused]
        self._append(
            "clients.csv",
            [[round.round, client, self._partition[client][0], status, self._source] for client, status in statuses],
        )
        if score:
            self._summary |= {
                "evaluated_round": round.round,
                "test_samples": score.samples,
                "test_accuracy": score.accuracy,
                "test_loss_nats": score.loss,
            }
        self._write_summary(rounds_done=round.round)

    def log(self, line: str) -> None:
        """Add a line to train.log."""
        with (self.path / "train.log").open("a", encoding="utf-8", newline="\n") as file:
            file.write(line + "\n")

    def save(self, model: SavedModel) -> None:
        """Write model.h5; the description of the model gets the source of its data."""
        about = {**model.about, "source": self._source}
        save_model(self.path / "model.h5", SavedModel(model.name, model.arguments, model.state, about))

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

    def _append(self, name: str, rows: Iterable[Iterable[Scalar]]) -> None:
        # Opened for each round and closed again: what a round wrote is out, whatever happens to the process.
        with (self.path / name).open("a", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows(rows)

    def _write_summary(self, **news: object) -> None:
        self._summary |= {**news, **{f"cum_{name}": total for name, total in self._cumulative.items()}}
        self._write_json("summary.json", self._summary)

    def _write_json(self, name: str, content: Mapping[str, object]) -> None:
        beside = self.path / (name + ".part")
        beside.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        beside.replace(self.path / name)  # a reader sees the old file or the new one, never a part


def run_name(dataset: str, source: str, settings: Settings) -> str:
    """Name a run after its data, its uplink and the present time (UTC, no colons).

    Examples
    --------
    >>> run_name("femnist", "synthetic", Settings())[:-16]
    'femnist-synthetic-topk-weights-s0.95-r0.2-seed0-'
    """
    data = dataset if source == "real" else f"{dataset}-{source}"
    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    s = settings
    return f"{data}-{s.uplink}-s{s.sparsity:g}-r{s.mask_ratio:g}-seed{s.seed}-{now}"


def to_toml(tables: Config) -> str:
    r"""Write tables of strings and numbers as TOML; `tomllib` reads the same values back.

    Examples
    --------
    >>> print(to_toml({"data": {"name": "femnist", "rounds": 3, "folder": 'a "b"'}}))
    [data]
    name = "femnist"
    rounds = 3
    folder = "a \"b\""
    """
    lines = []
    for name, table in tables.items():
        lines += [f"[{name}]", *(f"{key} = {_toml_value(value)}" for key, value in table.items()), ""]
    return "\n".join(lines)


def _toml_value(value: Scalar) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        # What JSON escapes is escaped alike in TOML, but for DEL. A lone surrogate (an undecodable path) has no UTF-8.
        text = value.encode("utf-8", "backslashreplace").decode()
        return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
    return repr(value)


def _make_directory(root: Path, name: str) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    for attempt in itertools.count(1):
        path = root / (name if attempt == 1 else f"{name}-{attempt}")
        with suppress(FileExistsError):
            path.mkdir()
            break
    return path
