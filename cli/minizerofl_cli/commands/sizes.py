"""`minizerofl sizes`: the size of an update in the paper, by the paper's accounting, and encoded; or both ways."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
from click.core import ParameterSource

from minizerofl.choices import PAPER_MODELS, RULES, VALUES
from minizerofl_cli.runs.finding import complete_runs, run_directory
from minizerofl_cli.screen.help import SectionCommand, one_of, section
from minizerofl_cli.screen.interrupts import Interrupts
from minizerofl_cli.screen.lines import say
from minizerofl_cli.screen.options import debug_option

_model = section("Model and messages")


@click.command(cls=SectionCommand)
@_model("--model", default="resnet18", show_default=True, help="Which of the paper's models.", **one_of(PAPER_MODELS))
@_model("--values", default="float32", show_default=True, help="How values are encoded.", **one_of(VALUES))
@_model(
    "--both-ways",
    is_flag=True,
    help="Show the ladder of codings instead: one message up and one down, from CSR with float32 to 1 bit a value.",
)
@_model(
    "--weights",
    type=click.Path(path_type=Path),
    callback=run_directory,
    help="With --both-ways: encode the trained model of this run, and what its uplink would send of it. "
    "[default: initial weights of --model]",
    shell_complete=complete_runs,
)
@_model(
    "--selection",
    default="top-k",
    show_default=True,
    help="Rule that chooses what is sent.",
    **one_of(RULES, own="MODULE:CLASS"),
)
@section("Output")("--csv", "csv_file", type=click.Path(path_type=Path), help="Write all columns to a file, in bytes.")
@debug_option
@click.pass_context
def sizes(
    ctx: click.Context,
    model: str,
    values: str,
    both_ways: bool,
    weights: Path | None,
    selection: str,
    csv_file: Path | None,
) -> None:
    """Compare the sizes of updates with the paper's, for every sparsity and mask ratio in its tables.

    Each row is a topk-weights update of the model with its initial weights, encoded by each codec. All sizes are in the
    paper's "MB" of 1,024,000 bytes; the number in brackets says how many times smaller than the dense model.

    With --both-ways, what the server sends is counted too, and every coding is shown.
    """
    given = [
        name
        for name in ("model", "values", "selection")
        if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE
    ]
    if weights and not both_ways:
        raise click.UsageError("--weights is for --both-ways; add it.", ctx)
    if weights and "model" in given:
        raise click.UsageError("--weights brings the model of the run; leave out --model.", ctx)
    if both_ways and "values" in given:
        raise click.UsageError("--both-ways shows every --values; leave it out.", ctx)
    if both_ways and "selection" in given:
        raise click.UsageError("--both-ways shows the run's rule, or top-k; leave out --selection.", ctx)
    with Interrupts() as interrupts, interrupts.allowed():
        if both_ways:
            from minizerofl_cli.runs.both_ways import model_lines, run_lines

            for line in run_lines(weights, csv_file) if weights else model_lines(model, csv_file):
                say(line)
            return
        from minizerofl_cli.screen.tables import screen_width

        for line in size_lines(model, values, screen_width(), csv_file, selection):
            say(line)


def size_lines(
    model: str, values: str = "float32", width: int = 80, csv_file: Path | None = None, selection: str = "top-k"
) -> Iterator[str]:
    """Yield the lines of the table.

    Parameters
    ----------
    model : str
        One of `PAPER_MODELS`.
    values : str
        One of `VALUES`.
    width : int
        Columns of the screen; a narrow one does without some codecs.
    csv_file : Path, optional
        Where the whole table is written, in bytes.
    selection : str
        A name of `RULES`.

    Examples
    --------
    >>> print(next(size_lines("femnist_cnn")))
    femnist_cnn, topk-weights updates, float32 values
    """
    from minizerofl.fl.measures.sizes import PAPER_MB, sizes
    from minizerofl_cli.screen.tables import csv_text, fitting_table, write_csv

    found = list(sizes(model, values, selection))
    first, codecs = found[0], list(found[0].encoded)
    dense, agree, rows = first.counted / PAPER_MB, True, []
    for row in found:
        agree &= f"{row.counted / PAPER_MB:.1f}" == f"{row.paper:.1f}"
        bytes_here = (row.counted, *row.encoded.values())
        cells = [_cell(row.paper, first.paper), *(_cell(size / PAPER_MB, dense) for size in bytes_here)]
        name = (f"{row.sparsity:.2f}", f"{row.mask_ratio:.1f}") if row.sparsity else ("dense", "")
        rows.append((*name, *cells))
    head = ("sp", "r", "paper", "accounting", *codecs)
    rule = "" if selection == "top-k" else f" of {selection}"
    yield f"{model}, topk-weights updates{rule}, {values} values"
    yield from fitting_table(head, rows, width, ("dense", "auto", "bitmap"), "--csv FILE")
    yield 'Sizes in the paper\'s "MB" of 1,024,000 bytes; (2.0x): 2.0 times less than dense.'
    yield "accounting: 8 bytes for each entry sent, 4 for each row pointer; dense: 4 bytes"
    yield "an entry."
    if selection != "top-k":
        yield "The paper's figures are those of top-k."
    elif agree:
        yield "The accounting gives all of the paper's figures."
    else:
        yield "The paper's figures do not fit a model of this size: its dense model would have"
        yield "fewer parameters, and its sparse updates less than 4 bytes for a value."
    if csv_file:
        titles = ("sp", "r", "paper_mb", "accounting_bytes", *(f"{codec}_bytes" for codec in codecs))
        whole = [(row.sparsity, row.mask_ratio, row.paper, row.counted, *row.encoded.values()) for row in found]
        write_csv(csv_file, csv_text(titles, whole))


def _cell(size: float, dense: float) -> str:
    return f"{size:.1f} ({dense / size:.1f}x)"
