"""What `minizerofl sweep` does: combinations become runs with fixed names, and are run if they are not done."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, fields
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any

import click

from minizerofl.fl import ConfigError, DivergedError, TooFewClientsError
from minizerofl.fl.files.checkpoint import Checkpoints, differences
from minizerofl.fl.files.jsonfile import read_json
from minizerofl.fl.files.sealed import write_atomically
from minizerofl.fl.files.toml import Config
from minizerofl.registry import ChoiceError
from minizerofl_cli.runs.configfile import as_typed, read_options
from minizerofl_cli.runs.continuation import go_on, read_tables
from minizerofl_cli.runs.estimate import estimate_all
from minizerofl_cli.runs.identity import Fingerprints, check_fingerprint
from minizerofl_cli.runs.lock import locked
from minizerofl_cli.runs.plan import Plan, effective, make_plan
from minizerofl_cli.runs.results import Row, csv_of, results_of, screen_of
from minizerofl_cli.runs.run import conduct
from minizerofl_cli.screen.errors import message
from minizerofl_cli.screen.interrupts import Interrupts
from minizerofl_cli.screen.progress import ALWAYS, Screen
from minizerofl_datasets import DataError

NOT_SWEPT = ("config", "dry_run", "runs_dir", "debug", "quiet", "verbose")
LONGEST_NAME = 150  # bytes; file systems take 255


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
        plain = "".join(each if each.isalnum() or each in "=,.-_" else "_" for each in text)
        if plain == text and len(text.encode()) <= LONGEST_NAME:
            return text
        digest = hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:8]  # Two values, two names.
        return f"{plain.encode()[:LONGEST_NAME].decode(errors='ignore')}-{digest}"

    @property
    def decides(self) -> str:
        """What decides its result and its time; two combinations for which this is the same are one run."""
        plan = self.plan
        names = (each.name for each in fields(plan) if each.name not in ("recipe", "runs_dir"))
        asked = {name: getattr(plan, name) for name in names}
        asked["settings"] = effective(plan.resolved_settings())
        return json.dumps(asked, sort_keys=True, default=str)  # a path, as it is written

    @property
    def path(self) -> Path:
        """Its directory."""
        return self.plan.runs_dir / self.name

    def summary(self) -> dict[str, Any]:
        """Return its summary.json; empty if there is none that can be read."""
        return read_json(self.path / "summary.json")

    def begun(self) -> bool:
        """Whether its directory holds enough of a run to go on with it."""
        return (self.path / "config.toml").is_file() and bool(
            self.summary().get("status") or Checkpoints(self.path / "checkpoints").paths()
        )

    def finished(self) -> bool:
        """Whether it has begun and is done; a run whose config.toml cannot be read is not."""
        try:
            return self.begun() and self.done()
        except ConfigError:
            return False

    def done(self) -> bool:
        """Whether its files say that it has finished, and agree on what it was run on."""
        summary, source = self.summary(), read_tables(self.path)["data"]["source"]
        return (summary.get("status"), summary.get("source")) == ("finished", source) and (
            self.path / "model.h5"
        ).is_file()

    def set_aside(self) -> Path | None:
        """Give what stands in the place of its directory another name; return that name, None if nothing stands there.

        Raises
        ------
        ConfigError
            Another process is at it.
        """
        if not os.path.lexists(self.path):
            return None
        with locked(self.path) if self.path.is_dir() else nullcontext():
            for i in itertools.count(1):
                aside = self.path.with_name(f"{self.path.name}.aside-{i}")
                if not os.path.lexists(aside):
                    self.path.rename(aside)
                    return aside
        return None

    def check(self) -> None:
        """Make sure that a run that has begun is this one.

        Raises
        ------
        ConfigError
            It was started with other settings, data or options of the data.
        """
        found = read_tables(self.path)
        data, model = found["data"], found["model"]
        wanted = self.plan.resolved_settings()
        if wanted["dense_layers"] == "auto":  # a run settles it when it begins
            wanted["dense_layers"] = found["settings"].get("dense_layers", "auto")
        asked = self.plan.asked(data["source"])
        everyone = found["run"].get("all_clients", self.plan.clients is None)
        had = {**{key: data[key] for key in asked}, "clients": "all" if everyone else data["clients"]}
        begun: Config = {**{name: found[name] for name in ("settings", "data_options")}, "data": had}
        now: Config = {"settings": wanted, "data_options": dict(self.plan.options), "data": asked}
        before = {"name": model["name"], "init_sha256": model.get("init_sha256", "")}
        name = self.plan.model or model["name"]
        changed = differences(
            {**begun, "model": before}, {**now, "model": {"name": name, "init_sha256": self.plan.init_sha256}}
        )
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
        config = read_tables(self.path)
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
        self._train = train
        self._file = file
        self.folder = runs_dir / f"sweep-{file.stem}"
        known = [each.name for each in train.params if each.name and each.name not in NOT_SWEPT]
        options, self._model_table = read_options(file, known)
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
            Combination(values, self._plan({**fixed, **values}))
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
            begun = each.begun()
            if begun:
                each.check()
            if each.finished():
                each.check_data(fingerprints)
                shown.say(f"{title}: done before, skipped")
                continue
            aside = None if begun else each.set_aside()
            if aside:  # Killed when it had just begun, or something of the user's.
                what = "this directory does not hold a run that can be resumed; it was renamed to"
                shown.say(f"{title}: {what} {aside}", ALWAYS)
            shown.say(f"{title}: {'resumed' if begun else 'started'}", ALWAYS)
            try:
                if begun:
                    go_on(each.path, interrupts, shown, keep_checkpoints=self._keep_checkpoints)
                else:
                    conduct(each.plan, interrupts, shown, each.name)
            except (DivergedError, TooFewClientsError) as error:
                shown.say(f"{title}: {message(error)}", ALWAYS)
                failures.append(error)
            finally:
                self._write_results()
        self._write_results()
        shown.say("", ALWAYS)
        for line in screen_of(list(self._axes), [self._row(each) for each in runs]):
            shown.say(line, ALWAYS)
        shown.say(f"Results are in {self.folder / 'results.csv'}; next: minizerofl compare {self.folder}", ALWAYS)
        if failures:
            raise failures[0]

    def _plan(self, options: dict[str, Any]) -> Plan:
        context = click.Context(self._train, info_name="train")
        known = {each.name: each for each in self._train.params}
        context.default_map = {name: as_typed(self._file, name, value, known[name]) for name, value in options.items()}
        self._train.parse_args(context, [])
        parameters = {**context.params, "runs_dir": self.folder}
        parameters.pop("dry_run")
        return make_plan(**parameters, model_table=self._model_table)

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
