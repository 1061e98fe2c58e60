"""Which run a command is given: a path, `runs/latest`, or the newest run; and what the shell completes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from minizerofl_cli.runs.places import LATEST, is_run, look_through, resolve_latest

if TYPE_CHECKING:
    from minizerofl_cli.runs.shelf import Entry

RUNS = Path("runs")  # where minizerofl train makes runs


def run_or_model(ctx: click.Context, parameter: click.Parameter, value: Path | None) -> Path | None:
    """Take the path of a run or of a model file; the callback of an argument or option.

    Raises
    ------
    UsageError
        It is a folder of runs: the message names the newest of them.
    """
    if value is None:
        return None
    path = resolve_latest(value)
    if path.is_dir() and not is_run(path) and look_through(path)[0]:
        from minizerofl_cli.runs.shelf import read_shelf

        entries = read_shelf(path).entries
        such = f", such as the newest, {entries[0].path}" if entries else ""
        raise click.UsageError(
            f"{value} is a folder of runs; name one of them{such} (minizerofl runs {value} lists them).", ctx
        )
    return path


def run_directory(ctx: click.Context, parameter: click.Parameter, value: Path | None) -> Path | None:
    """Take the path of a run, which must exist; the callback of an argument."""
    path = run_or_model(ctx, parameter, value)
    if path is not None and not path.is_dir():
        state = "is not a directory" if path.exists() else "does not exist"
        raise click.UsageError(f"the run directory {path} {state}; minizerofl runs lists the runs.", ctx)
    return path


def newest_run(say: Callable[[str], None], what: str, fits: Callable[[Entry], bool]) -> Path:
    """Return the newest run below ./runs that fits, and say which it is.

    Parameters
    ----------
    say : callable
        Shows a line.
    what : str
        What is looked for, such as "run with a model".
    fits : callable
        Tells whether a run will do.

    Raises
    ------
    UsageError
        There is none.
    """
    from minizerofl_cli.runs.shelf import read_shelf

    entries = read_shelf(RUNS).entries if RUNS.is_dir() else []
    found = next((entry for entry in entries if fits(entry)), None)
    if found is None:
        raise click.UsageError(f"found no {what} below {RUNS}; name a run directory.")
    say(f"Newest run: {found.path} ({found.kind} data)")
    return found.path


def complete_runs(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[Any]:
    """Complete the directory of a run below ./runs, else any path."""
    names = [path.as_posix() for path in (RUNS / LATEST, *look_through(RUNS)[0]) if path.exists()]
    found = [CompletionItem(name) for name in names if name.startswith(incomplete)]
    return found or [CompletionItem(incomplete, type="file")]
