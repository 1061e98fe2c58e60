"""A comparison as one page for a browser: the tables, and curves with the mean and the range over seeds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from minizerofl_cli.compare import tables
from minizerofl_cli.compare.comparison import Comparison
from minizerofl_cli.compare.groups import Group
from minizerofl_cli.compare.measures import BOTH, ROUNDS, SECONDS, UPLINK, Cost
from minizerofl_cli.report.html import table
from minizerofl_cli.report.lines import Series, line_chart
from minizerofl_cli.report.page import page as whole_page
from minizerofl_cli.report.page import paragraph, section

AXES = {
    ROUNDS: "round",
    UPLINK: "total uplink (MB)",
    BOTH: "uplink and downlink (MB)",
    SECONDS: "training time (s)",
}
BAND = "Curve: mean over seeds. Band: the smallest and the largest of them."


def page(comparison: Comparison) -> str:
    """Return the page.

    Parameters
    ----------
    comparison : Comparison
        What it shows.
    """
    groups = comparison.groups
    several = any(len(group.runs) > 1 for group in groups.groups)
    charts = [
        line_chart(
            f"Test accuracy by {label}",
            [curve(group, cost) for group in groups.groups],
            label,
            "test accuracy (%)",
            whole_x=cost is ROUNDS,
            note=BAND if several else "",
        )
        for cost, label in AXES.items()
    ]
    shown = [section(each.title, table(each.head, each.rows)) for each in tables.sections(comparison)]
    return whole_page(
        "Comparison of runs",
        [tables.headline(comparison), *comparison.warnings],
        [
            section("Groups", table(("group", "settings"), tables.legend(comparison))),
            section("Curves", *charts),
            *shown,
            section("How to read it", paragraph(tables.EXPLAINED), *map(paragraph, comparison.notes)),
        ],
        notice="SYNTHETIC data" if groups.synthetic else "",
    )


def curve(group: Group, cost: Cost) -> Series:
    """Return the accuracies of a group over a cost: mean and range over its runs, round by round.

    Only rounds that were evaluated in all runs of the group are shown; the cost of a round is its mean over them.
    """
    histories = [run.history for run in group.runs.values()]
    rounds = min(history.rounds for history in histories)
    when = np.all([history.evaluated[:rounds] for history in histories], axis=0)
    y = 100 * np.array([history.numbers("test_accuracy")[:rounds][when] for history in histories])  # (runs, rounds)
    x = np.array([cost.total(history)[:rounds][when] for history in histories])
    spread = (_listed(y.min(axis=0)), _listed(y.max(axis=0))) if len(histories) > 1 else ((), ())
    return Series(f"{group.letter} {group.label}", _listed(x.mean(axis=0)), _listed(y.mean(axis=0)), *spread)


def _listed(values: NDArray[np.float64]) -> Sequence[float]:
    return [float(value) for value in values]
