"""`minizerofl sweep`: one run for each combination of the values in a file."""

from __future__ import annotations

from pathlib import Path

import click

from minizerofl_cli.commands.train import train
from minizerofl_cli.screen.help import SectionCommand, section
from minizerofl_cli.screen.interrupts import Interrupts
from minizerofl_cli.screen.lines import say
from minizerofl_cli.screen.options import debug_option

_sweep = section("Sweep")

EXAMPLES = """\b
Example, a file ratios.toml:
  source = "synthetic"
  sparsity = [0.9, 0.95]
  mask_ratio = [0.0, 0.1, 0.2]
\b
  minizerofl sweep ratios.toml --dry-run
      shows the six runs
  minizerofl sweep ratios.toml
      does those that are not done; after Ctrl-C or a crash, the same command continues where it stopped
"""


@click.command(cls=SectionCommand, epilog=EXAMPLES)
@click.argument("file", type=click.Path(path_type=Path))
@_sweep(
    "--runs-dir",
    type=click.Path(path_type=Path),
    default=Path("runs"),
    show_default=True,
    help="Folder in which the runs get a folder named after the file.",
)
@_sweep(
    "--dry-run",
    is_flag=True,
    help="Show the runs, which of them are done, and how long the others will take, then stop.",
)
@debug_option
def sweep(file: Path, runs_dir: Path, dry_run: bool) -> None:
    """Run `minizerofl train` for each combination of the lists in a TOML file.

    The file holds options as `train --config` takes them; of a list, each value is tried. Finished runs are skipped, an
    interrupted run is resumed. Combinations that differ only in what has no effect, as the mask ratio of uplink full,
    are one run. The results are collected in results.csv; `minizerofl compare` puts them side by side.
    """
    with Interrupts() as interrupts:
        with interrupts.allowed():
            from minizerofl_cli.runs.grid import Sweep  # imports numba

        plans = Sweep(file, runs_dir, train)
        if dry_run:
            for line in plans.preview():
                say(line)
            with interrupts.allowed():
                say(plans.estimate())
        else:
            plans.run(interrupts)
