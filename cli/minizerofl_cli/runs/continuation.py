"""What `minizerofl resume` does: plan, data and checkpoint of an earlier run are put together again."""

from __future__ import annotations

import json
import tomllib
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from minizerofl.fl import ConfigError, Settings
from minizerofl.fl.files.checkpoint import differences
from minizerofl.fl.files.rundir import RunDirectory
from minizerofl.registry import ChoiceError, hint
from minizerofl_cli.runs.environment import environment
from minizerofl_cli.runs.identity import check_fingerprint, sample_counts
from minizerofl_cli.runs.lock import locked
from minizerofl_cli.runs.plan import Plan
from minizerofl_cli.runs.run import Run, prepare
from minizerofl_cli.screen.interrupts import Interrupts
from minizerofl_cli.screen.progress import screen
from minizerofl_datasets import DataError, FederatedDataset


def go_on(
    path: Path,
    interrupts: Interrupts,
    extend_rounds: int | None = None,
    workers: int | None = None,
    checkpoint_every: int | None = None,
    data_dir: Path | None = None,
) -> None:
    """Go on with a run.

    Parameters
    ----------
    path : Path
        The run directory.
    interrupts : Interrupts
        Decides when a signal may stop it.
    extend_rounds : int, optional
        How many rounds to run beyond the planned end.
    workers, checkpoint_every, data_dir
        Instead of those of before; they do not decide the result.

    Raises
    ------
    ConfigError
        It is not a run directory, its config is not the checkpoint's, or another process is at it.
    DataError
        The data are not those of before.
    """
    with locked(path):
        plan = _plan(path)
        changes = {"workers": workers, "checkpoint_every": checkpoint_every, "data_dir": data_dir}
        plan = replace(plan, **{key: value for key, value in changes.items() if value is not None})  # type: ignore[arg-type]
        rounds = plan.settings.rounds + (extend_rounds or 0)
        plan = replace(plan, settings=replace(plan.settings, rounds=rounds))
        with screen(rounds) as shown:
            with interrupts.allowed():
                plan, data, simulation, opening = prepare(plan, shown)
                _check_partition(path, data)
            directory = RunDirectory.open(path)
            checkpoint, problems = directory.checkpoints.newest()
            wanted = plan.decisive(data, simulation.model_arguments)
            now = {**wanted, "model": _tables(path)["model"]}  # as it stands in the file, though the settings decide
            before = checkpoint.config if checkpoint else wanted
            check_fingerprint(path, data.name, data.fingerprint(), [_tables(path), before])
            before = {
                **before,
                "data": {**before.get("data", {}), "fingerprint": data.fingerprint()},
            }  # old runs have none
            changed = differences(before, now)
            done = checkpoint.round if checkpoint else 0
            if done > rounds:
                changed.append(f"settings.rounds: {rounds}, fewer than the run has done")
            if changed:
                raise ConfigError(
                    f"{path}: cannot continue from round {done}, since config.toml or the data have changed: "
                    f"{'; '.join(changed)}; change them back, or start a new run"
                )
            if checkpoint:
                simulation.restore(checkpoint)
            if simulation.round >= rounds and directory.summary["status"] == "finished":
                shown.say(f"All {rounds} rounds are done; --extend-rounds 10 would run ten more.")
                return
            directory.go_back_to(simulation.round, simulation.best)
            directory.write_config(plan.config(data, simulation.model_arguments))
            directory.go_on(rounds=rounds)
            for _ in range(simulation.round):
                shown.advance()
            start = f"after round {simulation.round}" if checkpoint else "from the beginning: it has no checkpoint"
            notes = [*problems, *_environment_changes(path), f"Resumed {start}: {path}"]
            Run(plan, data, simulation, directory, shown).train(interrupts, [*opening, *notes], len(opening))


def _plan(path: Path) -> Plan:
    """Read the plan of a run from its config.toml."""
    file = path / "config.toml"
    try:
        tables = _tables(path)
        json.loads((path / "summary.json").read_text(encoding="utf-8"))
        run, data = tables["run"], tables["data"]
        folder = run.get("data_dir")
        return Plan(
            dataset=data["dataset"],
            source=data["source"],
            data_dir=Path(folder) if folder and data["source"] == "real" else None,
            polarity=data["polarity"],
            partition_seed=data["partition_seed"],
            clients=data["clients"],
            recipe=run["recipe"],
            settings=_settings(tables["settings"], file),
            workers=run["workers"],
            runs_dir=path.parent,
            checkpoint_every=run["checkpoint_every"],
            options=tables["data_options"],
            model=tables["model"]["name"],
        )
    except FileNotFoundError as error:
        raise ConfigError(
            f"{path} is not a run directory of minizerofl train: it has no {Path(error.filename).name}"
        ) from None
    except KeyError as missing:
        raise ConfigError(f"{file}: {missing} is missing; put it back, or start a new run") from None
    except ValueError as error:
        if isinstance(error, ConfigError | ChoiceError):
            raise
        raise ConfigError(f"{file} or summary.json cannot be read: {error}") from error


def _tables(path: Path) -> dict[str, Any]:
    return tomllib.loads((path / "config.toml").read_text(encoding="utf-8"))


def _settings(table: dict[str, Any], file: Path) -> Settings:
    known = [field.name for field in fields(Settings)]
    for key in table:
        if key not in known:
            raise ConfigError(f"{file}: settings.{key} is unknown{hint(key, known)}")
    try:
        return Settings(**table)
    except TypeError as error:
        raise ConfigError(f"{file}: a setting has a value of the wrong kind ({error})") from error


def _check_partition(path: Path, data: FederatedDataset) -> None:
    before = json.loads((path / "partition.json").read_text(encoding="utf-8"))["clients"]
    now = {client: {"train": train, "test": test} for client, (train, test) in sample_counts(data).items()}
    if before != now:
        changed = [client for client in {**before, **now} if before.get(client) != now.get(client)]
        raise DataError(
            f"{path}: the data have changed: {len(changed)} clients differ, such as {changed[0]!r}; "
            "name the folder of the original data with --data-dir"
        )


def _environment_changes(path: Path) -> list[str]:
    """Say which versions differ: the result is then no longer promised to be the same to the bit."""
    before: dict[str, Any] = json.loads((path / "environment.json").read_text(encoding="utf-8"))
    now: dict[str, Any] = environment()
    old, new = ({**each["packages"], "python": each["python"]} for each in (before, now))
    changed = differences({"versions": old}, {"versions": new})
    return (
        [f"Note: results may differ in the last bits, since versions changed: {'; '.join(changed)}"] if changed else []
    )
