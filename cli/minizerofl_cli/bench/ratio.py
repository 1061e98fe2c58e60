"""How many times as fast: a median with its quartiles, or nothing if the spread hides the answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Quartiles:
    """The lower quartile, the median and the upper quartile of some measurements.

    Examples
    --------
    >>> Quartiles.of([1.0, 2.0, 3.0, 4.0, 5.0])
    Quartiles(lower=2.0, median=3.0, upper=4.0)
    """

    lower: float
    median: float
    upper: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Quartiles:
        """Compute them."""
        lower, median, upper = np.quantile(values, [0.25, 0.5, 0.75])
        return cls(float(lower), float(median), float(upper))


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> Quartiles | None:
    """Divide two speeds burst by burst.

    Parameters
    ----------
    ours, theirs : sequence of float
        Steps a second in each round of bursts.

    Returns
    -------
    Quartiles or None
        The ratio; None if it cannot be told from 1: the quartiles lie further apart than the median from 1.

    Examples
    --------
    >>> ratio([4.0, 4.1, 3.9], [1.0, 1.0, 1.0])
    Quartiles(lower=3.95, median=4.0, upper=4.05)
    >>> ratio([1.0, 1.4, 0.8], [1.0, 1.0, 1.0]) is None
    True
    """
    quotient = Quartiles.of([a / b for a, b in zip(ours, theirs, strict=True)])
    return quotient if quotient.upper - quotient.lower <= abs(quotient.median - 1) else None


def fastest(rates: Mapping[str, Sequence[float]], names: Sequence[str]) -> str:
    """Return which of some contenders has the highest median speed.

    Examples
    --------
    >>> fastest({"a": [1.0, 9.0, 1.0], "b": [2.0, 2.0, 2.0]}, ["a", "b"])
    'b'
    """
    return max(names, key=lambda name: Quartiles.of(rates[name]).median)


def ratio_text(quotient: Quartiles | None) -> str:
    """Write a ratio for people.

    Examples
    --------
    >>> ratio_text(Quartiles(3.95, 4.0, 4.05)), ratio_text(None)
    ('4.00x (3.95 to 4.05)', 'not distinguishable')
    """
    if quotient is None:
        return "not distinguishable"
    return f"{quotient.median:.2f}x ({quotient.lower:.2f} to {quotient.upper:.2f})"
