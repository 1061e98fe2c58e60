"""`minizerofl train`: its options."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from minizerofl.choices import AVERAGES, BATCH_NORMS, CODECS, INITS, METHODS, RULES, SERVERS, UPLINKS, VALUES
from minizerofl.fl.recipes import NAMES as RECIPE_NAMES
from minizerofl.models import MODELS
from minizerofl_cli.runs.configfile import MODEL_TABLE, use_config
from minizerofl_cli.screen.help import SectionCommand, completes, default_text, one_of, section
from minizerofl_cli.screen.interrupts import Interrupts
from minizerofl_cli.screen.options import (
    DATASET,
    DIVISION_OPTIONS,
    SET_OPTIONS,
    SOURCE_OPTIONS,
    all_of,
    debug_option,
    loudness_options,
    polarity,
    verbosity,
)
from minizerofl_cli.screen.progress import ALWAYS, screen
from minizerofl_datasets.choices import POLARITIES

OWN = "MODULE:CLASS"

EXAMPLES = """\b
Examples:
  minizerofl train --dataset femnist --sparsity 0.95
      the quick recipe, on synthetic data unless MINIZEROFL_DATA names a folder
  minizerofl train --data-dir data --uplink topk-diff --mask-ratio 0.1 --seed 1
      real FEMNIST from data/femnist/; clients send the largest changes
  minizerofl train --data-dir data --recipe paper --workers 8
      the set-up of the paper, eight clients at once
  minizerofl train --dataset speech_commands --words bed,cat,happy
      ResNet-18 on three spoken words; minizerofl data fetch speech_commands gets the real ones
  minizerofl train --uplink my_uplink:SignFlips
      an uplink of your own, the class SignFlips in my_uplink.py (docs/extend.md)
"""

_recipe = section("Recipe")
_data = section("Data")
_local = section("Local training (SWAT: sparse forward and backward pass, dense weights)")
_rounds = section("Rounds and uplink")
_evaluation = section("Evaluation (on test samples, with the sparse weights)")
_seeds = section("Seeds")
_faults = section("Faults")
_machine = section("Machine and output")


@click.command(cls=SectionCommand, epilog=EXAMPLES)
@_recipe(
    "--recipe",
    default="quick",
    show_default=True,
    help="Set of defaults, which depend on the data set too: quick learns within minutes, paper is the paper's set-up. "
    "--dry-run shows all of them, docs/training.md has a table. Any option overrides the recipe.",
    **one_of(RECIPE_NAMES),
)
@_recipe(
    "--method",
    help="A method that came after ZeroFL, as settings that replace those of the recipe (docs/methods.md). Any option "
    "overrides it. [default: ZeroFL]",
    **one_of(METHODS, own="MODULE:NAME"),
)
@_recipe(
    "--config",
    type=click.Path(path_type=Path),
    is_eager=True,
    expose_value=False,
    callback=use_config,
    help="TOML file with options, such as the config.toml of a run. It overrides the recipe; flags override it.",
)
@_data(
    "--dataset",
    default="femnist",
    show_default=True,
    help="Name of the data set; your own after `minizerofl data import`.",
    **DATASET,
)
@all_of(*SOURCE_OPTIONS)
@_data(
    "--polarity",
    default="ink",
    show_default=True,
    help="femnist: ink feeds 1 - pixel (ink = 1); raw feeds the pixel as it is stored (background = 1), which learns "
    "worse.",
    callback=polarity,
    shell_complete=completes(lambda: POLARITIES),
    metavar=f"[{'|'.join(POLARITIES)}]",
)
@all_of(*DIVISION_OPTIONS, *SET_OPTIONS)
@_local(
    "--model",
    help="The network, or a function that builds your own. [default: the paper's for the data set; for imported sets "
    "femnist_cnn if images are grey and at most 32 x 32, else resnet18]",
    **one_of(MODELS, own="MODULE:FUNCTION"),
)
@_local("--sparsity", type=float, help=f"sp: share of weights and activations left out. {default_text('sparsity')}")
@_local("--local-epochs", type=int, help=f"Passes over a client's samples in a round. {default_text('local_epochs')}")
@_local("--batch-size", type=int, help=f"Samples in a mini-batch. {default_text('batch_size')}")
@_local("--lr-start", type=float, help=f"Learning rate of the first round. {default_text('lr_start')}")
@_local("--lr-end", type=float, help=f"Learning rate at the end; it falls exponentially. {default_text('lr_end')}")
@_local("--schedule-rounds", type=int, help="Rounds until --lr-end is reached. [default: --rounds]")
@_local("--momentum", type=float, help="Momentum of SGD; SWAT used 0.9. [default: 0.0]")
@_local("--nesterov", is_flag=True, default=None, help="Use Nesterov momentum.")
@_local("--weight-decay", type=float, help="Weight decay of SGD; SWAT used 0.0005. [default: 0.0]")
@_local("--weight-sparsity", type=float, help="Sparsity of the weights; 0: they stay dense. [default: --sparsity]")
@_local(
    "--activation-sparsity", type=float, help="Sparsity of the activations; 0: they stay dense. [default: --sparsity]"
)
@_local(
    "--selection",
    help="Rule that chooses the weights which are kept, in training, uplink and evaluation (docs/methods.md); or a "
    "class of your own. [default: top-k]",
    **one_of(RULES, own=OWN),
)
@_local("--selection-period", type=int, help="Steps from one selection of weights to the next. [default: 1]")
@_local(
    "--init-from",
    type=click.Path(path_type=Path),
    help="Begin with these weights: a run directory, a model.h5, or a .npz, .safetensors or .pt file with the same "
    "tensors (docs/export.md). [default: weights drawn by --init]",
)
@_local(
    "--mask-from",
    type=click.Path(path_type=Path),
    help="Train only the weights that this run, or its model.h5, has kept in the end, from the beginning "
    "(docs/methods.md). [default: a mask by --selection]",
)
@_local("--init", help="How initial weights are drawn. [default: he-normal]", **one_of(INITS))
@_rounds("--rounds", type=int, help=f"Rounds of federated averaging. {default_text('rounds')}")
@_rounds("--clients-per-round", type=int, help=f"Clients sampled for a round. {default_text('clients_per_round')}")
@_rounds(
    "--uplink",
    help="What a client sends of each sparse layer: all weights; the largest weights; the changes of the largest "
    "weights; the largest changes; controls that are not ZeroFL: the largest changes with error feedback, their signs "
    f"(STC), random weights; those of other methods; or a class of your own. {default_text('uplink')}",
    **one_of(UPLINKS, own=OWN),
)
@_rounds(
    "--mask-ratio",
    type=float,
    help=f"r: a client sends the share 1 - sp + r of each sparse layer. {default_text('mask_ratio')}",
)
@_rounds(
    "--uplink-sparsity",
    type=float,
    help="sp in the share 1 - sp + r that is sent; training keeps --sparsity. [default: --sparsity]",
)
@_rounds("--codec", help="How a message is written; auto takes the shortest. [default: csr]", **one_of(CODECS))
@_rounds(
    "--values",
    help="How values are written: float32 loses nothing, the others round to 16, 8, 4, 2 or 1 bits; or a class of your "
    "own. [default: float32]",
    **one_of(VALUES, own=OWN),
)
@_rounds(
    "--downlink-codec",
    help="How the server's message is written: as --codec, of the non-zero weights of the sparse layers. "
    "[default: auto]",
    **one_of(CODECS),
)
@_rounds(
    "--downlink-values",
    help="How the values of the server's message are written, as --values. [default: float32]",
    **one_of(VALUES, own=OWN),
)
@_rounds(
    "--server", help="The server's optimiser, which follows the average. [default: fedavg]", **one_of(SERVERS, own=OWN)
)
@_rounds("--server-lr", type=float, help="The server's learning rate; 0: its own default. [default: 0.0]")
@_rounds(
    "--average",
    help="all: a weight that a client does not send counts as zero; senders: average over those that "
    "sent it (a control). [default: all]",
    **one_of(AVERAGES),
)
@_rounds(
    "--bn",
    help="global: BatchNorm is averaged; local: each client keeps its own. [default: global]",
    **one_of(BATCH_NORMS),
)
@_local(
    "--dense-layers",
    help="Sparse layers to compute by dense products: names with commas; none; or auto: the layers that keep enough "
    "weights for this to be faster, as measured by bench --calibrate, else by a built-in rule. [default: auto]",
)
@_local(
    "--proximal-mu", type=float, help="Strength of FedProx's pull towards the global model; 0: none. [default: 0.0]"
)
@_faults("--quorum", type=float, help="Share of a round's clients whose updates must be usable. [default: 0.5]")
@_faults("--round-deadline", type=float, help="Seconds after which a client counts as late; 0: never. [default: 0.0]")
@_faults(
    "--inject",
    help="Faults on purpose, KIND@ROUNDS:CLIENT with commas between: drop, crash, nan, corrupt (its message), "
    "corrupt-down (the message to it) or slow=SECONDS; rounds 3, 3-5 or *; a client's id, #0 (the first sampled) or *. "
    "[default: none]",
)
@_evaluation("--eval-every", type=int, help=f"Evaluate every N rounds. {default_text('eval_every')}")
@_evaluation(
    "--eval-samples",
    type=int,
    help=f"Evaluate on N test samples, a fixed subset; 0: all. The last round uses all. {default_text('eval_samples')}",
)
@_evaluation("--eval-dense", is_flag=True, default=None, help="Evaluate a second time, with all weights.")
@_evaluation(
    "--validation-samples",
    type=int,
    help="Choose the best checkpoint by N validation samples, a fixed subset; 0: by none. [default: 500]",
)
@_evaluation("--masks-every", type=int, help="Record the masks every N rounds; 0: never. [default: 20]")
@_seeds(
    "--seed",
    type=int,
    default=0,
    show_default=True,
    help="Samples the clients and shuffles their data; the default of the two seeds below.",
)
@_seeds(
    "--partition-seed",
    type=int,
    help="Divides the samples into clients, chooses validation samples, draws synthetic data. [default: --seed]",
)
@_seeds("--init-seed", type=int, help="Draws the initial weights. [default: --seed]")
@_machine(
    "--workers",
    type=click.IntRange(min=1),
    help="Clients trained at once; the result does not depend on it. [default: usable cores]",
)
@_machine(
    "--runs-dir",
    type=click.Path(path_type=Path),
    default=Path("runs"),
    show_default=True,
    help="Folder in which the run gets a directory of its own.",
)
@_machine(
    "--checkpoint-every",
    type=click.IntRange(min=1),
    help="Write a checkpoint every N rounds. [default: 1 for models up to 30 MB, else 10]",
)
@_machine(
    "--keep-checkpoints",
    type=click.IntRange(min=0),
    default=2,
    show_default=True,
    help="Keep the N newest checkpoints, beside the best; 0: none once the run has finished, only the model.",
)
@_machine("--dry-run", is_flag=True, help="Show the resolved config and the estimated cost of the run, then stop.")
@loudness_options
@debug_option
@click.pass_context
def train(ctx: click.Context, /, dry_run: bool, **options: Any) -> None:
    """Train a model by federated learning with local sparsity (ZeroFL).

    In each round some clients train the global model on their own samples with sparse weights and activations (SWAT)
    and send a part of the result; the server averages what they sent. 1 MB = 1,000,000 bytes.

    A run leaves a directory with its config, a history with one row a round, the model and a picture. Ctrl-C ends it
    and keeps the last complete round.
    """
    with Interrupts() as interrupts, screen(verbosity()) as shown:
        shown.doing("starting")
        with interrupts.allowed():  # imports numba
            from minizerofl_cli.runs.estimate import rehearse
            from minizerofl_cli.runs.plan import make_plan
            from minizerofl_cli.runs.run import conduct

        plan = make_plan(**options, model_table=ctx.meta.get(MODEL_TABLE))
        if dry_run:
            with interrupts.allowed():
                for line in rehearse(plan, shown):
                    shown.say(line, ALWAYS)
        else:
            conduct(plan, interrupts, shown)
