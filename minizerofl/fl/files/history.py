"""The tables of a run: history.csv, a row a round, and clients.csv, a row for each client of a round."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from minizerofl.fl.codecs import Parts
from minizerofl.fl.errors import SealError
from minizerofl.fl.files.sealed import write_atomically
from minizerofl.fl.measures.evaluation import Evaluation
from minizerofl.fl.measures.scores import ClientAccuracy
from minizerofl.fl.round import Outcome, Round

TIMING_COLUMNS = (  # the columns that differ between two equal runs
    "train_seconds",
    "aggregate_seconds",
    "eval_seconds",
    "cum_seconds",
    "cpu_seconds",
    "energy_joules",
    "energy_source",
    "peak_memory_bytes",
    "uplink_encode_seconds",
    "uplink_decode_seconds",
    "downlink_encode_seconds",
    "downlink_decode_seconds",
)
PARTS = ("positions", "values", "whole", "headers")  # of the bytes of messages
HISTORY_COLUMNS = (
    "round",
    "source",
    "lr",
    "clients",
    "refused",
    "dropped",
    "crashed",
    "late",
    "train_samples",
    "train_loss_nats",
    "test_samples",
    "test_accuracy",
    "test_loss_nats",
    "balanced_accuracy",
    "test_clients",
    "client_accuracy",
    "client_accuracy_p10",
    "client_accuracy_worst_5_percent",
    "dense_test_accuracy",
    "validation_samples",
    "validation_accuracy",
    "kept_fraction",
    "density",
    "uplink_bytes",
    "dense_uplink_bytes",
    "downlink_bytes",
    "dense_downlink_bytes",
    "cum_uplink_bytes",
    "cum_dense_uplink_bytes",
    "cum_downlink_bytes",
    "cum_dense_downlink_bytes",
    *(f"{way}_{part}_bytes" for way in ("uplink", "downlink") for part in PARTS),
    "macs",
    "dense_macs",
    "cum_macs",
    "cum_dense_macs",
    *TIMING_COLUMNS,
)
KEPT_COLUMN = "kept_fraction:"  # followed by the name of a layer
ENDS = ("uplink_encode_seconds", "uplink_decode_seconds", "downlink_decode_seconds")
CLIENT_COLUMNS = (
    "round",
    "client",
    "num_samples",
    "status",
    "reason",
    "train_loss_nats",
    "uplink_bytes",
    *(f"uplink_{part}_bytes" for part in PARTS),
    "downlink_bytes",
    "macs",
    "dense_macs",
    "seconds",
    *ENDS,
    "source",
    "trace",
)
CLIENT_TIMING_COLUMNS = ("seconds", *ENDS)
SUMS = ("uplink_bytes", "dense_uplink_bytes", "downlink_bytes", "dense_downlink_bytes", "macs", "dense_macs")

Cell = str | int | float
Row = Mapping[str, Cell]


class Totals:
    """Running totals over the rounds of a run.

    Examples
    --------
    >>> totals = Totals()
    >>> totals.add({"uplink_bytes": 3, "train_seconds": 1.5}), totals.add({"uplink_bytes": 4})
    (None, None)
    >>> totals.columns()["cum_uplink_bytes"], totals.columns()["cum_seconds"]
    (7, '1.500')
    """

    def __init__(self) -> None:
        self._sums = dict.fromkeys(SUMS, 0)
        self._seconds = self._train_seconds = 0.0

    def add(self, row: Row) -> None:
        """Add a row of history.csv."""
        for name in SUMS:
            self._sums[name] += int(row.get(name, 0))
        self._train_seconds += float(row.get("train_seconds", 0))
        self._seconds += sum(float(row.get(f"{phase}_seconds", 0)) for phase in ("train", "aggregate", "eval"))

    def columns(self) -> dict[str, Cell]:
        """Return the columns of history.csv that hold totals."""
        return {**{f"cum_{name}": total for name, total in self._sums.items()}, "cum_seconds": f"{self._seconds:.3f}"}

    def numbers(self) -> dict[str, int | float]:
        """Return the same totals as numbers, and the seconds of local training among them."""
        seconds = {"cum_train_seconds": round(self._train_seconds, 3), "cum_seconds": round(self._seconds, 3)}
        return {**{f"cum_{name}": total for name, total in self._sums.items()}, **seconds}


def history_row(round: Round, source: str) -> dict[str, Cell]:
    """Return a round's row of history.csv, without the totals."""

    def of(evaluation: Evaluation | ClientAccuracy | None, name: str) -> Cell:
        cell: Cell = getattr(evaluation, name) if evaluation else ""  # An evaluation that was not due is false.
        return cell

    by_client = round.score.by_client
    row: dict[str, Cell] = {
        "round": round.round,
        "source": source,
        "lr": round.lr,
        "clients": round.count("accepted"),
        "refused": round.count("refused"),
        "dropped": round.count("dropped"),
        "crashed": round.count("crashed"),
        "late": round.count("late"),
        "train_samples": round.num_samples,
        "train_loss_nats": round.train_loss,
        "test_samples": of(round.score, "samples"),
        "test_accuracy": of(round.score, "accuracy"),
        "test_loss_nats": of(round.score, "loss"),
        "balanced_accuracy": of(round.score, "balanced_accuracy"),
        "test_clients": of(by_client, "clients"),
        "client_accuracy": of(by_client, "mean"),
        "client_accuracy_p10": of(by_client, "p10"),
        "client_accuracy_worst_5_percent": of(by_client, "worst_5_percent"),
        "dense_test_accuracy": of(round.dense_score, "accuracy"),
        "validation_samples": of(round.validation, "samples"),
        "validation_accuracy": of(round.validation, "accuracy"),
        "kept_fraction": round.kept_fraction,
        "density": round.density,
        "uplink_bytes": round.uplink_bytes,
        "dense_uplink_bytes": round.dense_bytes,
        "downlink_bytes": round.downlink_bytes,
        "dense_downlink_bytes": round.dense_downlink_bytes,
        **_parts("uplink", round.uplink_parts),
        **_parts("downlink", round.downlink_parts),
        "macs": round.macs.kept,
        "dense_macs": round.macs.dense,
        "train_seconds": f"{round.train_seconds:.3f}",
        "aggregate_seconds": f"{round.aggregate_seconds:.3f}",
        "eval_seconds": f"{round.eval_seconds:.3f}",
        "cpu_seconds": f"{round.effort.cpu_seconds:.3f}",
        "energy_joules": f"{round.effort.joules:.3f}",
        "energy_source": round.effort.energy_source,
        "peak_memory_bytes": round.effort.peak_bytes or "",
        "downlink_encode_seconds": f"{round.downlink_encode_seconds:.3f}",
        **{name: f"{sum(getattr(outcome, name) for outcome in round.outcomes):.3f}" for name in ENDS},
    }
    return row | {KEPT_COLUMN + layer: fraction for layer, fraction in round.kept.items()}


def client_rows(round: int, outcomes: Iterable[Outcome], source: str) -> list[dict[str, Cell]]:
    """Return a round's rows of clients.csv."""
    return [
        {
            "round": round,
            "client": outcome.client,
            "num_samples": outcome.num_samples,
            "status": outcome.status,
            "reason": outcome.reason,
            "train_loss_nats": "" if outcome.train_loss is None else outcome.train_loss,
            "uplink_bytes": outcome.uplink_bytes,
            **_parts("uplink", outcome.parts),
            "downlink_bytes": outcome.downlink_bytes,
            "macs": outcome.macs.kept,
            "dense_macs": outcome.macs.dense,
            "seconds": f"{outcome.seconds:.3f}",
            **{name: f"{getattr(outcome, name):.4f}" for name in ENDS},
            "source": source,
            "trace": outcome.trace,
        }
        for outcome in outcomes
    ]


def _parts(way: str, parts: Parts) -> dict[str, Cell]:
    """Return the columns of what the bytes of messages are for."""
    return {f"{way}_{name}_bytes": getattr(parts, name) for name in PARTS}


class Table:
    """A CSV file with a column `round` that grows from round to round, and can be cut back.

    Parameters
    ----------
    path : str or PathLike
        Where it is.
    columns : sequence of str
        Its columns.

    Attributes
    ----------
    content : bytes
        All that was written to it since it was made, cut back or restored.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     table = Table(Path(folder) / "a.csv", ["round", "x"])
    ...     table.create()
    ...     table.append([{"round": 1, "x": 0.5}, {"round": 2, "x": 0.25}])
    ...     table.cut(1)
    [{'round': '1', 'x': '0.5'}]
    """

    def __init__(self, path: str | os.PathLike[str], columns: Sequence[str]) -> None:
        self.path = Path(path)
        self.columns = columns
        self._content = bytearray()

    @property
    def content(self) -> bytes:
        """All that was written to it since it was made, cut back or restored."""
        return bytes(self._content)

    def create(self) -> None:
        """Write the line with the names of the columns."""
        self._append(_lines([self.columns]))

    def append(self, rows: Iterable[Row]) -> None:
        """Add rows; they are on the disk when this returns, whatever then happens to the machine."""
        self._append(_lines([row[column] for column in self.columns] for row in rows))

    def cut(self, round: int) -> list[dict[str, str]]:
        """Remove the rows of later rounds, and a last one that is not whole; return the rows that stay."""
        text = self.path.read_text(encoding="utf-8", errors="replace")
        whole = text[: text.rfind("\n") + 1]  # What follows is a part of a line: the process was killed.
        rows = [row for row in self._read(whole) if int(row["round"]) <= round]
        self._replace(_lines([self.columns, *([row[column] for column in self.columns] for row in rows)]))
        return rows

    def bring_back(self, round: int, content: bytes | None) -> list[dict[str, str]]:
        """Write what the table held after a round, or cut it back if that is not known; return its rows."""
        if content is None:
            return self.cut(round)
        rows = self._read(content.decode())
        self._replace(content)
        return rows

    def begins_with(self, content: bytes) -> bool:
        """Whether the file still holds what was written to it up to some time."""
        try:
            return self.path.read_bytes().startswith(content)
        except OSError:
            return False

    def _read(self, text: str) -> list[dict[str, str]]:
        try:
            head, *lines = csv.reader(io.StringIO(text, newline=""))
        except (csv.Error, ValueError):
            head, lines = [], []
        if head != list(self.columns):
            raise SealError(f"{self.path}: its first line does not name the columns of a run; put the file back")
        rows = []
        for i, cells in enumerate(lines, 1):
            row = dict(zip(head, cells, strict=False))
            if len(cells) != len(head) or not (row["round"].isascii() and row["round"].isdigit()):
                if i == len(lines):  # The process was killed when it had written a part of it.
                    break
                raise SealError(f"{self.path}: row {i} is damaged; put the file back")
            rows.append(row)
        return rows

    def _replace(self, content: bytes) -> None:
        write_atomically(self.path, content)
        self._content = bytearray(content)

    def _append(self, lines: bytes) -> None:
        with self.path.open("ab") as file:
            file.write(lines)
            file.flush()
            os.fsync(file.fileno())
        self._content += lines


def _lines(rows: Iterable[Sequence[object]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode("utf-8", "backslashreplace")
