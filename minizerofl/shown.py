"""How objects are shown: a line where Python prints them, a small table in a notebook."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from html import escape
from typing import TypeAlias

from minizerofl.printable import printable

Facts: TypeAlias = Mapping[str, object]


class Shown:
    """A class whose objects are shown by a title and a few facts.

    Examples
    --------
    >>> class Pair(Shown):
    ...     def _facts(self):
    ...         return "a pair", {"left": 1, "right": "<2>"}
    >>> Pair()
    <a pair: left 1, right <2>>
    >>> Pair()._repr_html_()
    '<table><caption>a pair</caption><tr><th>left</th><td>1</td></tr><tr><th>right</th><td>&lt;2&gt;</td></tr></table>'
    """

    @abstractmethod
    def _facts(self) -> tuple[str, Facts]:
        """Return a title and what is shown below it, by name."""

    def __str__(self) -> str:
        title, facts = self._facts()
        return printable(f"{title}: " + ", ".join(f"{name} {value}" for name, value in facts.items()))

    def __repr__(self) -> str:
        return f"<{self}>"

    def _repr_html_(self) -> str:
        """Return the table; it has no colours of its own, so it fits a dark page too."""
        title, facts = self._facts()
        rows = (f"<tr><th>{escape(name)}</th><td>{escape(str(value))}</td></tr>" for name, value in facts.items())
        return f"<table><caption>{escape(title)}</caption>{''.join(rows)}</table>"


def megabytes(size: int) -> str:
    """Say a number of bytes.

    Examples
    --------
    >>> megabytes(134_800_000)
    '134.8 MB'
    """
    return f"{size / 1_000_000:,.1f} MB"


def named(data: object) -> str:
    """Name a data set and say whether it is real; the class of one that does not tell.

    Examples
    --------
    >>> import minizerofl_datasets
    >>> named(minizerofl_datasets.load("femnist", source="synthetic", clients=1)), named([])
    ('femnist, SYNTHETIC data', 'list')
    """
    name = getattr(data, "name", type(data).__name__)
    return f"{name}, {kind(data.source)}" if hasattr(data, "source") else str(name)


def kind(source: object) -> str:
    """Say what a source is, so that nobody takes a synthetic result for a real one.

    Examples
    --------
    >>> kind("synthetic"), kind("real")
    ('SYNTHETIC data', 'real data')
    """
    return "real data" if source == "real" else "SYNTHETIC data"
