"""`minizerofl bench`: its options."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from minizerofl.choices import RULES, UPLINKS
from minizerofl.models import MODELS
from minizerofl_cli.runs.finding import complete_runs, run_or_model
from minizerofl_cli.screen.help import SectionCommand, one_of, section
from minizerofl_cli.screen.interrupts import Interrupts
from minizerofl_cli.screen.lines import say
from minizerofl_cli.screen.options import debug_option

SPARSITIES = (0.95, 0.9, 0.8)
FEDERATION_SPARSITIES = (0.95, 0.9)
PRESETS = ("blazefl",)
STEPS_ONLY = ("selections", "only", "weights", "calibrate", "bursts", "seconds", "clock")
FEDERATION_ONLY = (
    *("preset", "rounds", "clients", "clients_per_round", "uplink", "mask_ratio"),
    *("lr", "search_lr", "to_accuracy", "seed"),
)
FIXED = ("model", "batch_sizes", "clients_per_round", "lr", "search_lr")  # by a preset
PARTS = ("all", "layers", "steps")

EXAMPLES = """\b
Examples:
  minizerofl bench
      a minute: the FEMNIST network, layer by layer and step by step
  minizerofl bench --model resnet18 --only steps --against torch
      some minutes: compares with dense PyTorch, which must be installed
  minizerofl bench --sparsity 0.95 --selection top-k --selection block-8
      compares two rules of selection
  minizerofl bench --weights RUN --workers 2 --json speed.json
      the trained weights of a run, two clients at once
  minizerofl bench --calibrate --plot breakeven.png
      the density up to which sparse is faster here
  minizerofl bench --federation --against torch --data-dir data --to-accuracy 75
      whole training on real FEMNIST: seconds and bytes to 75 %
"""

_what = section("What is measured")
_how = section("How it is measured")
_whole = section("Whole training (--federation)")
_output = section("Output")


def _rates(ctx: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, float]:
    """Read NAME=RATE."""
    rates = {}
    for value in values:
        name, _, rate = value.partition("=")
        name = f"{float(name):g}" if name.replace(".", "", 1).isdecimal() else name
        rates[name] = _positive(rate, f"{value!r} is not NAME=RATE, such as torch=0.1", ctx, parameter)
    return rates


def _list_of_rates(ctx: click.Context, parameter: click.Parameter, value: str | None) -> tuple[float, ...]:
    """Read rates with commas between."""
    message = f"{value!r} is not a list of learning rates, such as 0.05,0.1"
    return tuple(_positive(part, message, ctx, parameter) for part in value.split(",")) if value is not None else ()


def _positive(text: str, message: str, ctx: click.Context, parameter: click.Parameter) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise click.BadParameter(f"{message}.", ctx, parameter)
    return number


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
    help="sp: share of weights and activations left out; may be repeated. [default: 0.95, 0.9, 0.8; with --federation "
    "0.95, 0.9; with a preset none]",
)
@_what(
    "--selection",
    "selections",
    multiple=True,
    help="Rule that chooses the weights; may be repeated, to compare rules. [default: top-k]",
    **one_of(RULES, own="MODULE:CLASS"),
)
@_what(
    "--workers",
    type=click.IntRange(min=1),
    help="Training steps done in parallel; with --federation clients. [default: 1; with --federation all cores]",
)
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
@_whole(
    "--federation", is_flag=True, help="Measure whole federated training instead: dense and sparse, round by round."
)
@_whole(
    "--preset",
    help="Another's speed test, with its set-up: blazefl is that of BlazeFL, on CIFAR-10; its published times are "
    "shown beside ours.",
    **one_of(PRESETS),
)
@_whole("--rounds", type=click.IntRange(min=1), help="Rounds. [default: the quick recipe's; preset 5]")
@_whole("--clients", type=click.IntRange(min=1), help="Keep only the first N clients. [default: all]")
@_whole("--clients-per-round", type=click.IntRange(min=1), help="Clients in a round. [default: the quick recipe's]")
@_whole("--uplink", help="What clients of sparse training send. [default: topk-weights]", **one_of(UPLINKS))
@_whole("--mask-ratio", type=click.FloatRange(0, 1), help="r of sparse training. [default: 0.2]")
@_whole(
    "--lr",
    multiple=True,
    callback=_rates,
    metavar="NAME=RATE",
    help="First learning rate of torch, dense or a sparsity, such as 0.95=0.15; may be repeated. [default: the quick "
    "recipe's]",
)
@_whole(
    "--search-lr",
    callback=_list_of_rates,
    metavar="RATE,RATE,...",
    help="Try these first learning rates in whole runs, for each one without --lr; validation samples choose.",
)
@_whole(
    "--to-accuracy",
    type=click.FloatRange(0, 100),
    multiple=True,
    metavar="PERCENT",
    help="Show rounds, seconds and bytes to this test accuracy in %; may be repeated.",
)
@_whole("--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True, help="Seed of weights and clients.")
@_output("--json", "json_file", type=click.Path(path_type=Path), help="Write everything that was measured to a file.")
@_output(
    "--plot",
    type=click.Path(path_type=Path),
    help="Draw times over densities, or accuracy over seconds and bytes, to a PNG file.",
)
@debug_option
@click.pass_context
def bench(ctx: click.Context, /, federation: bool, json_file: Path | None, plot: Path | None, **options: Any) -> None:
    """Measure on this machine how fast sparse training is, against dense training.

    Layer by layer: the three products of each sparse layer, in operations a second and as a share of the machine's
    peak. Step by step: whole training steps in alternating bursts. A ratio is the median over the bursts, with its
    quartiles. If these lie further apart than the median lies from 1, no ratio is given. With --federation: whole
    training, to a target accuracy. See docs/bench.md.
    """
    _refuse_mixture(ctx, federation, options["preset"])
    output = {"json_file": json_file, "plot": plot}
    with Interrupts() as interrupts, interrupts.allowed():
        _train(options, output) if federation else _measure(options, output)


def _refuse_mixture(ctx: click.Context, federation: bool, preset: str | None) -> None:
    """Refuse options that have no effect beside the others."""
    flags = {str(each.name): each.opts[0] for each in ctx.command.params}
    given = [name for name in flags if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE]
    for name in given:
        if federation and name in STEPS_ONLY:
            raise click.UsageError(f"{flags[name]} measures steps, but --federation whole training; drop one of them.")
        if not federation and name in FEDERATION_ONLY:
            raise click.UsageError(f"{flags[name]} is for whole training; add --federation, or drop it.")
        if preset and name in FIXED:
            raise click.UsageError(f"--preset {preset} fixes what {flags[name]} would set; drop one of them.")
    if federation and "batch_sizes" in given and len(ctx.params["batch_sizes"]) > 1:
        raise click.UsageError("--federation takes a single --batch-size.")


def _measure(options: dict[str, Any], output: dict[str, Any]) -> None:
    """Measure layers and steps."""
    from minizerofl_cli.bench.conduct import Bench, conduct  # imports numba

    names = ("model", "batch_sizes", "only", "weights", "data_dir", "calibrate", "bursts", "seconds")
    conduct(
        Bench(
            **{name: options[name] for name in names},
            sparsities=_descending(options["sparsities"] or SPARSITIES),
            selections=tuple(dict.fromkeys(options["selections"])) or ("top-k",),
            workers=options["workers"] or 1,
            torch=options["against"] == "torch",
            cpu_time=options["clock"] == "cpu",
            **output,
        ),
        say,
    )


def _train(options: dict[str, Any], output: dict[str, Any]) -> None:
    """Measure whole training."""
    from minizerofl_cli.bench.federation_conduct import FederationBench, conduct_federation  # imports numba

    names = ("preset", "model", "workers", "data_dir", "rounds", "clients", "clients_per_round", "uplink", "mask_ratio")
    conduct_federation(
        FederationBench(
            **{name: options[name] for name in names},
            batch_size=next(iter(options["batch_sizes"]), None),
            sparsities=_descending(options["sparsities"] or (() if options["preset"] else FEDERATION_SPARSITIES)),
            torch=options["against"] == "torch",
            rates=options["lr"],
            tried=options["search_lr"],
            targets=options["to_accuracy"],
            seed=options["seed"],
            **output,
        ),
        say,
    )


def _descending(sparsities: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(sorted(set(sparsities), reverse=True))
