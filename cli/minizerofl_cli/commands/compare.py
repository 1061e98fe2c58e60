"""`minizerofl compare`: runs side by side."""

from __future__ import annotations

from pathlib import Path

import click

from minizerofl_cli.runs.finding import complete_runs
from minizerofl_cli.screen.help import SectionCommand, argument, one_of, section
from minizerofl_cli.screen.interrupts import Interrupts
from minizerofl_cli.screen.lines import say
from minizerofl_cli.screen.options import debug_option

FORMATS = ("html", "md", "csv")

_comparison = section("Comparison")
_output = section("Output")

EXAMPLES = """\b
Examples:
  minizerofl compare runs/sweep-ratios
      all runs of a sweep, seeds as repetitions
  minizerofl compare runs/a runs/b --to-accuracy 60 --to-accuracy 70
      what it cost to get there
  minizerofl compare runs/sweep-ratios --baseline uplink=full --margin 0.5 -o ratios.html
      a page with curves; -o FOLDER writes compare.html, compare.md and compare.csv
"""


@click.command(cls=SectionCommand, epilog=EXAMPLES)
@argument(
    "runs",
    help="Run directories, or folders of runs such as that of a sweep.",
    nargs=-1,
    required=True,
    type=click.Path(path_type=Path),
    shell_complete=complete_runs,
)
@_comparison(
    "--to-accuracy",
    type=float,
    multiple=True,
    metavar="PERCENT",
    help="Show rounds, bytes and seconds to this test accuracy in %; may be given several times.",
)
@_comparison(
    "--margin",
    type=float,
    default=1.0,
    show_default=True,
    help="Points of accuracy by which a group may be worse than the baseline and still count as at least as good.",
)
@_comparison(
    "--baseline",
    metavar="GROUP",
    help="With which group the others are compared: its letter, settings that only it has such as uplink=full, or one "
    "of its run directories. [default: the first]",
)
@_output(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="A file .html, .md or .csv, or a folder for all three. [default: only the screen]",
)
@_output(
    "--format",
    "file_format",
    help="Without -o: show Markdown or CSV instead of tables. With a folder: write only this kind.",
    **one_of(FORMATS),
)
@debug_option
def compare(
    runs: tuple[Path, ...],
    to_accuracy: tuple[float, ...],
    margin: float,
    baseline: str | None,
    output: Path | None,
    file_format: str | None,
) -> None:
    """Compare runs: mean and spread over seeds, differences paired by seed, and a verdict.

    Runs that differ only in their seeds are repetitions of each other. Accuracy is compared at equal rounds, equal
    bytes and equal seconds.
    docs/compare.md defines every figure. Nothing in a run is changed.
    """
    with Interrupts() as interrupts, interrupts.allowed():
        from minizerofl_cli.compare.comparison import compare as compare_runs  # imports numba
        from minizerofl_cli.compare.output import show, write

        comparison = compare_runs(runs, to_accuracy, margin, baseline)
        for line in show(comparison, file_format if output is None else None):
            say(line)
        if output is not None:
            say("")
            for path in write(comparison, output, file_format):
                say(f"Written: {path}")
