"""`minizerofl sizes`: the size of an update in the paper, by the paper's accounting, and as encoded bytes."""

from __future__ import annotations

from collections.abc import Iterator

import click

from minizerofl.choices import PAPER_MODELS, VALUES
from minizerofl_cli.screen.help import SectionCommand, one_of, section
from minizerofl_cli.screen.interrupts import Interrupts
from minizerofl_cli.screen.lines import say
from minizerofl_cli.screen.options import debug_option

_model = section("Model and messages")


@click.command(cls=SectionCommand)
@_model("--model", default="resnet18", show_default=True, help="Which of the paper's models.", **one_of(PAPER_MODELS))
@_model("--values", default="float32", show_default=True, help="How values are encoded.", **one_of(VALUES))
@debug_option
def sizes(model: str, values: str) -> None:
    """Compare the sizes of updates with the paper's, for every sparsity and mask ratio in its tables.

    Each row is a topk-weights update of the model with its initial weights, encoded by each codec. All sizes are in the
    paper's "MB" of 1,024,000 bytes; the number in brackets says how many times smaller than the dense model.
    """
    with Interrupts() as interrupts, interrupts.allowed():
        for line in table(model, values):
            say(line)


def table(model: str, values: str = "float32") -> Iterator[str]:
    """Yield the lines of the table.

    Parameters
    ----------
    model : str
        One of `PAPER_MODELS`.
    values : str
        One of `VALUES`.

    Examples
    --------
    >>> print(next(table("femnist_cnn")))
    femnist_cnn, topk-weights updates, float32 values; sizes in the paper's "MB" of 1,024,000 bytes
    """
    from minizerofl.fl.measures.sizes import PAPER_MB, sizes

    yield f'{model}, topk-weights updates, {values} values; sizes in the paper\'s "MB" of 1,024,000 bytes'
    dense, largest, agree = 0.0, 0.0, True
    for row in sizes(model, values):
        if not dense:
            dense, largest = row.counted / PAPER_MB, row.paper
            yield "   sp    r" + "".join(f"{head:>15}" for head in ["paper", "accounting", *row.encoded])
        agree &= f"{row.counted / PAPER_MB:.1f}" == f"{row.paper:.1f}"
        bytes_here = (row.counted, *row.encoded.values())
        cells = [_cell(row.paper, largest), *(_cell(size / PAPER_MB, dense) for size in bytes_here)]
        name = f"{row.sparsity:5.2f}{row.mask_ratio:5.1f}" if row.sparsity else "  dense   "
        yield name + "".join(f"{cell:>15}" for cell in cells)
    yield "accounting: 8 bytes for each entry sent, 4 for each row pointer; dense: 4 bytes an entry."
    if agree:
        yield "The accounting gives all of the paper's figures."
    else:
        yield (
            "The paper's figures do not fit a model of this size: its dense model would have fewer parameters, and its "
            "sparse updates less than 4 bytes for a value."
        )


def _cell(size: float, dense: float) -> str:
    return f"{size:.1f} ({dense / size:.1f}x)"
