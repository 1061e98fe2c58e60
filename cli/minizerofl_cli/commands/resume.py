"""`minizerofl resume`: continues a run that stopped, whatever stopped it."""

from __future__ import annotations

from pathlib import Path

import click

from minizerofl_cli.screen.help import SectionCommand, section
from minizerofl_cli.screen.interrupts import Interrupts
from minizerofl_cli.screen.options import debug_option, loudness_options, verbosity
from minizerofl_cli.screen.progress import screen

_resume = section("Resume")

EXAMPLES = """\b
Examples:
  minizerofl resume runs/femnist-synthetic-topk-weights-s0.95-r0.2-seed0-20250101T120000Z
  minizerofl resume RUN --extend-rounds 20
      twenty rounds beyond the planned end; the learning rate stays at --lr-end
"""


@click.command(cls=SectionCommand, epilog=EXAMPLES)
@click.argument("run", type=click.Path(path_type=Path, exists=True, file_okay=False))
@_resume("--extend-rounds", type=click.IntRange(min=1), help="Run N rounds beyond the planned end.")
@_resume("--workers", type=click.IntRange(min=1), help="Clients trained at once. [default: as before]")
@_resume(
    "--checkpoint-every", type=click.IntRange(min=1), help="Write a checkpoint every N rounds. [default: as before]"
)
@_resume("--data-dir", type=click.Path(path_type=Path), help="Folder with the real data. [default: as before]")
@loudness_options
@debug_option
def resume(
    run: Path, extend_rounds: int | None, workers: int | None, checkpoint_every: int | None, data_dir: Path | None
) -> None:
    """Continue the run in a run directory from its newest checkpoint.

    Model and history are the same to the bit as if the run had never stopped. If the settings in its config.toml
    differ from those of the checkpoint, the command names them and changes nothing.
    """
    with Interrupts() as interrupts, screen(verbosity()) as shown:
        shown.doing("starting")
        with interrupts.allowed():
            from minizerofl_cli.runs.continuation import go_on  # imports numba

        go_on(run, interrupts, shown, extend_rounds, workers, checkpoint_every, data_dir)
