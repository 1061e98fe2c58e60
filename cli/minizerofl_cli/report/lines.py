"""Line charts: curves that differ by dash, marker and colour, each with its name at its end."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from minizerofl.printable import printable
from minizerofl_cli.report.axes import Axis, axis, finite, number, thin
from minizerofl_cli.report.figures import WIDTH, figure, label_of, svg, width_of
from minizerofl_cli.report.html import Cell, table, text

HEIGHT = 262
POINTS = 150  # A curve of more points is thinned out to some of each stretch.
MARKERS = 9  # about how many points of a long curve have a marker
DASHES = ("", "7 3", "2 2.5", "9 3 2 3", "5 2 1.5 2 1.5 2")
COLOURS = 8  # classes c0, c1, ... of the page


@dataclass(frozen=True)
class Series:
    """A curve.

    Parameters
    ----------
    name : str
        What it is called.
    x, y : sequence of float
        Its points, in order. NaN in y is a gap.
    low, high : sequence of float
        The edges of a band around it, as many as there are points; empty: no band.
    reference : bool
        Whether it is a line to compare with: thin, dashed and grey.
    """

    name: str
    x: Sequence[float]
    y: Sequence[float]
    low: Sequence[float] = ()
    high: Sequence[float] = ()
    reference: bool = False


def line_chart(
    title: str,
    series: Sequence[Series],
    x_label: str,
    y_label: str,
    *,
    include: Sequence[float] = (),
    whole_x: bool = False,
    note: str = "",
    rest: str = "",
) -> str:
    """Draw curves.

    Parameters
    ----------
    title : str
        What the chart shows.
    series : sequence of Series
        The curves; they differ by dash, marker and colour, and each has its name at its end.
    x_label, y_label : str
        What the axes show, with the unit.
    include : sequence of float
        Numbers that the y axis must reach, as in (0,).
    whole_x : bool
        Whether x is counted: rounds, clients.
    note : str
        What is to be said below.
    rest : str
        The file that holds all numbers, for a table that is too long.

    Returns
    -------
    str
        A ``<figure>``.

    Examples
    --------
    >>> chart = line_chart("Accuracy", [Series("full", [1, 2], [10, 30])], "round", "accuracy (%)", whole_x=True)
    >>> chart.startswith("<figure"), "accuracy (%)" in chart
    (True, True)
    """
    y_values = [v for s in series for column in (s.y, s.low, s.high) for v in column]
    xs = axis([v for s in series for v in s.x], whole=whole_x)
    ys = axis([*y_values, *include], snap=True)
    labels = [label_of(s.name) for s in series] if len(series) > 1 or any(s.reference for s in series) else []
    room = max((width_of(label) for label in labels), default=6.0) + 14
    left = max(width_of(label) for label in ys.labels) + 10
    height = max(HEIGHT, 14 * len(labels) + 60)
    frame = _Frame(left, 22, WIDTH - room, height - 36, xs, ys)
    parts = [frame.grid(x_label, y_label)]
    parts += [frame.curve(i, s) for i, s in enumerate(series)]
    parts.append(frame.end_labels(series, labels))
    if not any(finite(v) for s in series for v in s.y):
        parts.append(frame.empty())
    thinned = any(len(s.x) > POINTS for s in series)
    notes = [note, "Long curves are thinned out; the extremes of each stretch are kept." if thinned else ""]
    drawing, numbers = svg(f"{title}: {y_label} by {x_label}", height, parts), _table(series, x_label, y_label, rest)
    return figure(title, drawing, numbers, keys=_keys(series), notes=notes)


class _Frame:
    """The inside of a line chart: its place, and its axes."""

    def __init__(self, left: float, top: float, right: float, bottom: float, xs: Axis, ys: Axis) -> None:
        self.left, self.top, self.right, self.bottom, self.xs, self.ys = left, top, right, bottom, xs, ys

    def x(self, value: float) -> float:
        return round(self.left + (self.right - self.left) * self.xs.share(value), 1)

    def y(self, value: float) -> float:
        return round(self.bottom - (self.bottom - self.top) * self.ys.share(value), 1)

    def grid(self, x_label: str, y_label: str) -> str:
        parts = [f'<text x="0" y="11" class="faint">{text(y_label)}</text>']
        for value, label in zip(self.ys.ticks, self.ys.labels, strict=True):
            y = self.y(value)
            parts.append(f'<path class="grid" d="M{self.left:.1f} {y:g}H{self.right:.1f}"/>')
            parts.append(f'<text class="end" x="{self.left - 5:.1f}" y="{y + 4:g}">{text(label)}</text>')
        beside = -math.inf
        for value, label in zip(self.xs.ticks, self.xs.labels, strict=True):
            x, half = self.x(value), width_of(label) / 2
            parts.append(f'<path class="axis" d="M{x:g} {self.bottom:g}v4"/>')
            if x - half >= beside:
                parts.append(f'<text class="middle" x="{x:g}" y="{self.bottom + 16:g}">{text(label)}</text>')
                beside = x + half + 5
        parts.append(f'<path class="axis" d="M{self.left:.1f} {self.bottom:g}H{self.right:.1f}"/>')
        middle, below = (self.left + self.right) / 2, self.bottom + 32
        parts.append(f'<text class="middle faint" x="{middle:.1f}" y="{below:g}">{text(x_label)}</text>')
        return "".join(parts)

    def empty(self) -> str:
        middle, half = (self.left + self.right) / 2, (self.top + self.bottom) / 2
        return f'<text class="middle faint" x="{middle:.1f}" y="{half:.1f}">no numbers yet</text>'

    def curve(self, i: int, s: Series) -> str:
        band = bool(s.low)
        columns = [s.y, s.low, s.high] if band else [s.y]
        kept = thin(columns, POINTS)
        runs: list[list[int]] = [[]]
        for k in kept:
            if finite(s.x[k]) and finite(s.y[k]):
                runs[-1].append(k)
            elif runs[-1]:
                runs.append([])
        drawn = [run for run in runs if run]
        style = _style(i, s)
        parts = [self._band(s, run, style) for run in drawn] if band else []
        lines = "".join("M" + "L".join(f"{self.x(s.x[k]):g} {self.y(s.y[k]):g}" for k in run) for run in drawn)
        parts.append(_line(i, s, lines) if lines else "")
        if not s.reference:
            points = [k for run in drawn for k in run]
            every = max(1, len(points) // MARKERS) if len(points) > 40 else 1
            marked = {*points[::every], *points[-1:], *(run[0] for run in drawn if len(run) == 1)}
            parts += [_marker(i, style, self.x(s.x[k]), self.y(s.y[k]), self._said(s, k)) for k in sorted(marked)]
        return "".join(parts)

    def _said(self, s: Series, k: int) -> str:
        return f"{s.name}: {number(s.x[k])}, {number(s.y[k])}"

    def _band(self, s: Series, run: list[int], style: str) -> str:
        inside = [k for k in run if finite(s.low[k]) and finite(s.high[k])]
        if not inside:
            return ""
        upper = "L".join(f"{self.x(s.x[k]):g} {self.y(s.high[k]):g}" for k in inside)
        lower = "L".join(f"{self.x(s.x[k]):g} {self.y(s.low[k]):g}" for k in reversed(inside))
        return f'<path class="band {style}" d="M{upper}L{lower}Z"/>'

    def end_labels(self, series: Sequence[Series], labels: Sequence[str]) -> str:
        """Write the names at the ends of the curves, moved apart where they would cover each other."""
        ends = []
        for i, (s, label) in enumerate(zip(series, labels, strict=False)):
            points = [k for k in range(len(s.x)) if finite(s.x[k]) and finite(s.y[k])]
            if points:
                ends.append((self.y(s.y[points[-1]]), self.x(s.x[points[-1]]), i, label))
        ends.sort()
        gap, places = 13.0, [end[0] for end in ends]
        for n in range(1, len(places)):
            places[n] = max(places[n], places[n - 1] + gap)
        below = self.bottom
        for n in reversed(range(len(places))):
            places[n] = below = min(places[n], below)
            below -= gap
        parts = []
        for (y, x, i, label), place in zip(ends, places, strict=True):
            style = _style(i, series[i])
            if abs(place - y) > 3 or self.right - x > 8:
                parts.append(f'<path class="leader" d="M{x + 4:g} {y:g}L{self.right + 6:.1f} {place:.1f}"/>')
            parts.append(
                f'<text class="label {style}" x="{self.right + 9:.1f}" y="{place + 4:.1f}">{text(label)}</text>'
            )
        return "".join(parts)


def _marker(i: int, style: str, x: float, y: float, said: str) -> str:
    shapes = (
        "m-3 0a3 3 0 1 0 6 0a3 3 0 1 0 -6 0",  # circle
        "m-2.7 -2.7h5.4v5.4h-5.4z",  # square
        "m0 -3.6l3.4 6h-6.8z",  # triangle
        "m0 -3.9l3.4 3.9l-3.4 3.9l-3.4 -3.9z",  # diamond
        "m-3 -3l6 6m0 -6l-6 6",  # cross
        "m-3.6 0h7.2m-3.6 -3.6v7.2",  # plus
        "m0 3.6l3.4 -6h-6.8z",  # triangle on its point
    )
    said = f"<title>{text(said)}</title>" if said else ""
    return f'<path class="marker {style}" d="M{x:g} {y:g}{shapes[i % len(shapes)]}">{said}</path>'


def _table(series: Sequence[Series], x_label: str, y_label: str, rest: str) -> str:
    if all(list(s.x) == list(series[0].x) for s in series):
        columns: list[tuple[str, Sequence[float]]] = []
        for s in series:
            columns.append((s.name if len(series) > 1 else y_label, s.y))
            columns += [(f"{s.name}, low", s.low), (f"{s.name}, high", s.high)] if s.low else []
        x = series[0].x if series else ()
        rows = [[x[k], *(column[k] for _, column in columns)] for k in range(len(x))]
        return table([x_label, *(name for name, _ in columns)], rows, rest)
    band = any(s.low for s in series)
    nothing = [math.nan, math.nan]
    long: list[list[Cell]] = [
        [s.name, s.x[k], s.y[k], *(([s.low[k], s.high[k]] if s.low else nothing) if band else [])]
        for s in series
        for k in range(len(s.x))
    ]
    return table(["", x_label, y_label, *(["low", "high"] if band else [])], long, rest)


def _keys(series: Sequence[Series]) -> str:
    """List the whole names, if a label had to be cut."""
    if len(series) < 2 or all(label_of(s.name) == printable(s.name) for s in series):
        return ""
    return f'<ul class="keys">{"".join(f"<li>{_key(i, s)} {text(s.name)}</li>" for i, s in enumerate(series))}</ul>'


def _key(i: int, s: Series) -> str:
    mark = "" if s.reference else _marker(i, _style(i, s), 14, 6, "")
    return f'<svg class="key" viewBox="0 0 28 12" aria-hidden="true">{_line(i, s, "M0 6H28")}{mark}</svg>'


def _line(i: int, s: Series, path: str) -> str:
    dash = "" if s.reference else DASHES[i % len(DASHES)]
    return f'<path class="line {_style(i, s)}" d="{path}"' + (f' stroke-dasharray="{dash}"/>' if dash else "/>")


def _style(i: int, s: Series) -> str:
    return "reference" if s.reference else f"c{i % COLOURS}"
