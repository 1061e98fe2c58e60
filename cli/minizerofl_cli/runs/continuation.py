"""What `minizerofl resume` does: plan, data and checkpoint of an earlier run are put together again."""

from __future__ import annotations

import tomllib
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from minizerofl.fl import ConfigError, Settings, load_model
from minizerofl.fl.files.checkpoint import NEWEST, differences
from minizerofl.fl.files.jsonfile import read_json
from minizerofl.fl.files.rundir import INITIAL
from minizerofl.kernels.jit import how_kernels_run
from minizerofl.registry import hint
from minizerofl_cli.runs.environment import environment
from minizerofl_cli.runs.identity import check_fingerprint, sample_counts
from minizerofl_cli.runs.lock import locked
from minizerofl_cli.runs.notes import INTERPRETED
from minizerofl_cli.runs.plan import Plan
from minizerofl_cli.runs.run import RESUME, Nodes, Run, prepare, reopen
from minizerofl_cli.screen.interrupts import Interrupts
from minizerofl_cli.screen.options import NAMES as OPTION_NAMES
from minizerofl_cli.screen.progress import ALWAYS, Screen
from minizerofl_datasets import DataError, FederatedDataset

# The kinds of the values of config.toml outside [settings], whose kinds are those of `Settings`.
KINDS = {
    "run": {
        "recipe": "str",
        "workers": "int",
        "checkpoint_every": "int",
        "all_clients": "bool",
        "data_dir": "str",
        "keep_checkpoints": "int",
        "init_from": "str",
        "mask_from": "str",
    },
    "data": {"dataset": "str", "source": "str", "polarity": "str", "partition_seed": "int", "clients": "int"},
    "model": {"name": "str", "init_sha256": "str", "mask_sha256": "str"},
}
PYTHON_KINDS = {"str": (str,), "bool": (bool,), "int": (int,), "float": (int, float), "float | None": (int, float)}
# A run need not have these, or is from before they were.
OPTIONAL = ("all_clients", "data_dir", "keep_checkpoints", "init_from", "init_sha256", "mask_from", "mask_sha256")
POSITIVE = ("workers", "checkpoint_every", "clients")


def go_on(
    path: Path,
    interrupts: Interrupts,
    shown: Screen,
    extend_rounds: int | None = None,
    workers: int | None = None,
    checkpoint_every: int | None = None,
    data_dir: Path | None = None,
    keep_checkpoints: int | None = None,
    nodes: Nodes | None = None,
) -> None:
    """Go on with a run.

    Parameters
    ----------
    path : Path
        The run directory.
    interrupts : Interrupts
        Decides when a signal may stop it.
    shown : Screen
        Where people read what happens.
    extend_rounds : int, optional
        How many rounds to run beyond the planned end.
    workers, checkpoint_every, data_dir, keep_checkpoints
        Instead of those of before; they do not decide the result.
    nodes : Nodes, optional
        Where the clients are trained, see `conduct`.

    Raises
    ------
    ConfigError
        It is not a run directory, its config is not the checkpoint's, or another process is at it.
    DataError
        The data are not those of before.
    """
    shown.log_to(None)
    with locked(path):
        plan = plan_from(read_tables(path), path.parent)
        changes = {
            "workers": workers,
            "checkpoint_every": checkpoint_every,
            "data_dir": data_dir,
            "keep_checkpoints": keep_checkpoints,
        }
        plan = replace(plan, **{key: value for key, value in changes.items() if value is not None})  # type: ignore[arg-type]
        rounds = plan.settings.rounds + (extend_rounds or 0)
        plan = replace(plan, settings=replace(plan.settings, rounds=rounds))
        with interrupts.allowed():
            initial = load_model(path / INITIAL).state if plan.init_sha256 or plan.mask_sha256 else None
            plan, data, simulation = prepare(plan, shown, initial, nodes)
            _check_partition(path, data)
        directory = reopen(path, plan, data, simulation)
        checkpoint, problems = directory.checkpoints.newest()
        wanted = plan.decisive(data, simulation.model_arguments)
        tables, summary = read_tables(path), read_json(path / "summary.json")
        ended = summary.get("status") == "finished" and (path / "model.h5").exists()
        if ended and checkpoint is None and tables["run"].get("keep_checkpoints") == 0:
            if summary.get("rounds_done") != rounds:
                raise ConfigError(
                    f"{path} kept no checkpoint (--keep-checkpoints 0), so it cannot run more rounds; start a new run"
                )
            shown.say(f"All {rounds} rounds are done.", ALWAYS)
            return
        # The model as it stands in the files, though the settings decide; older files lack some arguments.
        now = {**wanted, "model": {**wanted["model"], **tables["model"]}}
        before = checkpoint.config if checkpoint else wanted
        before = {**before, "model": {**wanted["model"], **before.get("model", {})}}
        check_fingerprint(path, data.name, data.fingerprint(), [tables, before])
        # Runs from before there were fingerprints have none.
        before = {**before, "data": {**before.get("data", {}), "fingerprint": data.fingerprint()}}
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
        damaged = directory.damage(checkpoint) if checkpoint else []
        if simulation.round >= rounds and ended and not damaged:
            shown.say(f"All {rounds} rounds are done; --extend-rounds 10 would run ten more.", ALWAYS)
            return
        problems += [f"{name} was missing or damaged and is written again" for name in damaged]
        notes = [*problems, *_environment_changes(path)]
        notes += [INTERPRETED] if how_kernels_run() == "interpreted" else []
        directory.go_back_to(simulation.round, simulation.best, checkpoint.tables if checkpoint else None)
        directory.write_config(plan.config(data, simulation.model_arguments))
        directory.go_on(rounds=rounds)
        start = f"after round {simulation.round}" if checkpoint else "from the beginning: it has no checkpoint"
        notes.append(f"Resumed {start}: {path}")
        Run(plan, data, simulation, directory, shown, nodes.resume if nodes else RESUME).train(interrupts, notes)


def plan_from(tables: dict[str, Any], runs_dir: Path) -> Plan:
    """Return the plan of a run, which the tables of its config.toml tell."""
    run, data = tables["run"], tables["data"]
    folder, weights, mask = run.get("data_dir"), run.get("init_from"), run.get("mask_from")
    return Plan(
        dataset=data["dataset"],
        source=data["source"],
        data_dir=Path(folder) if folder and data["source"] == "real" else None,
        polarity=data["polarity"],
        partition_seed=data["partition_seed"],
        clients=None if run.get("all_clients") else data["clients"],
        recipe=run["recipe"],
        settings=Settings(**tables["settings"]),
        workers=run["workers"],
        runs_dir=runs_dir,
        checkpoint_every=run["checkpoint_every"],
        keep_checkpoints=run.get("keep_checkpoints", NEWEST),
        options=tables["data_options"],
        model=tables["model"]["name"],
        init_from=Path(weights) if weights else None,
        init_sha256=tables["model"].get("init_sha256", ""),
        mask_from=Path(mask) if mask else None,
        mask_sha256=tables["model"].get("mask_sha256", ""),
    )


def read_tables(path: Path) -> dict[str, Any]:
    """Read a run's config.toml.

    Raises
    ------
    ConfigError
        It is missing or cannot be read, it lacks something, or a value has the wrong kind.
    """
    file = path / "config.toml"
    try:
        tables = tomllib.loads(file.read_text(encoding="utf-8"))
        check_kinds(tables, file)
        return tables
    except FileNotFoundError:
        raise ConfigError(f"{path} is not a run directory of minizerofl train: it has no config.toml") from None
    except KeyError as missing:
        raise ConfigError(f"{file}: {missing} is missing; put it back, or start a new run") from None
    except (ValueError, RecursionError) as error:
        if isinstance(error, ConfigError):
            raise
        raise ConfigError(f"{file} cannot be read: {error}") from error


def check_kinds(tables: dict[str, Any], file: Path | str) -> None:
    """Refuse values of config.toml that nothing else checks: tables, kinds of values, and ranges outside [settings]."""
    known = {field.name: str(field.type) for field in fields(Settings)}
    for table in ("run", "data", "data_options", "model", "settings"):
        if not isinstance(tables[table], dict):
            raise ConfigError(f"{file}: {table} is {tables[table]!r}, expected a table")
    for table, keys in KINDS.items():
        for key in keys:
            if key not in tables[table] and key not in OPTIONAL:
                raise KeyError(key)
    for table, kinds in {**KINDS, "settings": known}.items():
        for key, value in tables[table].items():
            if table == "settings" and key not in known:
                raise ConfigError(f"{file}: settings.{key} is unknown{hint(key, known)}")
            kind = kinds.get(key, "")
            if kind and type(value) not in PYTHON_KINDS[kind]:
                expected = kind.removesuffix(" | None")
                raise ConfigError(f"{file}: {table}.{key} is {value!r}, expected a value of the kind {expected}")
            if table != "settings" and key in (*POSITIVE, "keep_checkpoints"):
                least = int(key in POSITIVE)
                if value < least:
                    raise ConfigError(f"{file}: {table}.{key} is {value}, expected at least {least}")
    for key, value in tables["data_options"].items():
        if key not in OPTION_NAMES or isinstance(value, dict | list):
            raise ConfigError(f"{file}: data_options.{key} is {value!r}; put back what stood there")


def _check_partition(path: Path, data: FederatedDataset) -> None:
    before = read_json(path / "partition.json").get("clients")
    if not isinstance(before, dict):  # The checkpoint tells the data as well.
        return
    now = {client: {"train": train, "test": test} for client, (train, test) in sample_counts(data).items()}
    if before != now:
        changed = [client for client in {**before, **now} if before.get(client) != now.get(client)]
        raise DataError(
            f"{path}: the data have changed: {len(changed)} clients differ, such as {changed[0]!r}; "
            "name the folder of the original data with --data-dir"
        )


def _environment_changes(path: Path) -> list[str]:
    """Say which versions differ: the result is then no longer promised to be the same to the bit."""
    before: dict[str, Any] = read_json(path / "environment.json")
    now: dict[str, Any] = environment()
    if not isinstance(before.get("packages"), dict):
        return ["Note: nobody knows whether versions changed, for environment.json is missing or damaged"]
    old, new = ({**each["packages"], "python": each.get("python")} for each in (before, now))
    changed = differences({"versions": old}, {"versions": new})
    return (
        [f"Note: results may differ in the last bits, since versions changed: {'; '.join(changed)}"] if changed else []
    )
