"""Heat-maps: a grid of numbers, darker where they are larger."""

from __future__ import annotations

import math
from collections.abc import Sequence

from minizerofl_cli.report.axes import finite, number
from minizerofl_cli.report.figures import WIDTH, figure, label_of, svg, width_of
from minizerofl_cli.report.html import Cell, table, text


def heat_map(
    title: str,
    rows: Sequence[str],
    columns: Sequence[str],
    values: Sequence[Sequence[float]],
    label: str,
    *,
    corner: str = "",
    column_label: str = "",
    low: float = 0.0,
    high: float = 1.0,
    note: str = "",
) -> str:
    """Draw a grid of numbers, darker where they are larger.

    Parameters
    ----------
    title : str
        What the chart shows.
    rows, columns : sequence of str
        Names, from the top and from the left; some are left out where there is no room.
    values : sequence of sequence of float
        The numbers, row by row. A number is written into its cell if all fit.
    label : str
        What the numbers are, with the unit.
    corner, column_label : str
        What the rows and the columns are.
    low, high : float
        The numbers of the lightest and of the darkest cell.
    note : str
        What is to be said below.

    Examples
    --------
    >>> grid = heat_map("Overlap", ["0", "20"], ["0", "20"], [[1, 0.1], [0.1, 1]], "share")
    >>> grid.count("<rect") > 4
    True
    """
    left = max((width_of(label_of(name)) for name in rows), default=0.0) + 6
    wide = (WIDTH - left) / max(len(columns), 1)
    tall = min(max(wide, 4.0), 26.0, 320 / max(len(rows), 1))
    written = wide >= 26 and tall >= 14
    top, bottom = 16.0, 16.0 + tall * len(rows)
    parts = [f'<text x="0" y="10" class="faint">{text(corner)}</text>']
    for i, (name, cells) in enumerate(zip(rows, values, strict=True)):
        y = top + tall * i
        if _has_room(i, len(rows), 13 / tall):
            parts.append(
                f'<text class="end" x="{left - 6:.1f}" y="{y + tall / 2 + 4:.1f}">{text(label_of(name))}</text>'
            )
        for j, value in enumerate(cells):
            x = left + wide * j
            place = f'x="{x:.1f}" y="{y:.1f}" width="{max(wide - 0.4, 0.1):.1f}" height="{max(tall - 0.4, 0.1):.1f}"'
            if not finite(value):
                parts.append(f'<rect class="missing" {place}/>')
                continue
            dark = round(min(max((value - low) / (high - low), 0.0), 1.0), 2)
            parts.append(f'<rect class="heat" {place} fill-opacity="{dark:g}"/>')
            if written:
                side = "cell light" if dark > 0.5 else "cell"
                middle = f'x="{x + wide / 2:.1f}" y="{y + tall / 2 + 4:.1f}"'
                parts.append(f'<text class="{side}" {middle}>{text(number(value, 2))}</text>')
    longest = max((width_of(label_of(name)) for name in columns), default=0.0) + 8
    for j, name in enumerate(columns):
        if _has_room(j, len(columns), longest / wide):
            x = left + wide * (j + 0.5)
            parts.append(f'<text class="middle" x="{x:.1f}" y="{bottom + 13:.1f}">{text(label_of(name))}</text>')
    parts.append(
        f'<text class="middle faint" x="{(left + WIDTH) / 2:.1f}" y="{bottom + 28:.1f}">{text(column_label)}</text>'
    )
    parts += _scale(bottom + 44, low, high, label)
    cells_of: list[list[Cell]] = [[name, *cells] for name, cells in zip(rows, values, strict=True)]
    numbers = table([corner, *columns], cells_of)
    return figure(title, svg(f"{title}, {label}", bottom + 58, parts), numbers, notes=[note])


def _scale(y: float, low: float, high: float, label: str) -> list[str]:
    """Show which number a shade stands for."""
    steps = [
        f'<rect class="heat" x="{12 * i}" y="{y:.1f}" width="12" height="9" fill-opacity="{i / 8:g}"/>'
        for i in range(9)
    ]
    said = f"{number(low)} to {number(high)}: {label}"
    return [
        *steps,
        f'<rect class="border" x="0" y="{y:.1f}" width="108" height="9"/>',
        f'<text x="114" y="{y + 9:.1f}">{text(said)}</text>',
    ]


def _has_room(i: int, names: int, needed: float) -> bool:
    """Whether name i is written where one name needs the room of several cells."""
    return i % max(1, math.ceil(needed)) == 0 and i < names
