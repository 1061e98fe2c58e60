"""Plain tables: columns as wide as they must be, text to the left, numbers to the right."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Collection, Sequence
from pathlib import Path

import click


def table(head: Sequence[str], rows: Sequence[Sequence[str]], left: Collection[int] = (0,)) -> list[str]:
    """Lay out a table; the first column stands to the left, all others to the right.

    Parameters
    ----------
    head : sequence of str
        The titles of the columns.
    rows : sequence of sequence of str
        The cells.
    left : collection of int
        The columns that stand to the left, if it is not the first alone.

    Returns
    -------
    list of str
        A line for the head and for each row.

    Examples
    --------
    >>> for line in table(("layer", "ms"), [("conv1", "1.25"), ("linear", "10.5")]):
    ...     print(line)
    layer     ms
    conv1   1.25
    linear  10.5
    """
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]
    return [
        "  ".join(
            cell.ljust(width) if i in left else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in (head, *rows)
    ]


def screen_width() -> int:
    """Return the number of columns of the screen: COLUMNS, else the terminal's, else 80."""
    return shutil.get_terminal_size().columns


def fitting_table(
    head: Sequence[str], rows: Sequence[Sequence[str]], width: int, first_to_go: Collection[str], hint: str
) -> list[str]:
    """Lay out a table that fits the screen: columns are left out, one after the other, until it does.

    Parameters
    ----------
    head, rows
        As in `table`.
    width : int
        Columns of the screen.
    first_to_go : collection of str
        The titles of the columns that may be left out, the least important first.
    hint : str
        How to see all columns.

    Returns
    -------
    list of str
        The table; a last line names what was left out.

    Examples
    --------
    >>> rows = [("conv1", "Conv2d", "1.25"), ("linear", "Linear", "10.5")]
    >>> for line in fitting_table(("layer", "kind", "ms"), rows, 15, ["kind"], "--csv FILE"):
    ...     print(line)
    layer     ms
    conv1   1.25
    linear  10.5
    Not shown: kind (a wider screen, or --csv FILE).
    """
    left_out: list[str] = []
    for title in (None, *first_to_go):
        left_out += [title] if title else []
        shown = [i for i, each in enumerate(head) if each not in left_out]
        lines = table([head[i] for i in shown], [[row[i] for i in shown] for row in rows])
        if max(map(len, lines)) <= width:
            break
    return [*lines, f"Not shown: {', '.join(left_out)} (a wider screen, or {hint})."] if left_out else lines


def block_table(
    head: Sequence[str], rows: Sequence[Sequence[str]], width: int, first_to_go: Collection[str], hint: str
) -> list[str]:
    """Lay out a table with the first column on lines of its own, for names that are long; see `fitting_table`.

    Examples
    --------
    >>> rows = [("a-long-name", "finished", "30/30")]
    >>> for line in block_table(("name", "state", "rounds"), rows, 18, ["rounds"], "--csv FILE"):
    ...     print(line)
    name
         state  rounds
    a-long-name
      finished   30/30
    """
    names = [head[0], *(row[0] for row in rows)]
    below = fitting_table(["", *head[1:]], [["", *row[1:]] for row in rows], width, first_to_go, hint)
    pairs = zip(names, below[: len(names)], strict=True)
    return [*(line for pair in pairs for line in pair), *below[len(names) :]]


def csv_text(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    r"""Return a table as CSV.

    Examples
    --------
    >>> csv_text(("layer", "ms"), [("conv1", 1.25)])
    'layer,ms\nconv1,1.25\n'
    """
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows([head, *rows])
    return text.getvalue()


def write_csv(file: Path, text: str) -> None:
    """Write CSV to a file, or to the screen if its name is "-".

    Raises
    ------
    OSError
        The file cannot be written.
    """
    if str(file) == "-":
        click.echo(text, nl=False)
    else:
        file.write_text(text, encoding="utf-8", errors="backslashreplace", newline="")
