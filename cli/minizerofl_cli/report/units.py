"""Units: numbers as people read them, with the unit that fits their size."""

from __future__ import annotations

import math

from minizerofl_cli.report.axes import number

BYTES = ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1.0, "bytes"))
COUNTS = ((1e15, "quadrillion"), (1e12, "trillion"), (1e9, "billion"), (1e6, "million"), (1.0, ""))
SECONDS = ((3600.0, "hours"), (60.0, "minutes"), (1.0, "s"))


def unit_for(largest: float, units: tuple[tuple[float, str], ...]) -> tuple[float, str]:
    """Return the largest unit of which there are at least three; the smallest if there are fewer.

    Examples
    --------
    >>> unit_for(2.9e9, BYTES), unit_for(float("nan"), BYTES)
    ((1000000.0, 'MB'), (1.0, 'bytes'))
    """
    return next((unit for unit in units if largest >= 3 * unit[0]), units[-1])


def amount(value: float, units: tuple[tuple[float, str], ...]) -> str:
    """Write an amount with its unit.

    Examples
    --------
    >>> amount(673.9e6, BYTES), amount(3.36e9, COUNTS), amount(95, SECONDS)
    ('673.9 MB', '3.36 billion', '95 s')
    """
    if math.isnan(value):
        return "unknown"
    size, name = unit_for(value, units)
    return f"{number(value / size, 4)} {name}".strip()


def percent(share: float) -> str:
    """Write a share as a percentage.

    Examples
    --------
    >>> percent(0.456), percent(float("nan"))
    ('45.6 %', 'unknown')
    """
    return "unknown" if math.isnan(share) else f"{100 * share:.1f} %"


def times_less(dense: float, actual: float, word: str = "less") -> str:
    """Compare a cost with its dense equivalent.

    Examples
    --------
    >>> times_less(200, 100), times_less(100, 101), times_less(100, 0)
    ('2.0 times less than dense', 'as much as dense', '')
    """
    if not (dense > 0 and actual > 0):
        return ""
    ratio = dense / actual
    if 0.95 <= ratio < 1.05:
        return "as much as dense" if word == "less" else "as many as dense"
    return f"{ratio:.1f} times {word} than dense" if ratio > 1 else f"{1 / ratio:.1f} times as much as dense"
