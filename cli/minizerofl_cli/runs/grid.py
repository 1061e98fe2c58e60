"""What `minizerofl sweep` does: combinations become runs with fixed names, and are run if they are not done."""

from __future__ import annotations

import csv
import io
import json
import shutil
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import click

from minizerofl.fl import ConfigError, DivergedError, TooFewClientsError
from minizerofl.fl.files.checkpoint import differences
from minizerofl.fl.files.sealed import write_atomically
from minizerofl_cli.runs.configfile import as_text, read_options
from minizerofl_cli.runs.continuation import go_on
from minizerofl_cli.runs.identity import Fingerprints, check_fingerprint
from minizerofl_cli.runs.plan import Plan, make_plan
from minizerofl_cli.runs.run import conduct
from minizerofl_cli.screen.errors import message
from minizerofl_cli.screen.interrupts import Interrupts

NOT_SWEPT = ("config", "dry_run", "runs_dir", "debug")
COLUMNS = (
    *("status", "rounds_done", "test_accuracy", "majority_accuracy", "best_validation_accuracy"),
    *("cum_uplink_bytes", "cum_dense_uplink_bytes", "source", "reason"),
)


@dataclass(frozen=True)
class Combination:
    """One run of a sweep.

    Attributes
    ----------
    values : dict
        The value of each option that the sweep varies.
    plan : Plan
        The run.
    """

    values: dict[str, Any]
    plan: Plan

    @property
    def name(self) -> str:
        """The name of its directory: the same whenever the sweep is started."""
        text = ",".join(f"{name}={value}" for name, value in self.values.items()) or "run"
        return "".join(each if each.isalnum() or each in "=,.-_" else "_" for each in text)

    @property
    def path(self) -> Path:
        """Its directory."""
        return self.plan.runs_dir / self.name

    def summary(self) -> dict[str, Any]:
        """Return its summary.json; empty if it has not begun."""
        file = self.path / "summary.json"
        return json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}

    def check(self) -> None:
        """Make sure that a run that has begun is this one.

        Raises
        ------
        ConfigError
            It was begun with other settings.
        """
        settings = tomllib.loads((self.path / "config.toml").read_text(encoding="utf-8"))["settings"]
        wanted = self.plan.resolved_settings()
        if wanted["dense_layers"] == "auto":  # a run settles it when it begins
            wanted["dense_layers"] = settings.get("dense_layers", "auto")
        changed = differences({"settings": settings}, {"settings": wanted})
        if changed:
            raise ConfigError(
                f"{self.path} was started with other settings: {'; '.join(changed)}; "
                "use another --runs-dir, or rename the file"
            )

    def check_data(self, fingerprints: Fingerprints) -> None:
        """Make sure that a run that is done was done on the data as they are now.

        Raises
        ------
        DataError
            The data have changed.
        """
        config = tomllib.loads((self.path / "config.toml").read_text(encoding="utf-8"))
        check_fingerprint(self.path, self.plan.dataset, fingerprints.of(self.plan), [config])


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

    def __init__(self, file: Path, runs_dir: Path, train: click.Command) -> None:
        self._train = train
        self.folder = runs_dir / f"sweep-{file.stem}"
        known = [each.name for each in train.params if each.name and each.name not in NOT_SWEPT]
        options, self._model_table = read_options(file, known)
        self._axes = {name: value for name, value in options.items() if isinstance(value, list)}
        empty = [name for name, values in self._axes.items() if not values]
        if empty:
            raise ConfigError(f"{file}: {empty[0]} is an empty list, expected the values to try")
        fixed = {name: value for name, value in options.items() if name not in self._axes}
        self.combinations = [
            Combination(values, self._plan({**fixed, **values}))
            for values in (dict(zip(self._axes, chosen, strict=True)) for chosen in product(*self._axes.values()))
        ]

    def preview(self) -> Iterator[str]:
        """Say which runs there are, and which are done."""
        yield f"{len(self.combinations)} runs in {self.folder}"
        for each in self.combinations:
            summary = each.summary()
            done = f"{summary['status']}, {summary['rounds_done']} rounds done" if summary else "to be run"
            yield f"{each.name}: {done}"

    def run(self, interrupts: Interrupts) -> None:
        """Run what is not done.

        Raises
        ------
        DivergedError, TooFewClientsError
            A run ended like that; the others were run all the same.
        """
        failures: list[Exception] = []
        fingerprints = Fingerprints()
        for i, each in enumerate(self.combinations, 1):
            title = f"[{i}/{len(self.combinations)}] {each.name}"
            status = each.summary().get("status")
            if status:
                each.check()
            if status == "finished":
                each.check_data(fingerprints)
                click.echo(f"{title}: done before, skipped")
                continue
            click.echo(f"{title}: {'resumed' if status else 'started'}")
            try:
                if status:
                    go_on(each.path, interrupts)
                else:
                    shutil.rmtree(each.path, ignore_errors=True)  # begun, and killed before it was complete
                    conduct(each.plan, interrupts, each.name)
            except (DivergedError, TooFewClientsError) as error:
                click.echo(f"{title}: {message(error)}")
                failures.append(error)
            finally:
                self._write_results()
        click.echo(f"Results are in {self.folder / 'results.csv'}")
        if failures:
            raise failures[0]

    def _plan(self, options: dict[str, Any]) -> Plan:
        context = click.Context(self._train, info_name="train")
        context.default_map = {name: as_text(value) for name, value in options.items()}
        self._train.parse_args(context, [])
        parameters = {**context.params, "runs_dir": self.folder}
        parameters.pop("dry_run")
        return make_plan(**parameters, model_table=self._model_table)

    def _write_results(self) -> None:
        if not self.folder.exists():
            return
        text = io.StringIO(newline="")
        rows = csv.DictWriter(text, [*self._axes, *COLUMNS, "directory"], restval="", lineterminator="\n")
        rows.writeheader()
        for each in self.combinations:
            summary = each.summary()
            found = {name: summary[name] for name in COLUMNS if name in summary}
            rows.writerow({**each.values, **found, "directory": each.name})
        write_atomically(self.folder / "results.csv", text.getvalue().encode())
