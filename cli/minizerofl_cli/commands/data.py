"""`minizerofl data` and its commands; each imports what it needs when it runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from minizerofl_cli.screen.help import SectionCommand, SummaryGroup, argument, completes, one_of, section
from minizerofl_cli.screen.lines import say
from minizerofl_cli.screen.options import (
    DATASET,
    DIVISION_OPTIONS,
    SET_OPTIONS,
    SOURCE_OPTIONS,
    SUFFIXES,
    all_of,
    debug_option,
    picture_file,
    take_options,
)
from minizerofl_cli.screen.progress import PlainScreen, Screen
from minizerofl_datasets.catalogue import CATALOGUE

if TYPE_CHECKING:
    from minizerofl_datasets import FederatedDataset

_output = section("Output")
_fetch = section("Where from")
_seed = section("Seed")

# What decides the samples, and is not in the file of a partition.
CHOOSING = ("data_dir", "clients", "words", "version", "features", "augment", "format", "seed")
WHICH: dict[str, Any] = {
    **{**DATASET, "metavar": "SET"},
    "help": f"{', '.join(CATALOGUE)}, or the name of an imported set.",
}


def _imported() -> list[str]:
    from minizerofl_datasets import known_names  # imports numpy

    return [name for name in known_names() if name not in CATALOGUE]


SEED = _seed(
    "--seed", type=int, default=0, show_default=True, help="Fixes the division into clients and the synthetic twin."
)
PICTURE = _output(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    callback=picture_file,
    help=f"The picture ({', '.join(SUFFIXES)}).",
)
READING = all_of(*SOURCE_OPTIONS, *DIVISION_OPTIONS, *SET_OPTIONS, SEED, debug_option)

EXAMPLES = """\b
Examples:
  minizerofl data list
  minizerofl data fetch cifar10
  minizerofl data preview speech_commands -o words.png
  minizerofl data partition cifar10 --alpha 0.1 --num-clients 20 -o who.png
  minizerofl data import scans.npz --name my-scans
"""


@click.group(cls=SummaryGroup, epilog=EXAMPLES)
def data() -> None:
    """Get data sets, look at them, divide them, bring your own.

    A set is real, read from files, or its SYNTHETIC twin, made by a program and always available: the first line of
    every output says which.
    """


@data.command("list", cls=SectionCommand)
@section("Data")("--data-dir", type=click.Path(path_type=Path), help="Folder to look into. [default: MINIZEROFL_DATA]")
@debug_option
def list_sets(data_dir: Path | None) -> None:
    """List every set, whether its real files are here, and how large they are."""
    with _screen("looking for files") as shown:
        from minizerofl_cli.data.listing import list_lines

        _say_all(list_lines(data_dir), shown)


@data.command(cls=SectionCommand)
@argument("name", help=f"{', '.join(CATALOGUE)}.", **{**one_of(CATALOGUE), "metavar": "SET"})
@_fetch("--version", help="speech_commands: v0.01 (30 words, the paper's) or v0.02 (35 words). [default: v0.01]")
@_fetch("--from", "origin", metavar="URL|FILE", help="The address of a mirror, or an archive that you already have.")
@debug_option
def fetch(name: str, version: str | None, origin: str | None) -> None:
    """Download a real set into the cache, where every command then finds it.

    The archive is checked against the official SHA-256 and unpacked; a failed download leaves nothing in the
    cache. A set that is in the cache already is not downloaded again. The cache is the folder MINIZEROFL_CACHE, else
    the platform's folder for caches.
    """
    with _screen(f"fetching {name}") as shown:
        from minizerofl_cli.data.getting import fetch_set

        _say_all(fetch_set(name, version, origin, shown.say), shown)


@data.command(cls=SectionCommand)
@argument("name", **WHICH)
@READING
def info(name: str, **options: Any) -> None:
    """Describe a set: origin, size, clients, how samples become inputs, and the number of samples of each class."""
    with _screen(f"reading {name}") as shown:
        from minizerofl_cli.data.listing import info_lines

        _say_all(info_lines(_load(name, options, shown)), shown)


@data.command(cls=SectionCommand)
@argument("name", **WHICH)
@PICTURE
@_output("--augmented", is_flag=True, help="Show samples as training sees them, randomly augmented.")
@READING
def preview(name: str, output: Path, augmented: bool, **options: Any) -> None:
    """Draw a contact sheet: a row for each of some clients, a column for each class.

    Images are shown as images, speech as spectrograms (time to the right, low sounds at the bottom) or as MFCC
    (coefficient 0 at the bottom).
    """
    with _screen(f"reading {name}") as shown:
        from minizerofl_cli.data.contact_sheet import draw_sheet

        loaded = _load(name, options, shown)
        shown.doing("drawing")
        _say_all(draw_sheet(loaded, output, augmented, options["seed"]), shown)


@data.command(cls=SectionCommand)
@argument("name", **WHICH)
@PICTURE
@_output(
    "--json",
    "file",
    type=click.Path(path_type=Path),
    help="Where to write the partition, for --partition FILE.json. [default: the picture's name with .json]",
)
@_output("--replace", is_flag=True, help="Replace a file that holds another partition.")
@READING
@click.pass_context
def partition(ctx: click.Context, /, name: str, output: Path, file: Path | None, replace: bool, **options: Any) -> None:
    """Draw a picture of the samples of each class and client, and write the partition with its SHA-256."""
    with _screen(f"reading {name}") as shown:
        from minizerofl_cli.data.partition_plot import draw_partition

        loaded = _load(name, options, shown)
        shown.doing("counting and drawing")
        file = file or output.with_suffix(".json")
        _say_all(draw_partition(loaded, output, file, _typed(ctx), replace), shown)


@data.command("import", cls=SectionCommand)
@argument("file", type=click.Path(path_type=Path), help="A .npz or .h5 file with the arrays named above.")
@_output("--name", required=True, help="The set's name for --dataset: lower-case letters, digits, - and _.")
@_output("--replace", is_flag=True, help="Replace the imported set of this name.")
@debug_option
def import_set(file: Path, name: str, replace: bool) -> None:
    """Import your own arrays as a set that --dataset then knows.

    FILE is a .npz or .h5 with x (N, C, H, W) or (N, H, W), uint8 or float; y (N,), whole numbers from 0; optionally
    client (N,), the owner of each sample; x_test, y_test, client_test; class_names.
    """
    with _screen(f"importing {name}") as shown:
        from minizerofl_cli.data.getting import take_in

        _say_all(take_in(file, name, replace), shown)


@data.command(cls=SectionCommand)
@argument("name", help="The name of an imported set.", metavar="SET", shell_complete=completes(_imported))
@section("Removing")("--yes", is_flag=True, help="Do not ask.")
@debug_option
def remove(name: str, yes: bool) -> None:
    """Remove an imported set from the cache; the file that it was imported from stays.

    What was fetched or built is not removed: data list shows the folder, which you may delete.
    """
    from minizerofl_cli.data.getting import find_imported

    path = find_imported(name)
    freed = f"{path.stat().st_size / 1e6:,.1f} MB"
    try:
        agreed = yes or click.confirm(f"Remove the imported set {name} ({path}, {freed})?")
    except click.Abort:  # nobody is there to answer
        raise click.UsageError("nothing was removed, for nobody answered; --yes removes without asking.") from None
    if agreed:
        path.unlink()
        say(f"Removed {name}; {freed} are free.")
    else:
        say("Nothing was removed.")


@data.command(cls=SectionCommand)
@argument("what", help="What to build: femnist-leaf.", **{**one_of(("femnist-leaf",)), "metavar": "WHAT"})
@_fetch("--by-class", type=click.Path(path_type=Path), required=True, help="NIST's by_class.zip.")
@_fetch("--by-write", type=click.Path(path_type=Path), required=True, help="NIST's by_write.zip.")
@_output("-o", "--output", type=click.Path(path_type=Path), help="Folder for the result. [default: the cache]")
@_output("--keep-duplicates", is_flag=True, help="Repeat each writer's first image, as LEAF does (the paper's count).")
@_output(
    "--test-share",
    type=float,
    default=0.1,
    show_default=True,
    help="Share of each writer's images for testing: 0.1 as LEAF, 0.2 as the paper.",
)
@_seed("--seed", type=int, default=0, show_default=True, help="Chooses the test images of each writer.")
@debug_option
def build(what: str, by_class: Path, by_write: Path, output: Path | None, **options: Any) -> None:
    """Build the FEMNIST of LEAF and the paper (3,597 writers) from NIST's own archives, without LEAF's scripts.

    docs/data.md says where the archives are. Train on the result with --dataset femnist --format leaf. The paper's
    build is --test-share 0.2 --keep-duplicates.
    """
    with _screen("building femnist") as shown:
        from minizerofl_cli.data.getting import build_femnist

        _say_all(build_femnist(by_class, by_write, output, say=shown.say, **options), shown)


@contextmanager
def _screen(what: str) -> Iterator[Screen]:
    with PlainScreen.opened() as shown:
        shown.doing(what)
        yield shown


def _load(name: str, options: dict[str, Any], shown: Screen) -> FederatedDataset:
    """Load a set as the options say, and say which it is."""
    from minizerofl_cli.runs.dataset import introduce, load

    loaded = load(
        name,
        options["source"],
        options["data_dir"],
        "ink",
        options["seed"],
        options["clients"],
        say=shown.say,
        options=take_options(options),
    )
    introduce(loaded, options["source"], shown)
    return loaded


def _typed(ctx: click.Context) -> list[str]:
    """Return the options of the command line that choose the data, for `train` to be given them again."""
    words: list[str] = []
    for parameter in ctx.command.params:
        name, value = str(parameter.name), ctx.params.get(str(parameter.name))
        if name in CHOOSING and ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            flag = "--partition-seed" if name == "seed" else parameter.opts[0]
            if isinstance(value, bool):
                words.append(flag if value else parameter.secondary_opts[0])
            else:
                words += [flag, str(value)]
    return words


def _say_all(lines: Iterable[str], shown: Screen) -> None:
    for line in lines:
        shown.say(line)
