"""`minizerofl bench`: its options."""

from __future__ import annotations

from pathlib import Path

import click

from minizerofl.models import MODELS
from minizerofl_cli.runs.finding import complete_runs, run_or_model
from minizerofl_cli.screen.help import SectionCommand, one_of, section
from minizerofl_cli.screen.interrupts import Interrupts
from minizerofl_cli.screen.lines import say
from minizerofl_cli.screen.options import debug_option

SPARSITIES = (0.95, 0.9, 0.8)
PARTS = ("all", "layers", "steps")

EXAMPLES = """\b
Examples:
  minizerofl bench
      a minute: the FEMNIST network, layer by layer and step by step
  minizerofl bench --model resnet18 --only steps --against torch
      some minutes: compares with dense PyTorch, which must be installed
  minizerofl bench --weights RUN --workers 2 --json speed.json
      the trained weights of a run, two clients at once
  minizerofl bench --calibrate --plot breakeven.png
      the density up to which sparse is faster here
"""

_what = section("What is measured")
_how = section("How it is measured")
_output = section("Output")


@click.command(cls=SectionCommand, epilog=EXAMPLES)
@_what("--model", help="The network. [default: femnist_cnn, or that of --weights]", **one_of(MODELS))
@_what(
    "--batch-size",
    "batch_sizes",
    type=click.IntRange(min=1),
    multiple=True,
    help="Samples in a mini-batch; may be repeated. [default: 10 for femnist_cnn, else 32]",
)
@_what(
    "--sparsity",
    "sparsities",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    multiple=True,
    default=SPARSITIES,
    show_default=True,
    help="sp: share of weights and activations left out; may be repeated.",
)
@_what("--workers", type=click.IntRange(min=1), default=1, show_default=True, help="Training steps done in parallel.")
@_what("--against", help="Compare with dense PyTorch too, which must be installed.", **one_of(("torch",)))
@_what("--only", default="all", show_default=True, help="Layer by layer, step by step, or both.", **one_of(PARTS))
@_what(
    "--weights",
    type=click.Path(path_type=Path),
    callback=run_or_model,
    shell_complete=complete_runs,
    help="Run directory or model.h5 whose trained weights are used.",
)
@_what("--data-dir", type=click.Path(path_type=Path), help="Folder with real images. [default: synthetic ones]")
@_what(
    "--calibrate",
    is_flag=True,
    help="Measure instead up to which density the sparse path of each layer is faster, and save it.",
)
@_how("--bursts", type=click.IntRange(min=2), default=5, show_default=True, help="Bursts of each contender.")
@_how(
    "--seconds",
    type=click.FloatRange(min=0),
    default=2.0,
    show_default=True,
    help="Seconds that a burst takes at least.",
)
@_how(
    "--clock",
    default="wall",
    show_default=True,
    help="Clock for steps; cpu counts only the time in which their thread runs, for a machine in use.",
    **one_of(("wall", "cpu")),
)
@_output("--json", "json_file", type=click.Path(path_type=Path), help="Write everything that was measured to a file.")
@_output("--plot", type=click.Path(path_type=Path), help="Draw times over densities to a PNG file.")
@debug_option
def bench(
    model: str | None,
    batch_sizes: tuple[int, ...],
    sparsities: tuple[float, ...],
    workers: int,
    against: str | None,
    only: str,
    weights: Path | None,
    data_dir: Path | None,
    calibrate: bool,
    bursts: int,
    seconds: float,
    clock: str,
    json_file: Path | None,
    plot: Path | None,
) -> None:
    """Measure on this machine how fast sparse training is, against dense training.

    Layer by layer: the three products of each sparse layer, in operations a second and as a share of the machine's
    peak. Step by step: whole training steps in alternating bursts. A ratio is the median over the bursts, with its
    quartiles. If these lie further apart than the median lies from 1, no ratio is given. See docs/bench.md.
    """
    with Interrupts() as interrupts, interrupts.allowed():
        from minizerofl_cli.bench.conduct import Bench, conduct  # imports numba

        conduct(
            Bench(
                model=model,
                batch_sizes=batch_sizes,
                sparsities=tuple(sorted(set(sparsities), reverse=True)),
                workers=workers,
                torch=against == "torch",
                only=only,
                weights=weights,
                data_dir=data_dir,
                calibrate=calibrate,
                bursts=bursts,
                seconds=seconds,
                cpu_time=clock == "cpu",
                json_file=json_file,
                plot=plot,
            ),
            say,
        )
