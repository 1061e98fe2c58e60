"""`minizerofl expect`: whether the accuracy of a run is what it should be."""

from __future__ import annotations

from pathlib import Path

import click

from minizerofl_cli.runs.finding import complete_runs, run_directory
from minizerofl_cli.screen.help import SectionCommand, argument
from minizerofl_cli.screen.interrupts import Interrupts
from minizerofl_cli.screen.lines import say
from minizerofl_cli.screen.options import debug_option

EXAMPLES = """\b
Examples:
  minizerofl expect
      the commands of the documentation, and what each reaches
  minizerofl expect RUN
      is the accuracy of this run inside the expected range?
"""


@click.command(cls=SectionCommand, epilog=EXAMPLES)
@argument(
    "run",
    help="A run directory. [default: the commands are listed]",
    required=False,
    type=click.Path(path_type=Path),
    callback=run_directory,
    shell_complete=complete_runs,
)
@debug_option
def expect(run: Path | None) -> None:
    """Say whether the accuracy of a run is what it should be.

    The package holds the accuracies over seeds of the commands that the documentation shows. A
    run with the same settings, up to its seeds, is judged: inside or outside the range in which 95 of 100 such runs
    lie. Any other run is not comparable, and what differs is named.
    """
    with Interrupts() as interrupts, interrupts.allowed():
        from minizerofl_cli.expect.expected import read_expected
        from minizerofl_cli.expect.judge import judge, listing
        from minizerofl_cli.runs.reading import RunFiles

        known = read_expected()
        for line in listing(known) if run is None else judge(RunFiles.read(run), known):
            say(line)
