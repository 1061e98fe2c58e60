"""A recipe: a table or figure of the paper as the runs that make it, with the paper's figures to stand beside."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from minizerofl.registry import hint

RECIPES = Path(__file__).parent / "recipes"
NAMES = tuple(sorted(file.stem for file in RECIPES.glob("*.toml")))

# What a cell of a table holds: after the last round, in the round that was best on validation samples, ...
MEASURES = {
    "last": "test accuracy after the last round, %",
    "best": "test accuracy in the round that was best on validation samples, %",
    "density": "highest share of the sparse layers' weights that is not zero after aggregation, %",
    "stay": "kept positions that two successive noted rounds share (Jaccard index, mean over layers and rounds), %",
}


@dataclass(frozen=True)
class Cell:
    """One place of the table: the same settings with some seeds.

    Attributes
    ----------
    row, column : str
        Its place.
    options : mapping
        The options of `minizerofl train` that make it.
    paper : str
        What the paper has there; empty if it has, or we know, nothing.
    """

    row: str
    column: str
    options: Mapping[str, Any]
    paper: str


@dataclass(frozen=True)
class Recipe:
    """A table or figure of the paper.

    Attributes
    ----------
    name : str
        As it is asked for.
    title : str
        What it shows.
    where : str
        Where it stands in the paper.
    measure : str
        What a cell holds, a key of `MEASURES`.
    seeds : int
        How many seeds a cell has unless something else is asked for.
    differs : sequence of str
        What differs from the paper.
    cells : sequence of Cell
        The places of the table, row by row.

    Examples
    --------
    >>> recipe = find_recipe("table2")
    >>> recipe.rows, recipe.cells[0].column, recipe.cells[0].paper
    (('cifar10-0.90', 'cifar10-0.95'), 'full', '83.38')
    """

    name: str
    title: str
    where: str
    measure: str
    seeds: int
    differs: Sequence[str]
    cells: Sequence[Cell]

    @cached_property
    def rows(self) -> tuple[str, ...]:
        """The rows, from top to bottom."""
        return tuple(dict.fromkeys(cell.row for cell in self.cells))

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The columns, from left to right."""
        return tuple(dict.fromkeys(cell.column for cell in self.cells))

    def only(self, rows: Sequence[str], columns: Sequence[str]) -> Recipe:
        """Return a recipe with some of the rows and columns; with all, if none is named.

        Raises
        ------
        ConfigError
            One of them does not exist.

        Examples
        --------
        >>> [cell.column for cell in find_recipe("table2").only(["cifar10-0.95"], ["full"]).cells]
        ['full']
        """
        from minizerofl.fl.errors import ConfigError

        for kind, named, known in (("row", rows, self.rows), ("column", columns, self.columns)):
            for name in named:
                if name not in known:
                    raise ConfigError(
                        f"--{kind} {name!r} does not exist in {self.name}{hint(name, known)}; it has {', '.join(known)}"
                    )
        kept = [
            cell for cell in self.cells if cell.row in (rows or self.rows) and cell.column in (columns or self.columns)
        ]
        return Recipe(self.name, self.title, self.where, self.measure, self.seeds, self.differs, kept)


def find_recipe(name: str) -> Recipe:
    """Read a recipe of the package.

    Parameters
    ----------
    name : str
        One of `NAMES`.
    """
    content = tomllib.loads((RECIPES / f"{name}.toml").read_text(encoding="utf-8"))
    cells = [
        Cell(row["name"], column["name"], {**content["options"], **row["options"], **column["options"]}, _text(figure))
        for row in content["rows"]
        for column, figure in zip(content["columns"], row.get("paper", [""] * len(content["columns"])), strict=True)
    ]
    return Recipe(
        name,
        content["title"],
        content["where"],
        content["measure"],
        content["seeds"],
        content["differs"],
        cells,
    )


def scaled(options: Mapping[str, Any], rounds: int, factor: float) -> dict[str, Any]:
    """Shorten a run: a share of its rounds, with the learning rate falling over them, and evaluated ten times or more.

    Parameters
    ----------
    options : mapping
        Options of `minizerofl train`.
    rounds : int
        The rounds of the whole run.
    factor : float
        The share of them, above 0 and up to 1.

    Examples
    --------
    >>> scaled({"dataset": "cifar10"}, 700, 0.01)
    {'dataset': 'cifar10', 'rounds': 7, 'schedule_rounds': 7, 'eval_every': 1}
    >>> scaled({"dataset": "cifar10"}, 700, 1.0)
    {'dataset': 'cifar10'}
    """
    if factor == 1:
        return dict(options)
    fewer = max(1, round(rounds * factor))
    return {**options, "rounds": fewer, "schedule_rounds": fewer, "eval_every": max(1, min(10, fewer // 10))}


def _text(figure: float | str) -> str:
    return figure if isinstance(figure, str) else f"{figure:.2f}"
