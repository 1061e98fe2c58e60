"""`minizerofl trace`: where one training step spends its multiplications, memory and time."""

from __future__ import annotations

from pathlib import Path

import click

from minizerofl.choices import RULES
from minizerofl.models import MODELS
from minizerofl_cli.runs.finding import complete_runs, run_or_model
from minizerofl_cli.screen.help import SectionCommand, one_of, section
from minizerofl_cli.screen.interrupts import Interrupts
from minizerofl_cli.screen.lines import say
from minizerofl_cli.screen.options import debug_option

_what = section("What is traced")
_output = section("Output")

EXAMPLES = """\b
Examples:
  minizerofl trace --model resnet18 --sparsity 0.95
      a training step of ResNet-18 on 32 images
  minizerofl trace --weights RUN --json step.json
      a step with the trained weights of a run
"""


@click.command(cls=SectionCommand, epilog=EXAMPLES)
@_what("--model", help="The network. [default: femnist_cnn, or that of --weights]", **one_of(MODELS))
@_what(
    "--sparsity",
    type=click.FloatRange(0, 1, max_open=True),
    default=0.95,
    show_default=True,
    help="sp: share of weights and activations left out; 0: a dense network.",
)
@_what(
    "--selection",
    default="top-k",
    show_default=True,
    help="Rule that chooses the weights.",
    **one_of(RULES, own="MODULE:CLASS"),
)
@_what("--batch-size", type=click.IntRange(min=1), default=32, show_default=True, help="Samples in the mini-batch.")
@_what(
    "--weights",
    type=click.Path(path_type=Path),
    callback=run_or_model,
    shell_complete=complete_runs,
    help="Run directory or model.h5 whose trained weights are used.",
)
@_what("--data-dir", type=click.Path(path_type=Path), help="Folder with real images. [default: synthetic ones]")
@_output("--json", "json_file", type=click.Path(path_type=Path), help="Write the table to a file, unrounded.")
@_output("--csv", "csv_file", type=click.Path(path_type=Path), help="Write the table to a CSV file; -: to the screen.")
@debug_option
def trace(
    model: str | None,
    sparsity: float,
    selection: str,
    batch_size: int,
    weights: Path | None,
    data_dir: Path | None,
    json_file: Path | None,
    csv_file: Path | None,
) -> None:
    """Trace one training step, layer by layer.

    For each layer: the shape of its output, the density of weights and activations (the share that takes part), the
    multiply-adds done in forward product, input gradient (dX) and weight gradient (dW) and those of a dense layer, the
    bytes kept for the backward pass, and milliseconds on one thread. The step is one of several: what is compiled or
    allocated once has been done before.
    """
    with Interrupts() as interrupts, interrupts.allowed():
        from minizerofl_cli.bench.trace import trace_csv, trace_lines, trace_step, write_json
        from minizerofl_cli.bench.workload import prepare  # imports numba
        from minizerofl_cli.screen.tables import screen_width, write_csv

        work = prepare(model, weights, data_dir, batch_size)
        rows = trace_step(work, sparsity, batch_size, selection)
        rule = "" if selection == "top-k" else f" of {selection}"
        title = f"{work.name}, sp {sparsity:g}{rule}, batch {batch_size}: one training step on one thread"
        for line in (*work.opening, "", title, *trace_lines(rows, screen_width())):
            say(line)
        if json_file:
            write_json(json_file, work.opening, sparsity, selection, batch_size, rows)
        if csv_file:
            write_csv(csv_file, trace_csv(rows))
