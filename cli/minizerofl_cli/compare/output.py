"""Where a comparison goes: to the screen, or into files whose names say what they are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from minizerofl.fl.errors import ConfigError
from minizerofl.fl.files.sealed import write_atomically
from minizerofl_cli.compare.comparison import Comparison
from minizerofl_cli.compare.page import page
from minizerofl_cli.compare.tables import csv_text, markdown, screen
from minizerofl_cli.runs.places import is_run

WRITERS: Mapping[str, Callable[[Comparison], str]] = {"html": page, "md": markdown, "csv": csv_text}


def show(comparison: Comparison, file_format: str | None) -> Iterable[str]:
    """Return the lines for the screen: tables, or Markdown or CSV for another program.

    Raises
    ------
    ConfigError
        A page for a browser is asked for.
    """
    if file_format == "html":
        raise ConfigError("--format html needs a file: add -o compare.html")
    return screen(comparison) if file_format is None else WRITERS[file_format](comparison).splitlines()


def write(comparison: Comparison, output: Path, file_format: str | None) -> list[Path]:
    """Write a comparison to a file, or all three kinds of files into a folder; return their paths.

    Raises
    ------
    ConfigError
        The output is in a run directory, or its name does not say what it is.
    OSError
        It cannot be written.
    """
    suffix = output.suffix.removeprefix(".").lower()
    if is_run(output) or is_run(output.parent):
        raise ConfigError(f"-o {output} is in a run directory, in which compare changes nothing; name another place")
    if suffix in WRITERS and not output.is_dir():
        if file_format not in (None, suffix):
            raise ConfigError(f"-o {output} is a .{suffix} file, but --format is {file_format}; drop one of them")
        files = {output: suffix}
    elif suffix and not output.is_dir():
        raise ConfigError(f"-o {output} ends in .{suffix}, expected .html, .md or .csv, or a folder")
    else:
        kinds = [file_format] if file_format else list(WRITERS)
        files = {output / f"compare.{each}": each for each in kinds}
    for path, kind in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, WRITERS[kind](comparison).encode("utf-8", "backslashreplace"))
    return list(files)
