"""The paper's table and ours side by side: on the screen, as Markdown and as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from statistics import mean, stdev

from minizerofl_cli.reproduce.recipe import MEASURES, Cell, Recipe
from minizerofl_cli.screen.tables import table


@dataclass
class Found:
    """What the runs of a cell have given so far.

    Attributes
    ----------
    cell : Cell
        The cell.
    values : list of float
        The measure of each run that has finished, %.
    wanted : int
        How many runs there are to be.
    seconds : float
        How long the finished runs took, in all.
    """

    cell: Cell
    values: list[float] = field(default_factory=list)
    wanted: int = 1
    seconds: float = 0.0

    def ours(self) -> str:
        """Tell our figure: the mean, with the standard deviation over seeds where there are two or more.

        Examples
        --------
        >>> cell = Cell("a", "b", {}, "")
        >>> Found(cell, [70.0, 72.0], 2).ours(), Found(cell, [70.0], 1).ours(), Found(cell, [], 3).ours()
        ('71.00 ± 1.41', '70.00', '')
        """
        if not self.values:
            return ""
        spread = f" ± {stdev(self.values):.2f}" if len(self.values) > 1 else ""
        return f"{mean(self.values):.2f}{spread}"

    def seeds(self) -> str:
        """Tell how many of the runs are done."""
        return f"{len(self.values)} of {self.wanted}"


def screen_lines(recipe: Recipe, found: Sequence[Found], caution: str) -> Iterator[str]:
    """Yield the table for the screen: a line a cell.

    Parameters
    ----------
    recipe : Recipe
        What was reproduced.
    found : sequence of Found
        What came out, by cell.
    caution : str
        Why the figures are not to be compared with the paper's; empty if they are.
    """
    yield f"{recipe.title} ({recipe.where})"
    yield f"Each figure is: {MEASURES[recipe.measure]}."
    if caution:
        yield caution
    head = ("row, column", "paper", "ours, see above" if caution else "ours", "seeds")
    yield from table(
        head, [(f"{each.cell.row}, {each.cell.column}", each.cell.paper, each.ours(), each.seeds()) for each in found]
    )
    for line in recipe.differs:
        yield f"Differs: {line}."


def markdown(recipe: Recipe, found: Sequence[Found], caution: str) -> str:
    """Return the table in Markdown."""
    rows = [
        f"| {each.cell.row} | {each.cell.column} | {each.cell.paper} | {each.ours()} | {each.seeds()} |"
        for each in found
    ]
    return "\n".join(
        [
            f"# {recipe.title}",
            "",
            f"{recipe.where}; {MEASURES[recipe.measure]}",
            *(["", f"**{caution}**"] if caution else []),
            "",
            f"| row | column | paper | {'ours, see above' if caution else 'ours'} | seeds |",
            "|---|---|---|---|---|",
            *rows,
            "",
            *(f"- Differs: {line}." for line in recipe.differs),
            "",
        ]
    )


def as_csv(found: Sequence[Found], factor: float) -> str:
    """Return the table as CSV: a line a cell, with the figure of every seed."""
    text = io.StringIO(newline="")
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["row", "column", "paper", "mean", "standard_deviation", "seeds", "seconds", "scale", "values"])
    for each in found:
        values = each.values
        rows.writerow(
            [
                *(each.cell.row, each.cell.column, each.cell.paper),
                f"{mean(values):.4f}" if values else "",
                f"{stdev(values):.4f}" if len(values) > 1 else "",
                *(len(values), f"{each.seconds:.0f}", f"{factor:g}", " ".join(f"{value:.4f}" for value in values)),
            ]
        )
    return text.getvalue()
