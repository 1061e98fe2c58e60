"""`minizerofl report`: shows a run on one page."""

from __future__ import annotations

from pathlib import Path

import click

from minizerofl_cli.runs.finding import complete_runs, newest_run, run_directory
from minizerofl_cli.screen.help import SectionCommand, argument, section
from minizerofl_cli.screen.lines import say
from minizerofl_cli.screen.options import debug_option

_report = section("Report")

EXAMPLES = """\b
Examples:
  minizerofl report
      writes report.html of the newest run, as minizerofl train does at its end
  minizerofl report RUN -o page.html
"""


@click.command(cls=SectionCommand, epilog=EXAMPLES)
@argument(
    "run",
    help="A run directory, or runs/latest. [default: the newest run below ./runs]",
    type=click.Path(path_type=Path),
    required=False,
    callback=run_directory,
    shell_complete=complete_runs,
)
@_report(
    "--output",
    "-o",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The HTML file to write. [default: report.html in the run directory]",
)
@debug_option
def report(run: Path | None, output: Path | None) -> None:
    """Show a run on one page: one HTML file for screen and paper.

    The run may be in any state: finished, interrupted, failed, or still running. The page holds accuracy and
    loss, accuracy by bytes and by time, the clients, sparsity and masks (figures 2 and 3 of the paper), costs beside
    those of dense training, and how to repeat the run. Behind each chart is a table of its numbers.
    """
    from minizerofl_cli.report.run_report import run_title, write_report

    if run is None:
        run = newest_run(say, "run", lambda entry: (entry.path / "config.toml").is_file())
    data, file = write_report(run, output)
    say(run_title(data))
    say(f"Report: {file} ({file.stat().st_size / 1000:,.0f} kB)")
