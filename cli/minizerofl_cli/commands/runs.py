"""`minizerofl runs`: lists the runs in a folder."""

from __future__ import annotations

from pathlib import Path

import click

from minizerofl.printable import printable
from minizerofl_cli.runs.finding import RUNS, complete_runs
from minizerofl_cli.screen.help import SectionCommand, argument, section
from minizerofl_cli.screen.interrupts import Interrupts
from minizerofl_cli.screen.lines import say
from minizerofl_cli.screen.options import debug_option

EXAMPLES = """\b
Examples:
  minizerofl runs
  minizerofl runs runs/sweep-ratios
      the runs of a sweep
  minizerofl runs --csv - | head -3
      the newest two, for a program to read
"""


@click.command(cls=SectionCommand, epilog=EXAMPLES)
@argument(
    "folder",
    help="The folder to look through, or a run. [default: runs]",
    type=click.Path(path_type=Path),
    default=RUNS,
    shell_complete=complete_runs,
)
@section("Output")("--csv", "csv_file", type=click.Path(path_type=Path), help="Write CSV to a file; -: to the screen.")
@debug_option
def runs(folder: Path, csv_file: Path | None) -> None:
    """List the runs in a folder, the newest first.

    State: finished, interrupted (resume continues it), failed, running, or killed (it ended without saying so; resume
    continues it). Accuracy and balanced accuracy are those of the last evaluation. The runs of sweeps are listed too;
    what is damaged, or not a run, is named below the table.
    """
    with Interrupts() as interrupts, interrupts.allowed():
        from minizerofl_cli.runs.places import resolve_latest
        from minizerofl_cli.runs.shelf import read_shelf, shelf_csv, shelf_lines
        from minizerofl_cli.screen.tables import screen_width, write_csv

        shelf = read_shelf(resolve_latest(folder))
        if csv_file is None:
            for line in shelf_lines(folder, shelf, screen_width()):
                say(line)
            return
        write_csv(csv_file, shelf_csv(shelf.entries))
        for problem in shelf.problems:
            click.echo(printable(f"Note: {problem}"), err=True)
