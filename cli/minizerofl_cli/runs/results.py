"""The results of a sweep: results.csv with every figure that a person asks for, and a table for the screen."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from minizerofl.fl.errors import SealError
from minizerofl.fl.files.jsonfile import read_json
from minizerofl_cli.runs.reading import read_history
from minizerofl_cli.screen.progress import MB
from minizerofl_cli.screen.tables import table

WIDTH = 80
SUMMARY = (
    *("status", "reason", "source", "rounds", "rounds_done", "majority_accuracy"),
    *("best_round", "best_validation_accuracy"),
)
EVALUATED = (  # of the last round that was evaluated
    *("test_samples", "test_accuracy", "test_loss_nats", "balanced_accuracy"),
    *("client_accuracy", "client_accuracy_p10", "client_accuracy_worst_5_percent", "dense_test_accuracy"),
)
LAST = (  # of the last round
    *("train_loss_nats", "kept_fraction", "density"),
    *("cum_uplink_bytes", "cum_dense_uplink_bytes", "cum_downlink_bytes", "cum_dense_downlink_bytes"),
    *("cum_macs", "cum_dense_macs", "cum_seconds"),
)
COLUMNS = (*SUMMARY, "evaluated_round", *EVALUATED, *LAST, "training_seconds")

Row = dict[str, Any]


def results_of(run: Path) -> Row:
    """Return the results of a run, as far as it has come; empty if there are none.

    Examples
    --------
    >>> results_of(Path("nothing"))
    {}
    """
    summary = read_json(run / "summary.json")
    row: Row = {name: summary[name] for name in SUMMARY if name in summary}
    try:
        history = read_history(run / "history.csv")
    except SealError:
        return row
    if history.rounds:
        row |= {name: history.rows.texts(name)[-1] for name in LAST}
        row["training_seconds"] = f"{history.training_seconds[-1]:.3f}"
    if history.evaluated.any():
        at = int(history.evaluated.nonzero()[0][-1])
        row |= {name: history.rows.texts(name)[at] for name in EVALUATED}
        row["evaluated_round"] = at + 1
    return row


def csv_of(axes: Sequence[str], rows: Sequence[Row]) -> str:
    r"""Return the text of results.csv: the values that the sweep varies, the results, the directory.

    Examples
    --------
    >>> csv_of(["seed"], [{"seed": 1, "status": "finished"}]).splitlines()[1][:11]
    '1,finished,'
    """
    text = io.StringIO(newline="")
    names = [*axes, *(name for name in COLUMNS if name not in axes), "directory", "same_as"]
    writer = csv.DictWriter(text, names, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def screen_of(axes: Sequence[str], rows: Sequence[Row]) -> list[str]:
    """Return a table of 80 columns; the values that the sweep varies are cut if they have no room.

    Test accuracy, balanced accuracy and the clients' 10th percentile are in %, "s" is the training time, and "best" the
    round that did best on validation samples.

    Examples
    --------
    >>> row = {"seed": 1, "test_accuracy": "0.5", "cum_uplink_bytes": "1500000", "training_seconds": "2.5"}
    >>> for line in screen_of(["seed"], [row, {"seed": 2, "status": "failed"}]):
    ...     print(line)
    seed  test %  balanced  10th perc.  MB up    s  best
    1       50.0         -           -      2  2.5     -
    2     failed         -           -      -    -     -
    """
    head = ("test %", "balanced", "10th perc.", "MB up", "s", "best")
    cells = [_cells(row) for row in rows]
    used = sum(2 + max(len(row[k]) for row in (head, *cells)) for k in range(len(head)))
    names = [_cut(", ".join(axes) or "run", WIDTH - used)]
    names += [_cut(", ".join(str(row[axis]) for axis in axes) or "-", WIDTH - used) for row in rows]
    return table([names[0], *head], [[name, *row] for name, row in zip(names[1:], cells, strict=True)])


def _cells(row: Mapping[str, Any]) -> list[str]:
    def number(name: str, factor: float, digits: int) -> str:
        return f"{factor * float(row[name]):,.{digits}f}" if row.get(name) not in (None, "") else "-"

    status = row.get("status", "finished")
    return [
        number("test_accuracy", 100, 1) if status == "finished" else status,
        number("balanced_accuracy", 100, 1),
        number("client_accuracy_p10", 100, 1),
        number("cum_uplink_bytes", 1 / MB, 0),
        number("training_seconds", 1, 1),
        str(row.get("best_round", "-")),
    ]


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"
