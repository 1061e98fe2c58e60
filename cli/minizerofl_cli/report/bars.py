"""Bar charts: one bar below the other, each with its name, its number and, if there is one, an interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from minizerofl_cli.report.axes import axis, finite, number
from minizerofl_cli.report.figures import LETTER, WIDTH, figure, label_of, svg, width_of
from minizerofl_cli.report.html import Cell, table, text


@dataclass(frozen=True)
class Bar:
    """A bar.

    Parameters
    ----------
    name : str
        What it is called.
    value : float
        Its length.
    low, high : float
        The ends of an interval around it; NaN: none.
    said : str
        What stands beside the number, as in "2.0 times less".
    """

    name: str
    value: float
    low: float = math.nan
    high: float = math.nan
    said: str = ""


def bar_chart(title: str, bars: Sequence[Bar], label: str, *, note: str = "") -> str:
    """Draw bars, one below the other.

    Parameters
    ----------
    title : str
        What the chart shows.
    bars : sequence of Bar
        The bars.
    label : str
        What the numbers are, with the unit.
    note : str
        What is to be said below.

    Examples
    --------
    >>> "2.5" in bar_chart("Time", [Bar("train", 2.5), Bar("evaluate", 0.5)], "seconds")
    True
    """
    scale = axis([0.0, *(v for bar in bars for v in (bar.value, bar.low, bar.high))])
    zero, parts = round(WIDTH * scale.share(0.0), 2), []
    for i, bar in enumerate(bars):
        y = 14 + 38 * i
        said = f"{number(bar.value)}{f' ({bar.said})' if bar.said else ''}"
        name = label_of(bar.name, (WIDTH - width_of(said)) / LETTER - 2)
        parts.append(f'<text x="0" y="{y}">{text(name)}</text>')
        parts.append(f'<text class="end strong" x="{WIDTH}" y="{y}">{text(said)}</text>')
        parts.append(f'<path class="grid" d="M0 {y + 12}H{WIDTH}"/>')
        if finite(bar.value):
            end = round(WIDTH * scale.share(bar.value), 2)
            width = max(abs(end - zero), 1.0)
            parts.append(f'<rect class="bar" x="{min(zero, end):g}" y="{y + 6}" width="{width:g}" height="12"/>')
        parts.append(f'<path class="axis" d="M{zero:g} {y + 3}v18"/>')
        if finite(bar.low) and finite(bar.high):
            a, b = (round(WIDTH * scale.share(v), 2) for v in (bar.low, bar.high))
            parts.append(f'<path class="whisker" d="M{a:g} {y + 7}v10M{a:g} {y + 12}H{b:g}M{b:g} {y + 7}v10"/>')
    height = 38 * len(bars) + 4
    spread = any(finite(bar.low) or finite(bar.high) for bar in bars)
    head = ["", label, *(["low", "high"] if spread else [])]
    rows: list[list[Cell]] = [[bar.name, bar.value, *([bar.low, bar.high] if spread else [])] for bar in bars]
    return figure(title, svg(f"{title}, {label}", height, parts), table(head, rows), unit=label, notes=[note])
