"""Pieces of HTML: escaped text, and tables that say what they leave out."""

from __future__ import annotations

import html
from collections.abc import Sequence

from minizerofl.printable import printable
from minizerofl_cli.report.axes import number

TABLE_ROWS = 1000  # A longer table shows every second row, every third and so on, and says so.

Cell = str | float | None


def text(value: object) -> str:
    r"""Return a text as HTML, all on one line; what cannot be seen is shown as an escape sequence.

    Examples
    --------
    >>> text("<b> & 猫\x07")
    '&lt;b&gt; &amp; 猫\\x07'
    """
    return html.escape(printable(str(value)))


def table(head: Sequence[str], rows: Sequence[Sequence[Cell]], rest: str = "") -> str:
    """Return a table as HTML.

    Parameters
    ----------
    head : sequence of str
        Names of the columns.
    rows : sequence of sequence of (str, number or None)
        The rows; None and NaN are shown as a dash.
    rest : str
        Where the other rows are, for a table that is longer than `TABLE_ROWS`; as in "history.csv".

    Examples
    --------
    >>> table(["round", "loss"], [[1, 0.5]])  # doctest: +ELLIPSIS
    '<div class="scroll"><table><thead><tr><th scope="col">round</th>...<td>0.5</td></tr></tbody></table></div>'
    """
    shown, note = shorten(rows, rest)
    top = "".join(f'<th scope="col">{text(name)}</th>' for name in head)
    body = "\n".join("<tr>" + "".join(map(_cell, row)) + "</tr>" for row in shown)
    said = f'<p class="note">{text(note)}</p>' if note else ""
    return f'{said}<div class="scroll"><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'


def shorten(rows: Sequence[Sequence[Cell]], rest: str = "") -> tuple[Sequence[Sequence[Cell]], str]:
    """Return the rows that a table shows, and what is to be said if they are not all.

    Examples
    --------
    >>> rows, note = shorten([[i] for i in range(2500)], "history.csv")
    >>> len(rows), note
    (834, 'This table shows every 3rd of 2,500 rows, and the last one; all are in history.csv.')
    """
    if len(rows) <= TABLE_ROWS:
        return rows, ""
    every = -(-len(rows) // TABLE_ROWS)
    kept = [row for i, row in enumerate(rows) if i % every == 0 or i == len(rows) - 1]
    ordinal = {2: "2nd", 3: "3rd"}.get(every, f"{every}th")
    elsewhere = f"; all are in {rest}" if rest else ""
    return kept, f"This table shows every {ordinal} of {len(rows):,} rows, and the last one{elsewhere}."


def _cell(value: Cell) -> str:
    return f'<td class="word">{text(value)}</td>' if isinstance(value, str) else f"<td>{number(value)}</td>"
