"""The runs of a recipe: which there are, how far they are, and what they measured."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click
import numpy as np

from minizerofl.fl.errors import ConfigError, SealError
from minizerofl.fl.files.sealed import write_atomically
from minizerofl.fl.recipes import recipe as settings_of
from minizerofl.registry import ChoiceError
from minizerofl_cli.reproduce.recipe import Cell, Recipe, scaled
from minizerofl_cli.reproduce.table import Found, as_csv, markdown, screen_lines
from minizerofl_cli.runs.combination import Combination, plan_of
from minizerofl_cli.runs.estimate import estimate_all
from minizerofl_cli.runs.identity import Fingerprints
from minizerofl_cli.runs.plan import Plan
from minizerofl_cli.runs.reading import History, read_history
from minizerofl_cli.screen.errors import message
from minizerofl_cli.screen.interrupts import Interrupts
from minizerofl_cli.screen.progress import ALWAYS, Screen
from minizerofl_datasets import DataError


class Reproduction:
    """A recipe that is being run.

    Parameters
    ----------
    recipe : Recipe
        What to reproduce.
    seeds : int
        How many seeds a cell gets: 0, 1, 2 and so on.
    factor : float
        The share of the rounds, above 0 and up to 1; a run with fewer is called scaled wherever its figures stand.
    runs_dir : Path
        Where the folder of the reproduction is.
    train : click.Command
        `minizerofl train`, whose options the recipe gives.
    options : mapping
        Options for all runs, such as the folder with the data.

    Raises
    ------
    ConfigError
        An option is out of its range.

    Examples
    --------
    >>> from minizerofl_cli.commands.train import train
    >>> from minizerofl_cli.reproduce.recipe import find_recipe
    >>> recipe = find_recipe("table2").only(["cifar10-0.95"], ["full"])
    >>> print(*Reproduction(recipe, 2, 0.01, Path("runs"), train, {}).preview(), sep="; ")  # doctest: +ELLIPSIS
    Table 2: ...; 2 runs in runs/reproduce-table2-scaled-0.01; cifar10-0.95, full: 0 of 2 done; SCALED: ...
    """

    def __init__(
        self,
        recipe: Recipe,
        seeds: int,
        factor: float,
        runs_dir: Path,
        train: click.Command,
        options: Mapping[str, Any],
    ) -> None:
        if not 0 < factor <= 1:
            raise ConfigError(f"--scale {factor:g} is not above 0 and at most 1")
        self.recipe = recipe
        self.factor = factor
        self.synthetic = options.get("source") == "synthetic"
        self.folder = runs_dir / (f"reproduce-{recipe.name}" + (f"-scaled-{factor:g}" if factor < 1 else ""))
        self.runs = {(cell.row, cell.column): self._runs_of(cell, seeds, train, options) for cell in recipe.cells}

    @property
    def caution(self) -> str:
        """Why the figures are not to be compared with the paper's: shortened runs, synthetic data; else empty."""
        told = []
        if self.factor < 1:
            told.append(f"SCALED: {100 * self.factor:g} % of the rounds. These figures are not those of a whole run.")
        if self.synthetic:
            told.append("SYNTHETIC data: these figures say nothing about the paper's.")
        return " ".join(told)

    def preview(self) -> Iterator[str]:
        """Say which runs there are, and how many of each cell are done."""
        yield f"{self.recipe.title} ({self.recipe.where})"
        yield f"{sum(map(len, self.runs.values()))} runs in {self.folder}"
        for (row, column), runs in self.runs.items():
            yield f"{row}, {column}: {sum(run.finished() for run in runs)} of {len(runs)} done"
        if self.caution:
            yield self.caution

    def estimate(self) -> str:
        """Say how long what is left takes, and how much disk it fills."""
        alike: dict[
            str, Plan
        ] = {}  # What is sent hardly decides how long a run takes: one of several uplinks is tried.
        left = []
        for cell in self.recipe.cells:
            key = repr({name: value for name, value in cell.options.items() if name not in ("uplink", "mask_ratio")})
            for run in self.runs[cell.row, cell.column]:
                done = int(run.summary().get("rounds_done", 0))
                if not run.finished():
                    left.append((alike.setdefault(key, run.plan), max(0, run.plan.settings.rounds - done)))
        try:
            return estimate_all(left)
        except (ConfigError, ChoiceError, DataError) as error:
            return f"There is no estimate: {message(error)}"

    def run(self, interrupts: Interrupts, shown: Screen) -> None:
        """Run what is not done, then show the paper's table and ours; after an interrupt the same call goes on.

        Raises
        ------
        DivergedError, TooFewClientsError
            A run ended like that; the others were run all the same.
        """
        runs = [run for runs in self.runs.values() for run in runs]
        fingerprints = Fingerprints()
        failures = []
        for i, each in enumerate(runs, 1):
            failure = each.advance(f"[{i}/{len(runs)}] {each.name}", interrupts, shown, fingerprints)
            failures += [failure] if failure else []
            self.write()
        shown.say("", ALWAYS)
        for line in screen_lines(self.recipe, self.found(), self.caution):
            shown.say(line, ALWAYS)
        shown.say(f"The table is in {self.folder}: {self.recipe.name}.md and {self.recipe.name}.csv", ALWAYS)
        if failures:
            raise failures[0]

    def found(self) -> list[Found]:
        """Return what the finished runs measured, by cell."""
        return [self._found(cell) for cell in self.recipe.cells]

    def write(self) -> None:
        """Write the table as Markdown and as CSV."""
        found = self.found()
        name = self.recipe.name
        write_atomically(self.folder / f"{name}.md", markdown(self.recipe, found, self.caution).encode())
        write_atomically(self.folder / f"{name}.csv", as_csv(found, self.factor).encode())

    def _found(self, cell: Cell) -> Found:
        runs = self.runs[cell.row, cell.column]
        found = Found(cell, wanted=len(runs))
        for run in runs:
            if run.finished():
                history = read_history(run.path / "history.csv")
                found.values.append(100 * measure(self.recipe.measure, history, run.path))
                found.seconds += float(history.numbers("cum_seconds")[-1])
        return found

    def _runs_of(self, cell: Cell, seeds: int, train: click.Command, options: Mapping[str, Any]) -> list[Combination]:
        given = {**cell.options, **options}
        rounds = given.get("rounds") or settings_of(given["dataset"], given["recipe"]).rounds
        given = scaled(given, rounds, self.factor)
        file = Path(f"{self.recipe.name}.toml")
        return [
            Combination(
                {"row": cell.row, "column": cell.column.replace(" ", "-"), "seed": seed},
                plan_of(train, file, {**given, "seed": seed}, self.folder),
            )
            for seed in range(seeds)
        ]


def measure(name: str, history: History, run: Path) -> float:
    """Return what a run measured, a share between 0 and 1; NaN if it cannot be told.

    Parameters
    ----------
    name : str
        A key of `minizerofl_cli.reproduce.recipe.MEASURES`.
    history : History
        The rounds of the run.
    run : Path
        Its directory.

    Examples
    --------
    >>> from minizerofl_cli.report.rundata import Rows
    >>> cells = [{"test_accuracy": "0.5", "validation_accuracy": "0.7"}, {"test_accuracy": "0.6"}]
    >>> history = History(Rows(("test_accuracy", "validation_accuracy"), cells))
    >>> measure("last", history, Path("run")), measure("best", history, Path("run"))
    (0.6, 0.5)
    """
    if name == "density":
        return float(history.numbers("density").max())
    if name == "stay":
        return _share_that_stays(run / "overlap.csv")
    accuracy = history.numbers("test_accuracy")[history.evaluated]
    if name == "last":
        return float(accuracy[-1])
    validation = history.numbers("validation_accuracy")[history.evaluated]
    return float(accuracy[np.nanargmax(validation)]) if np.isfinite(validation).any() else float("nan")


def _share_that_stays(file: Path) -> float:
    """Return the mean Jaccard index of successive noted masks; the first note is compared with the initial masks."""
    try:
        with file.open(encoding="utf-8", newline="") as rows:
            table = [(int(row["round"]), float(row["jaccard_previous"])) for row in csv.DictReader(rows)]
    except (OSError, KeyError, ValueError) as error:
        raise SealError(f"{file}: cannot be read ({error}); put the file back") from error
    later = [value for round, value in table if round > table[0][0]]
    return float(np.mean(later)) if later else float("nan")
