"""What all charts share: the figure around a drawing, and labels that fit their place."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from minizerofl.printable import printable
from minizerofl_cli.report.html import text

WIDTH = 420  # of a chart in its own units; a browser scales it
LETTER = 6.9  # about how wide a letter is, in a wide font
LABEL_LETTERS = 17  # longest label in a chart


def figure(title: str, drawing: str, numbers: str, *, unit: str = "", keys: str = "", notes: Sequence[str] = ()) -> str:
    """Return a figure: its title, a drawing, and the numbers in a table that opens on a click.

    Parameters
    ----------
    title : str
        What it shows.
    drawing : str
        An ``<svg>``, see `svg`.
    numbers : str
        A table, see `minizerofl_cli.report.html.table`.
    unit : str
        What the numbers are, if the drawing does not say it.
    keys : str
        A list of whole names, if the drawing shortens them.
    notes : sequence of str
        What is to be said below; empty ones are left out.

    Examples
    --------
    >>> figure("Loss", "<svg></svg>", "<table></table>", unit="nats").count("(nats)")
    1
    """
    behind = f' <span class="unit">({text(unit)})</span>' if unit else ""
    said = "".join(f'<p class="note">{text(note)}</p>' for note in notes if note)
    return (
        f"<figure><figcaption>{text(title)}{behind}</figcaption>{drawing}{keys}{said}"
        f"<details><summary>Table</summary>{numbers}</details></figure>\n"
    )


def svg(title: str, height: float, parts: Sequence[str]) -> str:
    """Return a drawing that is as wide as every chart; a reader of the screen says its title.

    Examples
    --------
    >>> svg("Loss", 10, ["<path/>"])
    '<svg viewBox="0 0 420 10" role="img" aria-label="Loss"><path/></svg>'
    """
    return f'<svg viewBox="0 0 {WIDTH} {height:g}" role="img" aria-label="{text(title)}">{"".join(parts)}</svg>'


def label_of(name: str, letters: float = LABEL_LETTERS) -> str:
    r"""Return a name as a label, cut if it is too long.

    Examples
    --------
    >>> label_of("topk-weights"), label_of("a\n"), label_of("猫" * 20)
    ('topk-weights', 'a\\n', '猫猫猫猫猫猫猫猫…')
    """
    name = printable(name)
    room = letters * LETTER
    if width_of(name) <= room:
        return name
    while name and width_of(name) > room - LETTER:
        name = name[:-1]
    return name + "…"


def width_of(label: str) -> float:
    """Return about how wide a text is; a Chinese character is as wide as two letters.

    Examples
    --------
    >>> width_of("猫") == width_of("ab")
    True
    """
    return sum(2 * LETTER if unicodedata.east_asian_width(letter) in "WF" else LETTER for letter in label)
