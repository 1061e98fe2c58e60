"""A comparison: every measure of every group with mean, spread, difference to the baseline and verdict, and notes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from minizerofl.fl.errors import ConfigError
from minizerofl_cli.compare.groups import Group, Groups, Seed, make_groups
from minizerofl_cli.compare.measures import Measure, Measures, at_round, make_measures
from minizerofl_cli.compare.statistics import Difference, Spread, Verdict, caution, paired_difference, spread, verdict
from minizerofl_cli.runs.reading import RunFiles, find_runs

MACHINE = ("platform", "machine", "cores", "usable_cores")


@dataclass(frozen=True)
class Entry:
    """A measure of a group.

    Attributes
    ----------
    group : Group
        The group.
    measure : Measure
        The measure.
    values : dict of Seed to float
        Its value in each run that has one.
    difference : Difference or None
        Group minus baseline; None for the baseline, without a common seed, or if nothing is compared in this measure.
    verdict : str or None
        What follows from the difference.
    """

    group: Group
    measure: Measure
    values: Mapping[Seed, float]
    difference: Difference | None = None
    verdict: Verdict | None = None

    @property
    def runs(self) -> int:
        """The number of runs of the group, with a value or without."""
        return len(self.group.runs)

    @property
    def spread(self) -> Spread:
        """Mean and standard deviation over the runs that have a value."""
        return spread(self.values.values())


@dataclass(frozen=True)
class Comparison:
    """Runs side by side.

    Attributes
    ----------
    groups : Groups
        The runs.
    measures : Measures
        What is taken of each.
    margin : float
        By how many points of accuracy a group may be worse than the baseline and still count as "at least as good".
    """

    groups: Groups
    measures: Measures
    margin: float

    @cached_property
    def entries(self) -> dict[tuple[str, Measure], Entry]:
        """All figures, by the letter of the group and the measure."""
        found = {}
        for measure in self.measures:
            values = {group.letter: _values(group, measure) for group in self.groups.groups}
            for group in self.groups.groups:
                entry = Entry(group, measure, values[group.letter])
                if measure.judged and group is not self.groups.baseline:
                    difference = paired_difference(entry.values, values[self.groups.baseline.letter])
                    judged = verdict(difference, self.margin) if difference else None
                    entry = Entry(group, measure, entry.values, difference, judged)
                found[group.letter, measure] = entry
        return found

    @cached_property
    def warnings(self) -> list[str]:
        """What a reader must know before the figures: which runs, and which of their rounds, are compared."""
        return [*self.groups.notes, *self._coverage()]

    @cached_property
    def notes(self) -> list[str]:
        """What a reader must know beside the figures, a sentence or two each."""
        return [*self._seeds(), *self._missing(), *self._targets()]

    def _coverage(self) -> Iterator[str]:
        runs, round = self.groups.runs, self.measures.round
        short = [run for run in runs if run.history.rounds < run.planned_rounds]
        if short:
            done = f"{short[0].path} has done {short[0].history.rounds} of {short[0].planned_rounds} rounds"
            more = f", and {len(short) - 1} more are not complete" if len(short) > 1 else ""
            yield f"The runs are compared up to round {round}: {done}{more}. Name only the others to go further."
        elif any(run.history.rounds > round for run in runs):
            yield f"The runs are compared up to round {round}, the last one that was evaluated in all of them."
        samples: dict[Seed, dict[int, str]] = {}
        for group in self.groups.groups:
            for seed, run in group.runs.items():
                samples.setdefault(seed, {})[int(at_round("test_samples", round)(run))] = group.letter
        differ = next((each for each in samples.values() if len(each) > 1), None)
        if differ:
            told = ", ".join(f"{letter} on {count:,}" for count, letter in differ.items())
            yield f"Round {round} was not evaluated on the same number of test samples everywhere: {told}."
        if not same_machine(runs):
            yield (
                "Seconds are shown but not judged: the runs had another number of workers, or were made on different "
                "machines."
            )

    def _seeds(self) -> Iterator[str]:
        base = self.groups.baseline
        if len(self.groups.groups) == 1:
            yield "All runs have the same settings but for their seeds: there is nothing to compare them with."
            if len(base.runs) == 1:
                yield "It is one run: there is no spread."
            return
        few: dict[int, list[str]] = {}
        for group in self.groups.groups:
            if group is not base:
                few.setdefault(len(group.runs.keys() & base.runs.keys()), []).append(group.letter)
        for pairs, letters in sorted(few.items()):
            who = ", ".join(letters)
            if not pairs:
                yield f"{who}: no seed in common with {base.letter}, so there is no difference; run the same seeds."
            elif caution(pairs):
                yield f"{who}: {caution(pairs)}"

    def _missing(self) -> Iterator[str]:
        for measure in self.measures.accuracies:
            none = [group.letter for group in self.groups.groups if not self.entries[group.letter, measure].values]
            if none:
                yield f"{', '.join(none)}: no round was evaluated within {measure.title}, so there is no accuracy there."

    def _targets(self) -> Iterator[str]:
        for target, measures in self.measures.targets.items():
            for group in self.groups.groups:
                if not self.entries[group.letter, measures[0]].values:
                    best = max(
                        100 * float(np.nanmax(run.history.numbers("test_accuracy"))) for run in group.runs.values()
                    )
                    rounds = max(run.history.rounds for run in group.runs.values())
                    yield f"{group.letter} never reached {target:g} % in {rounds} rounds; its best was {best:.1f} %."


def compare(
    paths: Sequence[Path], targets: Sequence[float] = (), margin: float = 1.0, baseline: str | None = None
) -> Comparison:
    """Read runs and compare them.

    Parameters
    ----------
    paths : sequence of Path
        Run directories, and folders with run directories, such as that of a sweep.
    targets : sequence of float
        Target accuracies in %.
    margin : float
        In points of accuracy (percentage points), at least 0.
    baseline : str, optional
        See `make_groups`.

    Raises
    ------
    ConfigError
        A path holds no run, the runs cannot be compared, or an argument is out of its range.
    SealError
        A history.csv is missing or damaged.
    """
    if not 0 <= margin < math.inf:
        raise ConfigError(f"--margin is {margin:g}, expected points of accuracy, at least 0")
    for target in targets:
        if not 0 < target <= 100:
            raise ConfigError(f"--to-accuracy is {target:g}, expected a percentage above 0 and up to 100")
    found = dict.fromkeys(run.resolve() for path in paths for run in find_runs(path))
    if baseline and (Path(baseline) / "config.toml").is_file():
        found.setdefault(Path(baseline).resolve(), None)
    groups = make_groups([RunFiles.read(_short(path)) for path in found], baseline)
    measures = make_measures(groups, sorted(set(targets)), same_machine(groups.runs))
    return Comparison(groups, measures, margin)


def same_machine(runs: Sequence[RunFiles]) -> bool:
    """Whether all runs had the same machine and the same number of workers, as far as their files say."""
    machines = {(run.config["run"]["workers"], *(run.environment.get(key) for key in MACHINE)) for run in runs}
    return len(machines) == 1


def _values(group: Group, measure: Measure) -> dict[Seed, float]:
    values = {seed: measure.of(run) for seed, run in group.runs.items()}
    return {seed: value for seed, value in values.items() if not math.isnan(value)}


def _short(path: Path) -> Path:
    """Return a path as a person in the current directory would write it."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
