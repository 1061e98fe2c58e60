"""What `minizerofl sweep` does: combinations become runs with fixed names, and are run if they are not done."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from itertools import product
from pathlib import Path

import click

from minizerofl.fl import ConfigError
from minizerofl.fl.files.sealed import write_atomically
from minizerofl.registry import ChoiceError
from minizerofl_cli.runs.combination import Combination, plan_of
from minizerofl_cli.runs.configfile import read_options
from minizerofl_cli.runs.estimate import estimate_all
from minizerofl_cli.runs.identity import Fingerprints
from minizerofl_cli.runs.results import Row, csv_of, results_of, screen_of
from minizerofl_cli.screen.errors import message
from minizerofl_cli.screen.interrupts import Interrupts
from minizerofl_cli.screen.progress import ALWAYS, Screen
from minizerofl_datasets import DataError

NOT_SWEPT = ("config", "dry_run", "runs_dir", "debug", "quiet", "verbose")


class Sweep:
    """The runs of a file.

    Parameters
    ----------
    file : Path
        A TOML file with options, some of them lists.
    runs_dir : Path
        Where the folder of the sweep is.
    train : click.Command
        `minizerofl train`, whose options are swept.
    keep_checkpoints : int, optional
        How many checkpoints each run keeps; by default what the file says.

    Raises
    ------
    ConfigError
        The file cannot be read, or an option or a value in it is wrong.

    Examples
    --------
    >>> import tempfile
    >>> from minizerofl_cli.commands.train import train
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "ratios.toml"
    ...     _ = file.write_text("sparsity = [0.9, 0.95]")
    ...     print(*Sweep(file, Path("runs"), train).preview(), sep="; ")
    2 runs in runs/sweep-ratios; sparsity=0.9: to be run; sparsity=0.95: to be run
    """

    def __init__(self, file: Path, runs_dir: Path, train: click.Command, keep_checkpoints: int | None = None) -> None:
        self.folder = runs_dir / f"sweep-{file.stem}"
        known = [each.name for each in train.params if each.name and each.name not in NOT_SWEPT]
        options, model_table = read_options(file, known)
        if keep_checkpoints is not None:
            options["keep_checkpoints"] = keep_checkpoints
        self._keep_checkpoints = keep_checkpoints
        self._axes = {name: value for name, value in options.items() if isinstance(value, list)}
        empty = [name for name, values in self._axes.items() if not values]
        if empty:
            raise ConfigError(f"{file}: {empty[0]} is an empty list, expected the values to try")
        for name, values in self._axes.items():
            twice = next((value for i, value in enumerate(values) if value in values[:i]), None)
            if twice is not None:
                raise ConfigError(f"{file}: {name} has the value {twice!r} twice, expected each value once")
        fixed = {name: value for name, value in options.items() if name not in self._axes}
        self.combinations = [
            Combination(values, plan_of(train, file, {**fixed, **values}, self.folder, model_table))
            for values in (dict(zip(self._axes, chosen, strict=True)) for chosen in product(*self._axes.values()))
        ]

    @cached_property
    def _run_of(self) -> dict[str, Combination]:
        """For each combination, the one whose run stands for it: of several that are the same run, the first.

        One that is done comes before one that has begun, for in the folder of an earlier version each may have a run.
        """
        same: dict[str, list[Combination]] = {}
        for each in self.combinations:
            same.setdefault(each.decides, []).append(each)
        first = {key: min(equal, key=_priority) if equal[1:] else equal[0] for key, equal in same.items()}
        return {each.name: first[each.decides] for each in self.combinations}

    def runs(self) -> list[Combination]:
        """Return the combinations that have a run of their own."""
        return [each for each in self.combinations if self._run_of[each.name] is each]

    def preview(self) -> Iterator[str]:
        """Say which runs there are, and which are done."""
        runs, all_ = len(self.runs()), len(self.combinations)
        yield f"{runs} runs in {self.folder}" + (f", for {all_} combinations" if runs < all_ else "")
        for each in self.combinations:
            run = self._run_of[each.name]
            if run is not each:
                yield f"{each.name}: the same run as {run.name}"
                continue
            summary = each.summary()
            done = "to be run"
            if each.begun():
                try:
                    each.check()
                    done = f"{summary.get('status', 'damaged')}, {summary.get('rounds_done', '?')} rounds done"
                except ConfigError as error:
                    done = message(error)
            yield f"{each.name}: {done}"

    def estimate(self) -> str:
        """Say how long what is left takes, and how much disk it fills."""
        left = [each for each in self.runs() if not each.finished()]
        done = [int(each.summary().get("rounds_done", 0)) for each in left]
        try:
            return estimate_all(
                (each.plan, max(0, each.plan.settings.rounds - rounds)) for each, rounds in zip(left, done, strict=True)
            )
        except (ConfigError, ChoiceError, DataError) as error:
            return f"There is no estimate: {message(error)}"

    def run(self, interrupts: Interrupts, shown: Screen) -> None:
        """Run what is not done.

        Raises
        ------
        DivergedError, TooFewClientsError
            A run ended like that; the others were run all the same.
        """
        failures: list[Exception] = []
        fingerprints = Fingerprints()
        runs = self.runs()
        for each in self.combinations:
            run = self._run_of[each.name]
            if run is not each:
                shown.say(f"{each.name}: the same run as {run.name}, not run twice")
        for i, each in enumerate(runs, 1):
            title = f"[{i}/{len(runs)}] {each.name}"
            try:
                failure = each.advance(title, interrupts, shown, fingerprints, self._keep_checkpoints)
            finally:
                self._write_results()
            failures += [failure] if failure else []
        self._write_results()
        shown.say("", ALWAYS)
        for line in screen_of(list(self._axes), [self._row(each) for each in runs]):
            shown.say(line, ALWAYS)
        shown.say(f"Results are in {self.folder / 'results.csv'}; next: minizerofl compare {self.folder}", ALWAYS)
        if failures:
            raise failures[0]

    def _write_results(self) -> None:
        if self.folder.exists():
            rows = [self._row(each) for each in self.combinations]
            write_atomically(self.folder / "results.csv", csv_of(list(self._axes), rows).encode())

    def _row(self, each: Combination) -> Row:
        run = self._run_of[each.name]
        about = {"directory": run.name, "same_as": run.name if run is not each else ""}
        return {**results_of(run.path), **each.values, **about}


def _priority(each: Combination) -> tuple[bool, bool]:
    return not each.finished(), not each.begun()
