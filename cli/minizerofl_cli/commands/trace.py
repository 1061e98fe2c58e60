"""`minizerofl trace`: where one training step spends its multiplications, memory and time, or a round its time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from minizerofl.choices import RULES
from minizerofl.models import MODELS
from minizerofl_cli.runs.finding import complete_runs, run_or_model
from minizerofl_cli.screen.help import SectionCommand, one_of, section
from minizerofl_cli.screen.interrupts import Interrupts
from minizerofl_cli.screen.lines import say
from minizerofl_cli.screen.options import DATASET, SUFFIXES, debug_option, picture_file
from minizerofl_datasets.choices import SOURCES

STEP_BATCH = 32
ROUND_ONLY = ("dataset", "source", "clients", "clients_per_round", "workers", "engine", "rounds", "plot")

_what = section("What is traced")
_round = section("A whole round (--round)")
_output = section("Output")

EXAMPLES = """\b
Examples:
  minizerofl trace --model resnet18 --sparsity 0.95
      a training step of ResNet-18 on 32 images
  minizerofl trace --weights RUN --json step.json
      a step with the trained weights of a run
  minizerofl trace --round --workers 2 --plot round.svg
      rounds of FEMNIST with two workers: the time of each part, and a picture of one round
  minizerofl trace --round --dataset cifar10 --data-dir data --json round.json
      rounds of ResNet-18 on real CIFAR-10, client by client in a file
"""


@click.command(cls=SectionCommand, epilog=EXAMPLES)
@_what(
    "--model",
    help="The network. [default: femnist_cnn, or that of --weights; with --round that of the data set]",
    **one_of(MODELS),
)
@_what(
    "--sparsity",
    type=click.FloatRange(0, 1, max_open=True),
    help="sp: share of weights and activations left out; 0: a dense network. "
    "[default: 0.95; without --round that with which --weights were trained]",
)
@_what(
    "--selection",
    help="Rule that chooses the weights. [default: top-k; without --round that with which --weights were trained]",
    **one_of(RULES, own="MODULE:CLASS"),
)
@_what(
    "--batch-size",
    type=click.IntRange(min=1),
    help=f"Samples in a mini-batch. [default: {STEP_BATCH}; with --round the quick recipe's]",
)
@_what(
    "--weights",
    type=click.Path(path_type=Path),
    callback=run_or_model,
    shell_complete=complete_runs,
    help="Run directory or model.h5 whose trained weights are used.",
)
@_what("--data-dir", type=click.Path(path_type=Path), help="Folder with real data. [default: synthetic data]")
@_round("--round", "whole", is_flag=True, help="Trace whole rounds of federated training instead of one step.")
@_round("--dataset", help="Name of the data set. [default: that of the model]", **DATASET)
@_round(
    "--source",
    help="real: read files; synthetic: use the synthetic twin. [default: real with --data-dir, else synthetic]",
    **one_of(SOURCES[1:]),
)
@_round("--clients", type=click.IntRange(min=1), help="Keep only the first N clients. [default: all]")
@_round("--clients-per-round", type=click.IntRange(min=1), help="Clients in a round. [default: the quick recipe's]")
@_round("--workers", type=click.IntRange(min=1), help="Clients trained at once. [default: usable cores]")
@_round(
    "--engine",
    default="processes",
    show_default=True,
    help="What the workers are; a single worker is always a thread.",
    **one_of(("processes", "threads")),
)
@_round(
    "--rounds",
    type=click.IntRange(min=1),
    default=3,
    show_default=True,
    help="Rounds that count, after one to warm up; the tables show their medians.",
)
@_output("--json", "json_file", type=click.Path(path_type=Path), help="Write everything to a file, unrounded.")
@_output("--csv", "csv_file", type=click.Path(path_type=Path), help="Write the table to a CSV file; -: to the screen.")
@_output(
    "--plot",
    type=click.Path(path_type=Path),
    callback=picture_file,
    help=f"With --round: draw a round as a Gantt chart, a lane for each worker ({', '.join(SUFFIXES)}).",
)
@debug_option
@click.pass_context
def trace(ctx: click.Context, /, whole: bool, **options: Any) -> None:
    """Trace one training step, layer by layer, or a whole round.

    For each layer: the shape of its output, the density of weights and activations (the share that takes part), the
    multiply-adds done in forward product, input gradient (dX) and weight gradient (dW) and those of a dense layer, the
    bytes kept for the backward pass, and milliseconds on one thread. The step is one of several: what is compiled or
    allocated once has been done before.

    With --round: wall and CPU time of each part of a round, how long each worker was idle, the share of the work that
    only the server can do, and how fast a round would be with 2 to 64 workers. See docs/bench.md.
    """
    if not whole:
        _refuse_options_of_rounds(ctx)
    with Interrupts() as interrupts, interrupts.allowed():
        _trace_rounds(options) if whole else _trace_step(**{k: v for k, v in options.items() if k not in ROUND_ONLY})


def _refuse_options_of_rounds(ctx: click.Context) -> None:
    """Refuse options that have no effect on a step."""
    for each in ctx.command.params:
        name = str(each.name)
        if name in ROUND_ONLY and ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            raise click.UsageError(f"{each.opts[0]} is for whole rounds; add --round, or drop it.")


def _trace_step(
    model: str | None,
    sparsity: float | None,
    selection: str | None,
    batch_size: int | None,
    weights: Path | None,
    data_dir: Path | None,
    json_file: Path | None,
    csv_file: Path | None,
) -> None:
    """Trace one training step."""
    from minizerofl_cli.bench.trace import trace_csv, trace_lines, trace_step, write_json
    from minizerofl_cli.bench.workload import prepare  # imports numba
    from minizerofl_cli.screen.tables import screen_width, write_csv

    batch_size = batch_size or STEP_BATCH
    work = prepare(model, weights, data_dir, batch_size)
    rows = trace_step(work, sparsity, batch_size, selection)
    sparsity, selection = work.setting(sparsity, selection)
    rule = "" if selection == "top-k" else f" of {selection}"
    title = f"{work.name}, sp {sparsity:g}{rule}, batch {batch_size}: one training step on one thread"
    for line in (*work.opening, "", title, *trace_lines(rows, screen_width())):
        say(line)
    if json_file:
        write_json(json_file, work.opening, sparsity, selection, batch_size, rows)
    if csv_file:
        write_csv(csv_file, trace_csv(rows))


def _trace_rounds(options: dict[str, Any]) -> None:
    """Trace whole rounds."""
    from minizerofl_cli.bench.gantt import plot_round
    from minizerofl_cli.bench.round_report import round_csv, round_lines, typical_round, write_round_json
    from minizerofl_cli.bench.round_trace import RoundTrace, trace_rounds  # imports numba
    from minizerofl_cli.screen.tables import screen_width, write_csv

    output = {name: options.pop(name) for name in ("json_file", "csv_file", "plot")}
    settings = ("sparsity", "selection", "batch_size", "clients_per_round")
    traced = trace_rounds(RoundTrace(settings={name: options.pop(name) for name in settings}, **options))
    for line in (*traced.opening, traced.title, "", *round_lines(traced, screen_width())):
        say(line)
    if output["json_file"]:
        write_round_json(output["json_file"], traced)
    if output["csv_file"]:
        write_csv(output["csv_file"], round_csv(traced))
    if output["plot"]:
        plot_round(typical_round(traced), f"{traced.opening[0].split(';')[0]}\n{traced.title}", output["plot"])
