"""Mean and spread over seeds, differences paired by seed with a bootstrap interval, and the verdict at a margin.

With the paired differences d_1 ... d_n of a measure, group minus baseline, one for each seed that both have::

    mean      = (d_1 + ... + d_n) / n
    interval  = the quantiles a and 1 - a of the mean of n values drawn from d_1 ... d_n with replacement
    a         = Phi(-sqrt(n / (n - 1)) t),    t = the 97.5 % quantile of Student's t with n - 1 degrees of freedom

This is the expanded percentile bootstrap (Hesterberg 2015, What Teachers Should Know About the Bootstrap, section 5).
With a = 2.5 %, the plain percentile bootstrap, the interval is too narrow for a handful of seeds. It never leaves the
range of the differences, so that from two or three seeds it is too narrow all the same: `caution` says so.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np
from scipy.special import ndtr, stdtrit

Seed = TypeVar("Seed", bound=Hashable)
Verdict = Literal["holds", "fails", "unresolved"]

LEVEL = 0.95
RESAMPLES = 10_000
ENOUGH_PAIRS = 3  # for a verdict
FEW_PAIRS = 5  # with fewer, the interval is hardly more than the range of the differences


@dataclass(frozen=True)
class Spread:
    """Values of several seeds in short.

    Attributes
    ----------
    count : int
        How many there are.
    mean : float
        Their mean; NaN if there are none.
    std : float or None
        Their standard deviation with n - 1 in the divisor; None for fewer than two, of which nobody knows it.
    """

    count: int
    mean: float
    std: float | None


def spread(values: Iterable[float]) -> Spread:
    """Return mean and standard deviation.

    Examples
    --------
    >>> spread([1.0, 3.0])
    Spread(count=2, mean=2.0, std=1.4142135623730951)
    >>> spread([1.0])
    Spread(count=1, mean=1.0, std=None)
    """
    x = np.sort(np.fromiter(values, np.float64))
    if not x.size:
        return Spread(0, float("nan"), None)
    mean = _mean(x)
    return Spread(x.size, mean, float(np.sqrt(((x - mean) ** 2).sum() / (x.size - 1))) if x.size > 1 else None)


@dataclass(frozen=True)
class Difference:
    """A group minus the baseline, over the seeds that both have.

    Attributes
    ----------
    pairs : int
        How many seeds.
    mean : float
        The mean difference.
    interval : (float, float) or None
        The bootstrap interval of the mean difference; None for a single pair.
    """

    pairs: int
    mean: float
    interval: tuple[float, float] | None


def paired_difference(group: Mapping[Seed, float], baseline: Mapping[Seed, float]) -> Difference | None:
    """Return the difference of two groups, seed by seed.

    Parameters
    ----------
    group, baseline : mapping of seed to float
        A measure of each run, by what identifies the repetition.

    Returns
    -------
    Difference or None
        None if no seed is in both.

    Examples
    --------
    >>> paired_difference({0: 70.0, 1: 72.0, 2: 9.0}, {0: 69.0, 1: 71.0, 3: 8.0})
    Difference(pairs=2, mean=1.0, interval=(1.0, 1.0))
    """
    differences = np.sort(np.array([value - baseline[seed] for seed, value in group.items() if seed in baseline]))
    if not differences.size:
        return None
    interval = bootstrap_interval(differences) if differences.size > 1 else None
    return Difference(differences.size, _mean(differences), interval)


def bootstrap_interval(values: Iterable[float]) -> tuple[float, float]:
    """Return the bootstrap interval of the mean; it depends on the values, not on their order.

    Parameters
    ----------
    values : iterable of float
        At least two.

    Examples
    --------
    >>> bootstrap_interval([1.0, 2.0, 3.0])
    (1.0, 3.0)
    """
    x = np.sort(np.fromiter(values, np.float64))
    draws = np.random.default_rng(0).integers(0, x.size, (RESAMPLES, x.size))
    tail = ndtr(-np.sqrt(x.size / (x.size - 1)) * stdtrit(x.size - 1, (1 + LEVEL) / 2))
    ends = np.quantile(x[draws].mean(axis=1), [tail, 1 - tail])
    low, high = np.clip(ends, x[0], x[-1])  # Rounding may lead out of the values by a bit.
    return float(low), float(high)


def verdict(difference: Difference, margin: float) -> Verdict:
    """Judge the statement "at least as good as the baseline, but for the margin", of a measure of which more is better.

    It holds if the whole interval is at or above -margin, and fails if the whole interval is below. Otherwise, and
    with fewer than three pairs, it is unresolved.

    Parameters
    ----------
    difference : Difference
        Group minus baseline.
    margin : float
        At least 0, in the unit of the measure.

    Examples
    --------
    >>> [verdict(Difference(5, mean, (mean - 1, mean + 1)), margin=1.0) for mean in (0.5, -0.5, -2.5)]
    ['holds', 'unresolved', 'fails']
    """
    if difference.interval is None or difference.pairs < ENOUGH_PAIRS:
        return "unresolved"
    low, high = difference.interval
    if low >= -margin:
        return "holds"
    return "fails" if high < -margin else "unresolved"


def caution(pairs: int) -> str:
    """Say in a sentence what an interval from few pairs cannot tell. With enough pairs the sentence is empty.

    All n differences lie on the same side of the true one (of its median) with probability 2^(1 - n).

    Examples
    --------
    >>> caution(1)
    'With one seed in common there is no interval and no verdict: run more seeds.'
    """
    if pairs < 2:
        return "With one seed in common there is no interval and no verdict: run more seeds."
    if pairs < ENOUGH_PAIRS:
        return (
            f"With {pairs} seeds in common the interval only shows the {pairs} differences; no verdict is given from "
            f"fewer than {ENOUGH_PAIRS}."
        )
    if pairs < FEW_PAIRS:
        return (
            f"With {pairs} seeds in common the interval holds the true difference in about "
            f"{100 * (1 - 2 ** (1 - pairs)):.0f} of 100 cases, not in 95: run {FEW_PAIRS} seeds or more."
        )
    return ""


def _mean(x: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> float:
    """Return the mean of sorted values; that of equal values is exactly their value."""
    return float(np.clip(x.mean(), x[0], x[-1]))
