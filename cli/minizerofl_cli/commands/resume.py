"""`minizerofl resume`: continues a run that stopped, whatever stopped it."""

from __future__ import annotations

from pathlib import Path

import click

from minizerofl_cli.runs.finding import complete_runs, newest_run, run_directory
from minizerofl_cli.screen.help import SectionCommand, argument, section
from minizerofl_cli.screen.interrupts import Interrupts
from minizerofl_cli.screen.options import debug_option, loudness_options, verbosity
from minizerofl_cli.screen.progress import screen

_resume = section("Resume")

EXAMPLES = """\b
Examples:
  minizerofl resume
      the newest run that has not finished
  minizerofl resume runs/femnist-synthetic-topk-weights-seed0
  minizerofl resume RUN --extend-rounds 20
      twenty rounds beyond the planned end; the learning rate stays at --lr-end
"""


@click.command(cls=SectionCommand, epilog=EXAMPLES)
@argument(
    "run",
    help="A run directory. [default: the newest run below ./runs that has not finished; with --extend-rounds, the "
    "newest of all]",
    type=click.Path(path_type=Path),
    required=False,
    callback=run_directory,
    shell_complete=complete_runs,
)
@_resume("--extend-rounds", type=click.IntRange(min=1), help="Run N rounds beyond the planned end.")
@_resume("--workers", type=click.IntRange(min=1), help="Clients trained at once. [default: as before]")
@_resume(
    "--checkpoint-every", type=click.IntRange(min=1), help="Write a checkpoint every N rounds. [default: as before]"
)
@_resume(
    "--keep-checkpoints",
    type=click.IntRange(min=0),
    help="Keep the N newest checkpoints, beside the best; 0: none once the run has finished. [default: as before]",
)
@_resume("--data-dir", type=click.Path(path_type=Path), help="Folder with the real data. [default: as before]")
@loudness_options
@debug_option
def resume(
    run: Path | None,
    extend_rounds: int | None,
    workers: int | None,
    checkpoint_every: int | None,
    keep_checkpoints: int | None,
    data_dir: Path | None,
) -> None:
    """Continue the run in a run directory from its newest checkpoint.

    Model and history are the same to the bit as if the run had never stopped. If the settings in its config.toml
    differ from those of the checkpoint, the command names them and changes nothing.
    """
    with Interrupts() as interrupts, screen(verbosity()) as shown:
        shown.doing("starting")
        with interrupts.allowed():
            from minizerofl_cli.runs.continuation import go_on  # imports numba

            if run is None:
                states = ["interrupted", "killed", "failed", *(["finished"] if extend_rounds else [])]
                what = "run" if extend_rounds else "run that has stopped before its end"
                run = newest_run(shown.say, what, lambda entry: entry.state in states)
        go_on(run, interrupts, shown, extend_rounds, workers, checkpoint_every, data_dir, keep_checkpoints)
