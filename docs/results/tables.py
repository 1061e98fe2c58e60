"""The tables of results, made from the CSV files in this folder."""

from __future__ import annotations

import csv
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import race
import seconds

from minizerofl_cli.compare.measures import first_at_least, number
from minizerofl_cli.compare.statistics import Difference, Spread, Verdict, paired_difference, spread, verdict

HERE = Path(__file__).parent
OVERLAP = ("jaccard_previous", "jaccard_initial", "clients_jaccard", "clients_union_density")
MARGIN = 1.0  # points of accuracy within which a result counts as "at least as good"


@dataclass(frozen=True)
class Results:
    """What the runs of a list measured.

    Attributes
    ----------
    listed : dict
        The list: titles, options and seeds of its experiments.
    rows : list of dict
        The rows of its CSV file.
    seconds : dict of str to ndarray
        The seconds of single rounds by experiment, if they were measured.
    """

    listed: dict[str, Any]
    rows: list[dict[str, str]]
    seconds: dict[str, np.ndarray] = field(default_factory=dict)

    @classmethod
    def read(cls, name: str) -> Results:
        """Read a list and its CSV file."""
        listed = tomllib.loads((HERE / f"{name}.toml").read_text(encoding="utf-8"))
        with (HERE / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            return cls(listed, list(csv.DictReader(file)), seconds.read(HERE / f"{name}-seconds.csv"))

    @property
    def experiments(self) -> list[dict[str, Any]]:
        """The experiments of which there is a run."""
        there = {row["experiment"] for row in self.rows}
        return [each for each in self.listed["experiment"] if each["name"] in there]

    def curves(self, experiment: str, column: str) -> dict[int, np.ndarray]:
        """Return a column by seed, (evaluated rounds,) each, NaN where a cell is empty."""
        found: dict[int, list[float]] = {}
        for row in self.rows:
            if row["experiment"] == experiment:
                found.setdefault(int(row["seed"]), []).append(float(row[column] or "nan"))
        return {seed: np.array(values) for seed, values in found.items()}

    def last(self, experiment: str, column: str, factor: float = 1.0) -> dict[int, float]:
        """Return a column after the last round, by seed."""
        return {seed: factor * float(values[-1]) for seed, values in self.curves(experiment, column).items()}

    def to(self, experiment: str, target: float, column: str, factor: float = 1.0) -> dict[int, float]:
        """Return what was spent when a test accuracy, in %, was first reached, by seed; not of seeds that never did."""
        accuracies, spent = self.curves(experiment, "test_accuracy"), self.curves(experiment, column)
        reached = {seed: first_at_least(factor * spent[seed], 100 * y, target) for seed, y in accuracies.items()}
        return {seed: value for seed, value in reached.items() if not np.isnan(value)}

    def difference(self, experiment: str, baseline: str) -> Difference | None:
        """Return the difference of two experiments after the last round, in points, seed by seed."""
        return paired_difference(self.last(experiment, "test_accuracy", 100), self.last(baseline, "test_accuracy", 100))

    def cost(self, title: str) -> dict[int, float]:
        """Return how many points less sparse training reaches than dense training, by seed, for a pair of the list."""
        pair = next(each for each in self.listed["pair"] if each["title"] == title)
        dense, sparse = (self.last(pair[way], "test_accuracy", 100) for way in ("dense", "sparse"))
        return {seed: dense[seed] - sparse[seed] for seed in dense.keys() & sparse.keys()}


def accuracies(results: Results) -> Iterator[list[str]]:
    """Yield the rows of the main table of a list: accuracy, difference to the baseline, verdict, scores, bytes."""
    baseline = results.listed["baseline"]
    title = next(each["title"] for each in results.listed["experiment"] if each["name"] == baseline)
    scores = ("accuracy, %", f"minus {title}", "at least as good?", "balanced", "worst 5 %")
    yield ["", "seeds", *scores, "GB up", "GB both"]
    for each in results.experiments:
        name = each["name"]
        difference = results.difference(name, baseline) if name != baseline else None
        values = results.last(name, "test_accuracy", 100)
        up, down = (spread(results.last(name, f"cum_{way}link_bytes", 1e-9).values()).mean for way in ("up", "down"))
        yield [
            each["title"],
            str(len(values)),
            shown(spread(values.values())),
            told(difference),
            verdict(difference, MARGIN) if difference else "",
            shown(spread(results.last(name, "balanced_accuracy", 100).values())),
            shown(spread(results.last(name, "client_accuracy_worst_5_percent", 100).values())),
            gigabytes(up),
            gigabytes(up + down),
        ]


def gigabytes(value: float) -> str:
    """Write gigabytes with one digit after the point, or two that say something.

    Examples
    --------
    >>> gigabytes(21.53), gigabytes(0.0837)
    ('21.5', '0.084')
    """
    return number(value, 1) if value >= 1 else f"{value:.2g}"


def paper(results: Results) -> Iterator[list[str]]:
    """Yield the rows of the table that has the paper's accuracies beside ours; dense training is not in the paper."""
    yield ["", "seeds", "here, %", "the paper, %"]
    for each in results.experiments:
        if "paper" in each or each["name"] == "dense":
            values = results.last(each["name"], "test_accuracy", 100)
            theirs = f"{each['paper']:.2f}" if "paper" in each else ""
            yield [each["title"], str(len(values)), shown(spread(values.values())), theirs]


def evaluations(results: Results) -> Iterator[list[str]]:
    """Yield the rows of the table of sparse and dense evaluation."""
    yield ["", "seeds", "with the largest weights, %", "with all weights, %"]
    for each in results.experiments:
        dense = results.last(each["name"], "dense_test_accuracy", 100)
        if not any(np.isnan(value) for value in dense.values()):
            sparse = results.last(each["name"], "test_accuracy", 100)
            yield [each["title"], str(len(dense)), shown(spread(sparse.values())), shown(spread(dense.values()))]


def masks(results: Results) -> Iterator[list[str]]:
    """Yield the rows of the table of masks: means over the sparse layers, after the last round that noted them."""
    yield ["", "seeds", "stays in ten rounds", "as before round 1", "two clients", "non-zero weights, %"]
    for each in results.experiments:
        columns = [results.curves(each["name"], name) for name in OVERLAP[:3]]
        if all(np.isfinite(values).any() for values in columns[0].values()):
            known = [[values[np.isfinite(values)] for values in column.values()] for column in columns]
            means = [spread(float(values[-1]) for values in column if values.size) for column in known]
            density = spread(100 * values.max() for values in results.curves(each["name"], "density").values())
            yield [each["title"], str(density.count), *(shown(mean, 2) for mean in means), shown(density)]


def targets(results: Results) -> Iterator[list[str]]:
    """Yield the rows of the table of costs to target accuracies."""
    wanted = results.listed["targets"]
    yield ["", *(head for target in wanted for head in (f"rounds to {target} %", "GB up", "GB both"))]
    for each in results.experiments:
        name, cells = each["name"], []
        seeds = len(results.last(name, "test_accuracy"))
        for target in wanted:
            rounds = results.to(name, target, "round")
            up = results.to(name, target, "cum_uplink_bytes", 1e-9)
            down = results.to(name, target, "cum_downlink_bytes", 1e-9)
            if len(rounds) < seeds:
                cells += ["not reached" if not rounds else f"{len(rounds)} of {seeds} seeds", "", ""]
            else:
                both = spread(up[seed] + down[seed] for seed in up)
                cells += [shown(spread(rounds.values()), 0), shown(spread(up.values())), shown(both)]
        yield [each["title"], *cells]


def costs(results: Results) -> Iterator[list[str]]:
    """Yield the rows of the table of what sparsity costs in accuracy, for pairs of dense and sparse training."""
    yield ["", "seeds", "dense, %", "sparse, %", "dense minus sparse"]
    for each in results.listed["pair"]:
        dense, sparse = (results.last(each[way], "test_accuracy", 100) for way in ("dense", "sparse"))
        if seeds := dense.keys() & sparse.keys():
            values = (shown(spread(way[seed] for seed in seeds)) for way in (dense, sparse))
            yield [each["title"], str(len(seeds)), *values, told(paired_difference(dense, sparse))]


def budgets(results: Results) -> Iterator[list[str]]:
    """Yield the rows of the table of accuracies at equal bytes both ways: those of all clients together, in GB."""
    wanted = results.listed["budgets"]
    yield ["", "MB up", "MB down", *(f"at {budget} GB" for budget in wanted), "at the end"]
    for each in results.experiments:
        name = each["name"]
        rounds = results.last(name, "round")
        a_turn = [1e-6 / (results.listed["clients_per_round"] * count) for count in rounds.values()]
        up, down = (results.last(name, f"cum_{way}link_bytes") for way in ("up", "down"))
        ways = (spread(sum_ * x for sum_, x in zip(way.values(), a_turn, strict=True)) for way in (up, down))
        cells = [number(way.mean, 2) for way in ways]
        for budget in wanted:
            reached = [at for at in at_budget(results, name, 1e9 * budget) if not np.isnan(at)]
            cells.append(shown(spread(reached)) if len(reached) == len(rounds) else "")
        yield [each["title"], *cells, shown(spread(results.last(name, "test_accuracy", 100).values()))]


def at_budget(results: Results, experiment: str, budget: float) -> Iterator[float]:
    """Yield the accuracy in % of each seed when its bytes both ways reach a budget; NaN if they never do."""
    accuracies = results.curves(experiment, "test_accuracy")
    up, down = (results.curves(experiment, f"cum_{way}link_bytes") for way in ("up", "down"))
    for seed, accuracy in accuracies.items():
        yield float(np.interp(budget, up[seed] + down[seed], 100 * accuracy, left=np.nan, right=np.nan))


def methods(results: Results) -> Iterator[list[str]]:
    """Yield the rows of the table of rules and methods: accuracy, bytes and multiplications of all clients, masks.

    Where rounds were timed, it has their median.
    """
    baseline = results.listed["baseline"]
    title = next(each["title"] for each in results.experiments if each["name"] == baseline)
    timed = ["s a round"] if results.seconds else []
    head = ["", "seeds", "accuracy, %", f"minus {title}", "GB both", "MACs, % of dense"]
    yield [*head, *timed, "density, %", "IoU", "grown, %"]
    for each in results.experiments:
        name = each["name"]
        values = results.last(name, "test_accuracy", 100)
        columns = [
            results.last(name, f"cum_{what}") for what in ("uplink_bytes", "downlink_bytes", "macs", "dense_macs")
        ]
        sums = [tuple(column[seed] for column in columns) for seed in values]
        masks = [[x[np.isfinite(x)] for x in results.curves(name, column).values()] for column in (OVERLAP[0], "grown")]
        iou, grown = (spread(float(x[-1]) for x in curves if x.size) for curves in masks)
        yield [
            each["title"],
            str(len(values)),
            shown(spread(values.values())),
            told(results.difference(name, baseline)) if name != baseline else "",
            gigabytes(spread(1e-9 * (up + down) for up, down, _, _ in sums).mean),
            number(spread(100 * macs / dense for _, _, macs, dense in sums).mean, 1),
            *([f"{np.median(results.seconds[name]):.2f}"] if timed else []),
            number(spread(results.last(name, "density", 100).values()).mean, 1),
            shown(iou, 2),
            number(100 * grown.mean, 1),
        ]


def statements(results: Results) -> Iterator[list[str]]:
    """Yield the paper's statements that a list of experiments judges, by paired differences after the last round."""
    yield ["the paper says", "here", "so it"]
    for each in results.listed["statement"]:
        if "dense_evaluation_of" in each:
            name = each["dense_evaluation_of"]
            sparse, dense = (results.last(name, column, 100) for column in ("test_accuracy", "dense_test_accuracy"))
            difference = paired_difference(dense, sparse)
        elif "cost_of" in each:
            difference = paired_difference(results.cost(each["cost_of"]), results.cost(each["against"]))
        else:
            difference = results.difference(each["is"], each["against"])
        if difference is None:
            continue
        yield [
            each["says"],
            f"{each['measure']}: {told(difference)}",
            judged(difference, each["claim"], each["points"]),
        ]


def judged(difference: Difference, claim: str, points: float) -> Verdict:
    """Judge a claim: the difference is "at least", "at most" or "within" some points.

    Examples
    --------
    >>> judged(Difference(5, -3.0, (-4.0, -2.0)), "at most", -1.0)
    'holds'
    """
    if claim == "at least":
        return verdict(difference, -points)
    turned = None if difference.interval is None else (-difference.interval[1], -difference.interval[0])
    upper = verdict(Difference(difference.pairs, -difference.mean, turned), points)
    if claim == "at most":
        return upper
    both = {verdict(difference, points), upper}
    return "fails" if "fails" in both else "unresolved" if "unresolved" in both else "holds"


def shown(value: Spread, digits: int = 1) -> str:
    """Write a mean and its standard deviation over seeds."""
    if np.isnan(value.mean):
        return ""
    return number(value.mean, digits) + (f" ± {number(value.std, digits, value.mean)}" if value.std is not None else "")


def told(difference: Difference | None) -> str:
    """Write a difference in points and its interval.

    Examples
    --------
    >>> told(Difference(3, -0.04, (-0.26, 0.1)))
    '+0.0 [-0.3, +0.1]'
    """
    if difference is None:
        return ""
    mean, *ends = (f"{round(x, 1) + 0.0:+.1f}" for x in (difference.mean, *(difference.interval or ())))  # no -0.0
    return f"{mean} [{', '.join(ends)}]" if ends else mean


KINDS = (accuracies, paper, evaluations, masks, targets, costs, budgets, methods, statements)
TABLES = {each.__name__: each for each in KINDS}


def table(name: str) -> str:
    """Return a table in Markdown; its name is that of a list and of a function of `TABLES`, or 'NAME race'."""
    listed, kind = name.split()
    made = race.rows(listed) if kind == "race" else TABLES[kind](Results.read(listed))
    rows = [f"| {' | '.join(cells)} |" for cells in made]
    return "\n".join([rows[0], "|" + "---|" * (rows[0].count(" | ") + 1), *rows[1:]])


def with_tables(text: str) -> str:
    """Return a page with every table written again."""
    found = re.compile(r"(<!-- table (.+?) -->\n).*?(\n<!-- end -->)", re.DOTALL)
    return found.sub(lambda match: f"{match[1]}\n{table(match[2])}\n{match[3]}", text)
