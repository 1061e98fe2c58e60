"""Axes of a chart: its range, its ticks, and how numbers are written on it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

LIMIT = 1e300  # Numbers beyond it are drawn at the border, so that differences stay finite.
FLAT = 1e-6  # A range that is narrower than this share of its numbers counts as one number.


def finite(value: float) -> bool:
    """Whether a number can be drawn."""
    return math.isfinite(value)


def number(value: float | str | None, digits: int = 5) -> str:
    """Write a number for people: thousands with commas, a dash where there is none.

    Examples
    --------
    >>> number(1234567), number(0.123456), number(12345.678), number(float("nan")), number(1e12)
    ('1,234,567', '0.12346', '12,346', '-', '1,000,000,000,000')
    """
    if isinstance(value, str):
        return value
    if value is None or math.isnan(value):
        return "-"
    if isinstance(value, int) and abs(value) < 10**15:
        return f"{value:,}"
    if not finite(value):
        return "∞" if value > 0 else "-∞"
    if abs(value) < 10**15 and float(value).is_integer():
        return f"{int(value):,}"
    return f"{value:,.0f}" if 10**digits / 10 <= abs(value) < 10**15 else f"{value:.{digits}g}"


@dataclass(frozen=True)
class Axis:
    """An axis with its ticks.

    Attributes
    ----------
    low, high : float
        The ends of the range.
    ticks : tuple of float
        Where numbers stand.
    labels : tuple of str
        The numbers.
    """

    low: float
    high: float
    ticks: tuple[float, ...]
    labels: tuple[str, ...]

    def share(self, value: float) -> float:
        """Return where a number lies, from 0 at the low end to 1 at the high end.

        Examples
        --------
        >>> axis([0, 10]).share(2.5)
        0.25
        """
        value = min(max(value, self.low), self.high)
        return (value - self.low) / (self.high - self.low)


def axis(values: Iterable[float], *, whole: bool = False, snap: bool = False, count: int = 5) -> Axis:
    """Choose an axis that shows all numbers.

    Parameters
    ----------
    values : iterable of float
        The numbers; those that are not finite do not count.
    whole : bool
        Whether only whole numbers are to stand at the axis.
    snap : bool
        Whether the range is to begin and end at a tick.
    count : int
        About how many ticks there are to be.

    Examples
    --------
    >>> axis([1, 30], whole=True).labels
    ('5', '10', '15', '20', '25', '30')
    >>> axis([12.5, 47], snap=True).labels
    ('10', '20', '30', '40', '50')
    >>> axis([]).labels
    ('0', '0.2', '0.4', '0.6', '0.8', '1.0')
    """
    shown = [min(max(float(value), -LIMIT), LIMIT) for value in values if finite(value)]
    low, high = (min(shown), max(shown)) if shown else (0.0, 1.0)
    size = max(abs(low), abs(high))
    if size < 1 / LIMIT:
        low = high = size = 0.0
    if high - low <= FLAT * size:
        margin = 1.0 if whole or not size else size / 10
        low, high = low - margin, high + margin
    step = _step((high - low) / count)
    if whole:
        step = max(step, 1.0)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    if snap:
        first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
        low, high = first * step, last * step
    ticks = tuple(k * step for k in range(first, last + 1))
    return Axis(low, high, ticks, tuple(_tick_labels(ticks, step)))


def thin(columns: Sequence[Sequence[float]], most: int) -> list[int]:
    """Choose points of a long curve so that nothing that sticks out is lost.

    Of each stretch of the curve, the smallest and the largest number of every column stay, and the points beside a gap.

    Parameters
    ----------
    columns : sequence of sequence of float
        Columns of equal length: a curve, and the edges of its band.
    most : int
        How many points may stay without thinning; there are at most about twice as many for each column after it.

    Returns
    -------
    list of int
        The points that stay, in order; all of them if they are few.

    Examples
    --------
    >>> curve = [0.0] * 1000
    >>> curve[537] = 1.0
    >>> points = thin([curve], 100)
    >>> 537 in points, len(points) <= 202
    (True, True)
    """
    length = len(columns[0])
    if length <= most:
        return list(range(length))
    kept = {0, length - 1}
    for piece in range(most):
        part = range(piece * length // most, (piece + 1) * length // most)
        for column in columns:
            shown = [i for i in part if finite(column[i])]
            if shown:
                kept |= {min(shown, key=column.__getitem__), max(shown, key=column.__getitem__)}
            if len(shown) < len(part):
                kept.add(next(i for i in part if not finite(column[i])))
    return sorted(kept)


def _step(rough: float) -> float:
    power = 10.0 ** math.floor(math.log10(rough))
    return next((factor * power for factor in (1.0, 2.0, 5.0) if factor * power >= 0.8 * rough), 10 * power)


def _tick_labels(ticks: Sequence[float], step: float) -> list[str]:
    largest = max((abs(tick) for tick in ticks), default=0.0)
    if largest >= 1e6 or step < 1e-4:
        return [f"{tick:.4g}" for tick in ticks]
    decimals = max(0, -math.floor(math.log10(step)))
    return [f"{tick:,.{decimals}f}" if tick else "0" for tick in ticks]
