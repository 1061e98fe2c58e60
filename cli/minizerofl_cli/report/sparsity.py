"""A report's sections on sparsity: non-zeros after aggregation, what is sent of each layer, positions over rounds.

Figure 2 of the paper shows the share of the weights that are not zero after aggregation; figure 3 (and 5 and 6) shows
the positions of the largest weights over the rounds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from minizerofl_cli.report.axes import spread
from minizerofl_cli.report.bars import Bar, bar_chart
from minizerofl_cli.report.heatmaps import heat_map
from minizerofl_cli.report.lines import Series, line_chart
from minizerofl_cli.report.page import paragraph, section
from minizerofl_cli.report.positions import position_maps, short
from minizerofl_cli.report.rundata import RunData, points

KEPT = "kept_fraction:"  # a column of history.csv for each layer
COLUMNS = 20  # rounds in a map


HOW_TO_READ = (
    "In the maps, each group holds equally many of the positions that were ever kept, the most frequent ones on top. "
    "Where positions stay, a row keeps its shade from left to right. The initial mask is the control: a row that is "
    "full there owes its place to the random initial weights, and not to training."
)


def sparsity_section(run: RunData) -> str:
    """Return the non-zeros after aggregation, and what clients send of each layer."""
    return section("Sparsity", _non_zeros(run), _union_by_layer(run), _kept_by_layer(run))


def masks_section(run: RunData) -> str:
    """Return how far the masks of the largest weights stay where they are."""
    if not run.overlap.cells:
        return ""
    maps = position_maps(run)
    drawn = any(each.startswith("<figure") for each in maps)
    reading = paragraph(HOW_TO_READ, small=True) if drawn else ""
    return section("Positions of the largest weights (figure 3 of the paper)", _overlap(run), reading, *maps)


def _non_zeros(run: RunData) -> str:
    rounds, density = run.history.numbers("round"), run.history.numbers("density")
    kept, clients = run.history.numbers("kept_fraction"), run.history.numbers("clients")
    series = [
        Series(name, *points(rounds, [100 * v for v in column]))
        for name, column in (("global model", density), ("sent by a client", kept))
    ]
    shown = [s for s in series if s.y]
    if not shown:
        return ""
    note = "Of the sparse layers together."
    if run.table("settings").get("uplink") == "topk-weights":
        chance = [100 * (1 - (1 - k) ** n) for k, n in zip(kept, clients, strict=True)]
        shown.append(Series("independent", *points(rounds, chance), reference=True))
        note += " Independent: what the model would have if each client sent random positions."
    elif all(v == 1 for v in density if math.isfinite(v)):
        note += " With this uplink the global model stays dense."
    title = "Weights that are not zero after aggregation (figure 2 of the paper)"
    return line_chart(title, shown, "round", "share (%)", include=(0,), whole_x=True, note=note, rest="history.csv")


def _kept_by_layer(run: RunData) -> str:
    """Return what a client sends of each layer: a sentence if it is the same everywhere, else bars."""
    shares: dict[str, list[float]] = {}
    for column in run.history.columns:
        known = [100 * v for v in run.history.numbers(column) if math.isfinite(v)] if column.startswith(KEPT) else []
        if known:
            shares[short(column.removeprefix(KEPT))] = known
    if not shares:
        return ""
    written = {f"{value:.1f} %" for known in shares.values() for value in known}
    if len(written) == 1:
        return paragraph(f"In every round a client sent {written.pop()} of the weights of each sparse layer.")
    bars = [Bar(layer, math.fsum(known) / len(known), min(known), max(known)) for layer, known in shares.items()]
    note = "Mean over the rounds; the line reaches from the smallest to the largest."
    return bar_chart("What a client sends of each sparse layer", bars, "% of its weights", include=(100,), note=note)


def _union_by_layer(run: RunData) -> str:
    rounds, layers, by_cell = _by_layer(run, "clients_union_density")
    if not by_cell:
        return ""
    values = [[by_cell.get((t, layer), math.nan) for t in rounds] for layer in layers]
    return heat_map(
        "Sent by at least one client of the round, by layer",
        [short(layer) for layer in layers],
        [f"{t:g}" for t in rounds],
        values,
        "share of the layer's weights",
        corner="layer",
        column_label="round",
    )


def _overlap(run: RunData) -> str:
    """Return the mean overlap of the layers' masks with the one before, and with the initial one."""
    series = []
    for name, column in (("recorded before", "jaccard_previous"), ("initial mask", "jaccard_initial")):
        rounds, layers, by_cell = _by_layer(run, column, most=None)
        means = [_mean([by_cell.get((t, layer), math.nan) for layer in layers]) for t in rounds]
        x, y = points(rounds, means)
        series.append(Series(name, [0.0, *x], [1.0, *y]) if column == "jaccard_initial" and y else Series(name, x, y))
    rounds, layers, density = _by_layer(run, "density", most=None)
    chance = [
        _mean([q / (2 - q) for layer in layers if math.isfinite(q := density.get((t, layer), math.nan))])
        for t in rounds
    ]
    shown = [s for s in [*series, Series("independent", *points(rounds, chance), reference=True)] if s.y]
    if not shown:
        return ""
    return line_chart(
        "Overlap of a round's mask with another one",
        shown,
        "round",
        "Jaccard index, mean over layers",
        include=(0, 1),
        include_x=(0,),
        whole_x=True,
        note="1: equal masks. The overlap with the initial mask is the control.",
        rest="overlap.csv",
    )


def _by_layer(
    run: RunData, column: str, most: int | None = COLUMNS
) -> tuple[list[float], list[str], dict[tuple[float, str], float]]:
    """Return the rounds and the layers of overlap.csv, and a column of it by both."""
    rows = run.overlap
    cells = {
        (t, layer): value
        for t, layer, value in zip(rows.numbers("round"), rows.texts("layer"), rows.numbers(column), strict=True)
        if math.isfinite(t) and math.isfinite(value)
    }
    rounds = sorted({t for t, _ in cells})
    return spread(rounds, most or len(rounds)), list(dict.fromkeys(rows.texts("layer"))), cells


def _mean(values: Sequence[float]) -> float:
    known = [v for v in values if math.isfinite(v)]
    return math.fsum(known) / len(known) if known else math.nan
