"""The options that several commands share: which data set, how it is divided into clients, and --debug."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from minizerofl_cli.screen.errors import DEBUG
from minizerofl_cli.screen.help import completes, one_of, section
from minizerofl_cli.screen.progress import ALWAYS, DETAIL, NORMAL
from minizerofl_datasets.catalogue import CATALOGUE
from minizerofl_datasets.choices import FEATURES, METHODS, POLARITIES, PRIORS, SOURCES

# What is handed to the loader of a set; each takes some of them and refuses the others.
NAMES = (
    *("partition", "alpha", "num_clients", "prior", "min_size", "shards_per_client"),
    *("words", "version", "features", "format", "augment", "holdout_writers", "keep_duplicates"),
)

_data = section("Data")
_division = section("Division into clients (cifar10, speech_commands, imported sets)")
_sets = section("Options of one data set")

SUFFIXES = (".png", ".pdf", ".svg")  # of pictures
VERBOSITY = "minizerofl_cli.verbosity"  # key in the context of click

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def _datasets() -> tuple[str, ...]:
    from minizerofl_datasets import known_names  # imports numpy

    return known_names()


def dataset_name(ctx: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """Check the name of a data set: one of ours, or an imported one."""
    if value is None or value in CATALOGUE:
        return value
    validate = one_of(_datasets())["callback"]
    checked: str | None = validate(ctx, parameter, value)
    return checked


def polarity(ctx: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """Check a polarity, and tell the new name of a former one."""
    if value == "paper":
        raise click.BadParameter("'paper' is now called 'raw': the pixel as it is stored.", ctx, parameter)
    checked: str | None = one_of(POLARITIES)["callback"](ctx, parameter, value)
    return checked


def picture_file(ctx: click.Context, parameter: click.Parameter, value: Path | None) -> Path | None:
    """Check that a file can be a picture."""
    if value is not None and value.suffix.lower() not in SUFFIXES:
        raise click.BadParameter(f"{str(value)!r} is not a picture file; use {', '.join(SUFFIXES)}.", ctx, parameter)
    return value


def _partition(ctx: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    if value is not None and value.endswith(".json"):
        return str(Path(value).resolve())
    checked: str | None = one_of(METHODS)["callback"](ctx, parameter, value)
    return checked


def _complete_partition(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    names = [CompletionItem(name) for name in METHODS if name.startswith(incomplete)]
    return names or [CompletionItem(incomplete, type="file")]


DATASET: dict[str, Any] = {
    "callback": dataset_name,
    "metavar": f"[{'|'.join(CATALOGUE)}|imported]",
    "shell_complete": completes(_datasets),
}
SOURCE_OPTIONS: tuple[Decorator, ...] = (
    _data(
        "--source",
        default="auto",
        show_default=True,
        help="real: read files; synthetic: use the synthetic twin, made by a program; auto: real if a folder is named "
        "or the set was fetched, else synthetic.",
        **one_of(SOURCES),
    ),
    _data(
        "--data-dir",
        type=click.Path(path_type=Path),
        help="Folder with the real data, see docs/data.md. [default: MINIZEROFL_DATA, else the cache]",
    ),
    _data("--clients", type=int, help="Keep only the first N clients. [default: all]"),
)
DIVISION_OPTIONS: tuple[Decorator, ...] = (
    _division(
        "--partition",
        callback=_partition,
        shell_complete=_complete_partition,
        metavar=f"[{'|'.join(METHODS)}|FILE.json]",
        help="How the samples are divided into clients; FILE.json is one that `minizerofl data "
        "partition` wrote. [default: dirichlet, as in the paper]",
    ),
    _division("--num-clients", type=int, help="The number of clients. [default: by recipe, paper 100]"),
    _division("--alpha", type=float, help="dirichlet(-min), quantity: 1000 is nearly IID, 0.1 is not. [default: 1]"),
    _division("--prior", help="dirichlet: draw around the classes' shares or equal shares. [default: classes]",
              **one_of(PRIORS)),
    _division("--min-size", type=int, help="dirichlet-min, quantity: each client has at least N samples."),
    _division("--shards-per-client", type=int, help="shards: pieces of the sorted samples for each. [default: 2]"),
)  # fmt: skip
SET_OPTIONS: tuple[Decorator, ...] = (
    _sets(
        "--words",
        help="speech_commands: paper (ten words, unknown, silence), all, or words such as bed,cat,happy. "
        "[default: paper]",
    ),
    _sets("--version", help="speech_commands: v0.01 or v0.02. [default: the one that is found, v0.01 first]"),
    _sets(
        "--features",
        help="speech_commands: the network's input, 32 log-mel energies or the paper's 32 MFCC by 32 frames. "
        "[default: log-mel; paper recipe: mfcc]",
        **one_of(FEATURES),
    ),
    _sets(
        "--augment/--no-augment",
        default=None,
        help="cifar10, speech_commands: change training samples at random. [default: yes; quick speech_commands: no]",
    ),
    _sets("--format", help="femnist, cifar10: which layout of the files to read. [default: the first that is found]"),
    _sets("--holdout-writers", type=int, help="femnist: test on N writers who never train. [default: 0]"),
    _sets(
        "--keep-duplicates",
        is_flag=True,
        default=None,
        help="femnist: keep the images that a LEAF build repeats.",
    ),
)


def all_of(*options: Decorator) -> Decorator:
    """Return one decorator that declares several options, in their order.

    Examples
    --------
    >>> @click.command
    ... @all_of(*SOURCE_OPTIONS)
    ... def show(**options):
    ...     pass
    >>> [parameter.name for parameter in show.params]
    ['source', 'data_dir', 'clients']
    """

    def declare(function: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            function = option(function)
        return function

    return declare


def take_options(given: dict[str, Any], defaults: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Take the loader's options out of a command's, and fill in the recipe's where none was given.

    Examples
    --------
    >>> given = {"alpha": 0.5, "words": None, "rounds": 3}
    >>> take_options(given, {"num_clients": 20}), given
    ({'num_clients': 20, 'alpha': 0.5}, {'rounds': 3})
    """
    chosen = {name: given.pop(name, None) for name in NAMES}
    return {**(defaults or {}), **{name: value for name, value in chosen.items() if value is not None}}


def _remember(ctx: click.Context, parameter: click.Parameter, value: bool) -> None:
    ctx.meta[DEBUG] = value


debug_option = section("Other")(
    "--debug",
    is_flag=True,
    expose_value=False,
    callback=_remember,
    help="Show the traceback of an error (as MINIZEROFL_DEBUG=1 does).",
)


def _hush(ctx: click.Context, parameter: click.Parameter, value: bool) -> None:
    if value and VERBOSITY in ctx.meta:
        raise click.UsageError("--quiet and --verbose exclude each other; use one of them.", ctx)
    if value:
        ctx.meta[VERBOSITY] = ALWAYS if parameter.name == "quiet" else DETAIL


loudness_options = all_of(
    section("Other")(
        *("-q", "--quiet"), is_flag=True, expose_value=False, callback=_hush, help="Say only warnings and the result."
    ),
    section("Other")(
        *("-v", "--verbose"), is_flag=True, expose_value=False, callback=_hush, help="Say also what each client did."
    ),
)


def verbosity() -> int:
    """Return how much the present command is to say: ALWAYS with -q, DETAIL with -v, else NORMAL."""
    level: int = click.get_current_context().meta.get(VERBOSITY, NORMAL)
    return level
