"""`minizerofl reproduce`: makes a table or figure of the paper again, and shows the paper's figures beside ours."""

from __future__ import annotations

from pathlib import Path

import click

from minizerofl.choices import PAPER_MODELS
from minizerofl_cli.commands.sizes import size_lines
from minizerofl_cli.commands.train import train
from minizerofl_cli.reproduce.recipe import NAMES, find_recipe
from minizerofl_cli.screen.help import SectionCommand, argument, one_of, section
from minizerofl_cli.screen.interrupts import Interrupts
from minizerofl_cli.screen.options import debug_option, loudness_options, verbosity
from minizerofl_cli.screen.progress import ALWAYS, screen
from minizerofl_datasets.choices import SOURCES

_what = section("What")
_machine = section("Data, machine and output")

EXAMPLES = """\b
Examples:
  minizerofl reproduce sizes
      the sizes of messages in tables 1 and 3: no training, a second
  minizerofl reproduce table1 --row cifar10-0.95 --dry-run
      the runs of one row, how long they take and how much disk they fill
  minizerofl reproduce table1 --row cifar10-0.95 --column full --seeds 1 --data-dir data
      one run; Ctrl-C ends it, and the same command goes on where it stopped
  minizerofl reproduce table2 --seeds 1 --scale 0.02 --source synthetic
      the whole table with 2 % of the rounds, on synthetic data: to see that it runs
"""


@click.command(cls=SectionCommand, epilog=EXAMPLES)
@argument("name", help=f"{', '.join(NAMES)}, or sizes.", **{**one_of((*NAMES, "sizes")), "metavar": "NAME"})
@_what("--row", "rows", multiple=True, help="Only this row of the table; can be given several times. [default: all]")
@_what("--column", "columns", multiple=True, help="Only this column; can be given several times. [default: all]")
@_what("--seeds", type=click.IntRange(1, 100), help="Runs of each cell, with seeds 0, 1, ... [default: the recipe's]")
@_what(
    "--scale",
    type=float,
    default=1.0,
    show_default=True,
    help="Share of the rounds, such as 0.1. The figures are then called scaled everywhere.",
)
@_machine("--data-dir", type=click.Path(path_type=Path), help="Folder with the real data. [default: MINIZEROFL_DATA]")
@_machine(
    "--source",
    default="real",
    show_default=True,
    help="real or synthetic data; figures on synthetic data say nothing about the paper's.",
    **one_of(SOURCES[1:]),
)
@_machine("--workers", type=click.IntRange(min=1), help="Clients trained at once. [default: usable cores]")
@_machine(
    "--runs-dir",
    type=click.Path(path_type=Path),
    default=Path("runs"),
    show_default=True,
    help="Folder in which the reproduction gets a folder of its own.",
)
@_machine("--dry-run", is_flag=True, help="Show the runs, the time and the disk that they take, then stop.")
@loudness_options
@debug_option
def reproduce(
    name: str,
    rows: tuple[str, ...],
    columns: tuple[str, ...],
    seeds: int | None,
    scale: float,
    data_dir: Path | None,
    source: str,
    workers: int | None,
    runs_dir: Path,
    dry_run: bool,
) -> None:
    """Make a table or figure of the paper again, and show the paper's figures beside ours.

    Each table or figure is a list of runs with the paper's settings. What
    is done is never run again, so the work can be spread over any number of sittings. Most tables take days on two
    cores: look at --dry-run first, and choose rows and columns.
    """
    with Interrupts() as interrupts, screen(verbosity()) as shown:
        shown.doing("starting")
        if name == "sizes":
            with interrupts.allowed():
                for model in PAPER_MODELS:
                    for line in size_lines(model):
                        shown.say(line, ALWAYS)
            return
        with interrupts.allowed():
            from minizerofl_cli.reproduce.experiment import Reproduction  # imports numba

        given = {"data_dir": None if data_dir is None else str(data_dir), "source": source, "workers": workers}
        options = {option: value for option, value in given.items() if value is not None}
        recipe = find_recipe(name).only(rows, columns)
        work = Reproduction(recipe, seeds or recipe.seeds, scale, runs_dir, train, options)
        for line in work.preview():
            shown.say(line, ALWAYS)
        with interrupts.allowed():
            shown.doing("trying some mini-batches")
            shown.say(work.estimate(), ALWAYS)
        if not dry_run:
            work.run(interrupts, shown)
