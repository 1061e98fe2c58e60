"""A report's sections on accuracy and loss: of the global model, and of the clients one by one."""

from __future__ import annotations

import math

from minizerofl_cli.report.bars import Bar, bar_chart
from minizerofl_cli.report.html import table
from minizerofl_cli.report.lines import Series, line_chart
from minizerofl_cli.report.page import folded, paragraph, section
from minizerofl_cli.report.rundata import RunData, points
from minizerofl_cli.report.units import BYTES, SECONDS, unit_for

PERCENT = "accuracy (%)"
REST = "history.csv"
TURNS = ("accepted", "refused", "dropped", "crashed", "late")
SHOWN_TURNS = 200  # clients' turns that failed, in the table


def accuracy_section(run: RunData) -> str:
    """Return accuracy and loss by round, and accuracy by bytes and by seconds."""
    rows = run.history
    rounds = rows.numbers("round")
    curves = {
        "test": "test_accuracy",
        "all weights": "dense_test_accuracy",
        "validation": "validation_accuracy",
        "balanced": "balanced_accuracy",
    }
    by_round = [_percent_series(run, name, column, rounds) for name, column in curves.items()]
    losses = [
        Series(name, *points(rounds, rows.numbers(column)))
        for name, column in (("test", "test_loss_nats"), ("training", "train_loss_nats"))
    ]
    up, down = rows.numbers("cum_uplink_bytes"), rows.numbers("cum_downlink_bytes")
    both = [a + b for a, b in zip(up, down, strict=True)]
    size, unit = unit_for(max([v for v in (*up, *both) if math.isfinite(v)], default=math.nan), BYTES)
    by_bytes = [
        _percent_series(run, "up", "test_accuracy", [v / size for v in up]),
        _percent_series(run, "up and down", "test_accuracy", [v / size for v in both]),
    ]
    seconds = rows.numbers("cum_seconds")
    step, name = unit_for(max([v for v in seconds if math.isfinite(v)], default=math.nan), SECONDS)
    by_time = [_percent_series(run, "test", "test_accuracy", [v / step for v in seconds])]
    return section(
        "Accuracy and loss",
        _chart("Accuracy by round", by_round, "round", PERCENT, majority=run, whole_x=True, note=_samples(run)),
        _chart("Loss by round", losses, "round", "cross-entropy (nats)", whole_x=True, note=LOSSES),
        _chart(
            "Test accuracy by bytes sent", by_bytes, f"sent so far ({unit})", PERCENT, majority=run, note=BYTES_SENT
        ),
        _chart("Test accuracy by time", by_time, f"wall time so far ({name})", PERCENT, majority=run, note=TIME),
        "" if rows.cells else paragraph("No round is complete yet, so there are no results."),
    )


BYTES_SENT = "Up: messages of all clients, as encoded. Down: the server sends a dense model to each client of a round."
LOSSES = "Training: of each sample just before the step it took part in. Test: of the global model after the round."
TIME = "Training, averaging and evaluation; the first round also compiles the kernels if they are not kept yet."


def clients_section(run: RunData) -> str:
    """Return the accuracies of the clients, and how their turns ended."""
    rounds = run.history.numbers("round")
    curves = {
        "mean": "client_accuracy",
        "10th percentile": "client_accuracy_p10",
        "worst 5 %": "client_accuracy_worst_5_percent",
    }
    by_round = [_percent_series(run, name, column, rounds) for name, column in curves.items()]
    clients = run.history.last("test_clients")
    note = f"{clients:,.0f} clients have test samples. " if math.isfinite(clients) else ""
    note += "The low end is mostly chance where clients have few samples, so compare it only on the same samples."
    return section(
        "Clients",
        _chart("Accuracy of the clients by round", by_round, "round", PERCENT, whole_x=True, note=note),
        *_turns(run),
    )


def _turns(run: RunData) -> list[str]:
    """Return how the clients' turns ended, and a table of those that failed."""
    statuses = run.clients.texts("status")
    if not statuses:
        return []
    counts = {status: statuses.count(status) for status in TURNS}
    failed = [row for row in run.clients.cells if row.get("status") != "accepted"]
    if not failed:
        return [paragraph(f"All {len(statuses):,} updates of the clients were accepted.")]
    bars = [Bar(status, counts[status]) for status in TURNS if counts[status]]
    lines = [
        [_whole(row.get("round")), *(row.get(key, "") for key in ("client", "status", "reason"))] for row in failed
    ]
    more = f", the first {SHOWN_TURNS} of them" if len(failed) > SHOWN_TURNS else ""
    shown = table(["round", "client", "status", "reason"], lines[:SHOWN_TURNS])
    title = f"The {len(failed):,} turns that were not accepted{more}; clients.csv has all"
    return [bar_chart("How the clients' turns ended", bars, "turns"), folded(title, shown)]


def _whole(cell: str | None) -> str | int:
    return int(cell) if cell and cell.isascii() and cell.isdigit() else cell or ""


def _percent_series(run: RunData, name: str, column: str, x: list[float]) -> Series:
    return Series(name, *points(x, [100 * v for v in run.history.numbers(column)]))


def _chart(
    title: str,
    series: list[Series],
    x_label: str,
    y_label: str,
    *,
    majority: RunData | None = None,
    whole_x: bool = False,
    note: str = "",
) -> str:
    """Return a chart of the curves that have points, with the majority class of a run. Without curves it is empty."""
    shown = [s for s in series if s.y]
    if not shown:
        return ""
    share = majority.summary.get("majority_accuracy") if majority else None
    if isinstance(share, int | float):
        longest = max(shown, key=lambda s: s.x[-1])
        shown.append(Series("majority class", longest.x, [100 * share] * len(longest.x), reference=True))
    return line_chart(
        title, shown, x_label, y_label, include_x=() if whole_x else (0,), whole_x=whole_x, note=note, rest=REST
    )


def _samples(run: RunData) -> str:
    """Say on how many samples accuracy was measured."""
    counts = [int(v) for v in run.history.numbers("test_samples") if math.isfinite(v)]
    if not counts:
        return ""
    usual, last = counts[0], counts[-1]
    balanced = "Balanced: the mean over the classes. "
    where = f"{usual:,} test samples" if usual == last else f"{usual:,} test samples, in the last round {last:,}"
    checked = run.history.last("validation_samples")
    return f"{balanced}Measured on {where}" + (f", and on {checked:,.0f} validation samples." if checked > 0 else ".")
