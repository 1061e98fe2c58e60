"""What is measured of each run: accuracy at equal rounds, bytes and seconds, what that cost, and the cost to a target.

All runs are looked at up to the same point, so that nobody wins by having run longer:

- **equal rounds**: the last round that every run has evaluated;
- **equal bytes, equal seconds**: the smallest total that a run had spent at its last evaluation. The accuracy there is
  interpolated on a straight line between the evaluations on either side; a run that was first evaluated beyond it has
  none.

The cost **to a target accuracy** is that of the first evaluation which reached the target.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from minizerofl.fl.errors import ConfigError
from minizerofl_cli.compare.groups import Groups
from minizerofl_cli.runs.reading import Column, History, RunFiles
from minizerofl_cli.screen.progress import MB

NAN = float("nan")


@dataclass(frozen=True)
class Cost:
    """Something that a run spends from round to round.

    Attributes
    ----------
    key : str
        Its name in tables for programs.
    title : str
        Its name for people, with the unit.
    total : callable
        What a run had spent after each round, (rounds,) in this unit.
    """

    key: str
    title: str
    total: Callable[[History], Column]


ROUNDS = Cost("rounds", "rounds", lambda history: np.arange(1.0, history.rounds + 1))
UPLINK = Cost("uplink_mb", "MB up", lambda history: history.numbers("cum_uplink_bytes") / MB)
BOTH = Cost("both_mb", "MB up+down", lambda history: history.both_ways_bytes / MB)
SECONDS = Cost("train_seconds", "s", lambda history: history.training_seconds)
BUDGETS = (UPLINK, BOTH, SECONDS)


@dataclass(frozen=True)
class Measure:
    """One number of each run.

    Attributes
    ----------
    key : str
        Its name in tables for programs, such as ``test_accuracy_at_uplink_mb``.
    title : str
        What stands above its column.
    digits : int
        Digits after the point of numbers below 100; larger ones have none.
    of : callable
        Takes it of a run; NaN if the run does not have it.
    at : float or None
        The rounds, MB, seconds or target accuracy at which it is taken, in the unit of the key.
    judged : bool
        Whether groups are compared in it with a verdict: it is an accuracy in %.
    """

    key: str
    title: str
    digits: int
    of: Callable[[RunFiles], float]
    at: float | None = None
    judged: bool = False


@dataclass(frozen=True)
class Measures:
    """All measures of a comparison, a table of them each.

    Attributes
    ----------
    round : int
        The round at which runs are compared.
    accuracies : list of Measure
        Test accuracy at equal rounds, bytes and seconds.
    quality : list of Measure
        Other figures of the models of that round.
    costs : list of Measure
        What the rounds up to there cost.
    targets : dict of float to list of Measure
        For each target accuracy in %, the rounds, bytes and seconds to it.
    """

    round: int
    accuracies: Sequence[Measure]
    quality: Sequence[Measure]
    costs: Sequence[Measure]
    targets: Mapping[float, Sequence[Measure]]

    def __iter__(self) -> Iterator[Measure]:
        """Go through all of them."""
        yield from (*self.accuracies, *self.quality, *self.costs)
        for each in self.targets.values():
            yield from each


def make_measures(groups: Groups, targets: Sequence[float] = (), same_machine: bool = True) -> Measures:
    """Choose where the runs are compared.

    Parameters
    ----------
    groups : Groups
        The runs.
    targets : sequence of float
        Target accuracies in %.
    same_machine : bool
        Whether seconds of the runs can be compared.

    Raises
    ------
    ConfigError
        No round was evaluated in every run.
    """
    histories = [run.history for run in groups.runs]
    round = common_round(histories)
    quality = [
        ("balanced_accuracy", "balanced", 100.0, 1),
        ("client_accuracy", "client mean", 100.0, 1),
        ("client_accuracy_p10", "10th perc.", 100.0, 1),
        ("client_accuracy_worst_5_percent", "worst 5 %", 100.0, 1),
        ("test_loss_nats", "loss", 1.0, 3),
    ]
    return Measures(
        round,
        [
            Measure("test_accuracy_at_rounds", f"round {round}", 1, at_round("test_accuracy", round, 100), round, True),
            *(_at_budget(cost, histories, cost is not SECONDS or same_machine) for cost in BUDGETS),
        ],
        [Measure(key, title, digits, at_round(key, round, factor), round) for key, title, factor, digits in quality],
        [
            _cost("uplink_mb", "MB up", 1, lambda history: history.numbers("cum_uplink_bytes") / MB, round),
            _cost("downlink_mb", "MB down", 1, lambda history: history.numbers("cum_downlink_bytes") / MB, round),
            _cost("dense_uplink_per_uplink", "dense/up", 2, _ratio("uplink_bytes"), round),
            _cost("macs", "GMAC", 1, lambda history: history.numbers("cum_macs") / 1e9, round),
            _cost("dense_macs_per_macs", "dense/MAC", 2, _ratio("macs"), round),
            _cost("train_seconds", "s", 1, lambda history: history.training_seconds, round),
        ],
        {
            target: [Measure(f"{c.key}_to_accuracy", c.title, 1, _to(target, c), target) for c in (ROUNDS, *BUDGETS)]
            for target in targets
        },
    )


def common_round(histories: Sequence[History]) -> int:
    """Return the last round that every run has evaluated.

    Raises
    ------
    ConfigError
        There is none.

    Examples
    --------
    >>> done = ["0.1", "", "0.3", "0.4"]
    >>> common_round([History({"round": ["1"] * n, "test_accuracy": done[:n]}) for n in (4, 3)])
    3
    """
    evaluated = [{int(i) + 1 for i in np.flatnonzero(each.evaluated)} for each in histories]
    common = set.intersection(*evaluated)
    if not common:
        raise ConfigError(
            "no round was evaluated in every one of these runs, so they cannot be compared at equal rounds"
        )
    return max(common)


def number(value: float, digits: int, size: float | None = None) -> str:
    """Write a number: with some digits after the point if it, or the number beside it, is below 100; else without.

    Examples
    --------
    >>> number(99.94, 1), number(1234.5, 1), number(0.5, 1, size=1234.5)
    ('99.9', '1,234', '0')
    """
    large = abs(value if size is None else size) >= 100
    return f"{value:,.{0 if large else digits}f}"


def interpolated(x: Column, y: Column, at: float) -> float:
    """Return y at a place between two evaluations; NaN before the first one or after the last.

    Parameters
    ----------
    x, y : (evaluations,) float64
        What was spent, ascending, and the accuracy.
    at : float
        A budget.

    Examples
    --------
    >>> x, y = np.array([10.0, 20.0]), np.array([0.5, 0.7])
    >>> [round(interpolated(x, y, at), 2) for at in (15, 20, 5)]
    [0.6, 0.7, nan]
    """
    return float(np.interp(at, x, y, left=NAN, right=NAN))


def first_at_least(x: Column, y: Column, target: float) -> float:
    """Return x at the first evaluation whose y is at least a target; NaN if there is none.

    Examples
    --------
    >>> first_at_least(np.array([1.0, 2.0, 3.0]), np.array([0.5, 0.71, 0.69]), 0.7)
    2.0
    """
    reached = np.flatnonzero(y.round(9) >= target)  # 100 * 0.57 is a little less than 57.
    return float(x[reached[0]]) if reached.size else NAN


def at_round(column: str, round: int, factor: float = 1.0) -> Callable[[RunFiles], float]:
    """Return what takes a column of history.csv at a round."""
    return lambda run: factor * float(run.history.numbers(column)[round - 1])


def _at_budget(cost: Cost, histories: Sequence[History], judged: bool) -> Measure:
    budget = min(float(cost.total(each)[each.evaluated][-1]) for each in histories)

    def accuracy(run: RunFiles) -> float:
        history, when = run.history, run.history.evaluated
        return 100 * interpolated(cost.total(history)[when], history.numbers("test_accuracy")[when], budget)

    return Measure(f"test_accuracy_at_{cost.key}", f"{number(budget, 1)} {cost.title}", 1, accuracy, budget, judged)


def _to(target: float, cost: Cost) -> Callable[[RunFiles], float]:
    def spent(run: RunFiles) -> float:
        history, when = run.history, run.history.evaluated
        return first_at_least(cost.total(history)[when], 100 * history.numbers("test_accuracy")[when], target)

    return spent


def _cost(key: str, title: str, digits: int, total: Callable[[History], Column], round: int) -> Measure:
    return Measure(key, title, digits, lambda run: float(total(run.history)[round - 1]), round)


def _ratio(name: str) -> Callable[[History], Column]:
    return lambda history: history.numbers(f"cum_dense_{name}") / history.numbers(f"cum_{name}")
