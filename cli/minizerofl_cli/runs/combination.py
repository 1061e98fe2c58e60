"""One run among many, such as one of a sweep: a directory with a fixed name, which is run if it is not done."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import click

from minizerofl.fl import ConfigError, DivergedError, TooFewClientsError
from minizerofl.fl.files.checkpoint import Checkpoints, differences
from minizerofl.fl.files.jsonfile import read_json
from minizerofl.fl.files.toml import Config
from minizerofl_cli.runs.configfile import as_typed
from minizerofl_cli.runs.continuation import go_on, read_tables
from minizerofl_cli.runs.identity import Fingerprints, check_fingerprint
from minizerofl_cli.runs.lock import locked
from minizerofl_cli.runs.plan import Plan, effective, make_plan
from minizerofl_cli.runs.run import conduct
from minizerofl_cli.screen.errors import message
from minizerofl_cli.screen.interrupts import Interrupts
from minizerofl_cli.screen.progress import ALWAYS, Screen

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
        digests = {"init_sha256": self.plan.init_sha256, "mask_sha256": self.plan.mask_sha256}
        before = {"name": model["name"], **{key: model.get(key, "") for key in digests}}
        wanted_model = {"name": self.plan.model or model["name"], **digests}
        changed = differences({**begun, "model": before}, {**now, "model": wanted_model})
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

    def advance(
        self,
        title: str,
        interrupts: Interrupts,
        shown: Screen,
        fingerprints: Fingerprints,
        keep_checkpoints: int | None = None,
    ) -> Exception | None:
        """Run it, go on with it, or skip it if it is done.

        Parameters
        ----------
        title : str
            What stands at the beginning of each line about it.
        interrupts : Interrupts
            Decides when a signal may stop it.
        shown : Screen
            Where people read what happens.
        fingerprints : Fingerprints
            Those of the data of all runs.
        keep_checkpoints : int, optional
            How many checkpoints to keep if it is gone on with; as before by default.

        Returns
        -------
        Exception or None
            The error, if the run diverged or lost too many clients: others can still be run.
        """
        begun = self.begun()
        if begun:
            self.check()
        if self.finished():
            self.check_data(fingerprints)
            shown.say(f"{title}: done before, skipped")
            return None
        aside = None if begun else self.set_aside()
        if aside:  # Killed when it had just begun, or something of the user's.
            what = "this directory does not hold a run that can be resumed; it was renamed to"
            shown.say(f"{title}: {what} {aside}", ALWAYS)
        shown.say(f"{title}: {'resumed' if begun else 'started'}", ALWAYS)
        try:
            if begun:
                go_on(self.path, interrupts, shown, keep_checkpoints=keep_checkpoints)
            else:
                conduct(self.plan, interrupts, shown, self.name)
        except (DivergedError, TooFewClientsError) as error:
            shown.say(f"{title}: {message(error)}", ALWAYS)
            return error
        return None


def plan_of(
    train: click.Command,
    file: Path,
    options: Mapping[str, Any],
    runs_dir: Path,
    model_table: Mapping[str, Any] | None = None,
) -> Plan:
    """Make the plan of a run from options as a file gives them.

    Parameters
    ----------
    train : click.Command
        `minizerofl train`, whose options they are; what is not given gets its default.
    file : Path
        The file, for messages.
    options : mapping of str to value
        The options, with underscores.
    runs_dir : Path
        Where the run gets its directory.
    model_table : mapping, optional
        What the file says about the model and no option does.

    Raises
    ------
    ConfigError
        A value is wrong.
    """
    context = click.Context(train, info_name="train")
    known = {each.name: each for each in train.params}
    context.default_map = {name: as_typed(file, name, value, known[name]) for name, value in options.items()}
    train.parse_args(context, [])
    parameters = {**context.params, "runs_dir": runs_dir}
    parameters.pop("dry_run")
    return make_plan(**parameters, model_table=model_table)
