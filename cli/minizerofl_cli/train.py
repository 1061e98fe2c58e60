"""`minizerofl train`: its options, and how they become a plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from minizerofl_cli.environment import usable_cores
from minizerofl_cli.help import SectionCommand, one_of, section
from minizerofl_cli.interrupts import Interrupts
from minizerofl_cli.options import SOURCES, debug_option
from minizerofl_cli.recipes import RECIPES

if TYPE_CHECKING:
    from minizerofl.fl.settings import Settings

# Names stand here once more, since their registries import numba; a test compares them.
DATASETS = ("femnist",)
POLARITIES = ("ink", "paper")
UPLINKS = ("full", "topk-weights", "diff-topk-weights", "topk-diff")

EXAMPLES = """\b
Examples:
  minizerofl train --dataset femnist --sparsity 0.95
      the quick recipe, on synthetic data unless MINIZEROFL_DATA names a folder
  minizerofl train --data-dir data --uplink topk-diff --mask-ratio 0.1 --seed 1
      real FEMNIST from data/femnist/; clients send the largest changes
  minizerofl train --data-dir data --recipe paper --workers 8
      the set-up of the paper, eight clients at once
"""

_recipe = section("Recipe")
_data = section("Data")
_local = section("Local training (SWAT: sparse forward and backward pass, dense weights)")
_rounds = section("Rounds and uplink")
_evaluation = section("Evaluation (on test images, with the sparse weights)")
_seeds = section("Seeds")
_machine = section("Machine and output")


def _by_recipe(name: str) -> str:
    """Return the default of each recipe, for the help text."""
    return "[" + ", ".join(f"{recipe}: {getattr(values, name)}" for recipe, values in RECIPES.items()) + "]"


@click.command(cls=SectionCommand, epilog=EXAMPLES)
@_recipe(
    "--recipe",
    default="quick",
    show_default=True,
    help="Where all defaults come from: quick learns within minutes, paper is the paper's set-up. Any option overrides "
    "its recipe.",
    **one_of(tuple(RECIPES)),
)
@_data("--dataset", default="femnist", show_default=True, help="Which federated data set.", **one_of(DATASETS))
@_data(
    "--source",
    default="auto",
    show_default=True,
    help="real reads files, synthetic draws characters by a program, auto is real if a folder is named.",
    **one_of(SOURCES),
)
@_data(
    "--data-dir",
    type=click.Path(path_type=Path),
    help="Folder with the real data (FOLDER/femnist/*.h5). [default: MINIZEROFL_DATA]",
)
@_data(
    "--polarity",
    default="ink",
    show_default=True,
    help="ink feeds ink = 1, paper feeds paper = 1 as it is stored, which learns worse.",
    **one_of(POLARITIES),
)
@_data("--clients", type=int, help="Keep only the first so many clients. [default: all]")
@_local("--sparsity", type=float, help=f"sp: share of weights and activations left out. {_by_recipe('sparsity')}")
@_local("--local-epochs", type=int, help=f"Passes over a client's images in a round. {_by_recipe('local_epochs')}")
@_local("--batch-size", type=int, help=f"Images in a mini-batch. {_by_recipe('batch_size')}")
@_local("--lr-start", type=float, help=f"Learning rate of the first round. {_by_recipe('lr_start')}")
@_local("--lr-end", type=float, help=f"Learning rate it falls to, exponentially. {_by_recipe('lr_end')}")
@_local("--schedule-rounds", type=int, help="Rounds until --lr-end is reached. [default: --rounds]")
@_rounds("--rounds", type=int, help=f"Rounds of federated averaging. {_by_recipe('rounds')}")
@_rounds("--clients-per-round", type=int, help=f"Clients sampled for a round. {_by_recipe('clients_per_round')}")
@_rounds(
    "--uplink",
    help="What a client sends of each sparse layer: all weights; the largest weights; the changes of the largest "
    f"weights; the largest changes. {_by_recipe('uplink')}",
    **one_of(UPLINKS),
)
@_rounds(
    "--mask-ratio",
    type=float,
    help=f"r: a client sends the share 1 - sp + r of each sparse layer. {_by_recipe('mask_ratio')}",
)
@_evaluation("--eval-every", type=int, help=f"Rounds from one evaluation to the next. {_by_recipe('eval_every')}")
@_evaluation(
    "--eval-samples",
    type=int,
    help=f"Test images, a fixed subset; 0: all. The last round uses all. {_by_recipe('eval_samples')}",
)
@_seeds("--seed", type=int, default=0, show_default=True, help="Samples clients and shuffles their images.")
@_seeds("--partition-seed", type=int, help="Chooses validation images, draws synthetic data. [default: --seed]")
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
@debug_option
def train(
    recipe: str,
    dataset: str,
    source: str,
    data_dir: Path | None,
    polarity: str,
    clients: int | None,
    seed: int,
    partition_seed: int | None,
    init_seed: int | None,
    workers: int | None,
    runs_dir: Path,
    **overrides: Any,
) -> None:
    """Train a model by federated learning with local sparsity (ZeroFL).

    In each round some clients train the global model on their own images with sparse weights and activations (SWAT),
    and send a part of what they learned; the server averages. Sizes are MB = 1,000,000 bytes.

    A run leaves a directory with its config, a history with one row a round, the model and a picture. Ctrl-C ends it
    and keeps the last complete round.
    """
    with Interrupts() as interrupts:
        with interrupts.allowed():  # imports numba
            from minizerofl_cli.plan import Plan
            from minizerofl_cli.run import conduct

        settings = resolve(recipe, seed, init_seed, overrides)
        plan = Plan(
            dataset=dataset,
            source=source,
            data_dir=data_dir,
            polarity=polarity,
            partition_seed=seed if partition_seed is None else partition_seed,
            clients=clients,
            recipe=recipe,
            settings=settings,
            workers=workers or min(usable_cores(), settings.clients_per_round),
            runs_dir=runs_dir,
        )
        conduct(plan, interrupts)


def resolve(recipe: str, seed: int, init_seed: int | None, overrides: Mapping[str, Any]) -> Settings:
    """Put settings together: a recipe, overridden by the options that were given (those that are not None).

    Examples
    --------
    >>> settings = resolve("paper", 1, None, {"rounds": 5, "sparsity": None})
    >>> settings.rounds, settings.clients_per_round, settings.sparsity, settings.init_seed
    (5, 35, 0.95, 1)
    """
    from minizerofl.fl.settings import Settings

    given = {name: value for name, value in overrides.items() if value is not None}
    return Settings(
        **{**asdict(RECIPES[recipe]), **given}, seed=seed, init_seed=seed if init_seed is None else init_seed
    )
