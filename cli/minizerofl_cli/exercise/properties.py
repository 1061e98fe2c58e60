"""What a check is made of: properties that hold for the library, and must hold with a student's function in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass, is_dataclass
from typing import Any

import numpy as np
from numpy.random import Generator

from minizerofl.usercode import describe
from minizerofl_cli.exercise.symbols import replaced

Given = dict[str, Any]


@dataclass(frozen=True)
class Property:
    """A property, and cases in which it is looked at.

    Attributes
    ----------
    sentence, formula : str
        What must hold, in words and as a formula.
    cases : callable
        Takes a random generator and returns what is given in each case, by name, the smallest case first.
    ask : callable
        Takes a case and returns what the library answers.
    expected : callable
        Takes a case and returns the right answer, computed in another way.
    tolerance : float
        By how much an answer may differ, relative to it or absolute.
    """

    sentence: str
    formula: str
    cases: Callable[[Generator], Iterable[Given]]
    ask: Callable[..., Any]
    expected: Callable[..., Any]
    tolerance: float = 1e-5


@dataclass(frozen=True)
class Raised:
    """An exception in the place of an answer."""

    error: BaseException

    def __str__(self) -> str:
        return describe(self.error)

    def kind(self) -> str:
        """Return its type and how its message begins, which two exceptions with one cause have in common."""
        return f"{type(self.error).__name__}: {str(self.error)[:30]}"


def answers(symbol: str, function: Any, asked: Property, cases: Iterable[Given]) -> list[Any]:
    """Ask the library with another function in the place of a symbol; an exception is an answer."""
    found: list[Any] = []
    with replaced(symbol, function), np.errstate(all="ignore"):
        for given in cases:
            try:
                found.append(asked.ask(**deepcopy(given)))
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # sys.exit too
                found.append(Raised(error))
    return found


def difference(expected: Any, got: Any, tolerance: float, where: str = "") -> str:
    """Say where two answers first differ. The text is empty if they are equal.

    Examples
    --------
    >>> difference({"dX": np.array([[1.0, 2.0]])}, {"dX": np.array([[1.0, 3.0]])}, 1e-5)
    'dX: first difference at index [0, 1]: expected 2, got 3'
    >>> difference(np.array([1, 2]), np.array([1, 2, 4]), 0)
    'expected shape (2,), got (3,)'
    """
    if isinstance(expected, Raised) and isinstance(got, Raised):
        return "" if expected.kind() == got.kind() else f"{where}expected {expected}, got {got}"
    if isinstance(expected, Raised) or isinstance(got, Raised):
        return f"{where}an exception, where an answer is expected"
    if isinstance(expected, Mapping):
        if not isinstance(got, Mapping) or list(expected) != list(got):
            return f"{where}expected {', '.join(map(str, expected))}; got {_kind(got)}"
        parts = (difference(value, got[key], tolerance, f"{where}{key}: ") for key, value in expected.items())
        return next(filter(None, parts), "")
    if isinstance(expected, str) or expected is None or isinstance(got, str):
        return "" if type(expected) is type(got) and expected == got else f"{where}expected {expected}, got {got}"
    try:
        right, answer = np.asarray(expected), np.asarray(got)
    except ValueError:  # rows of different lengths
        return f"{where}expected {_kind(expected)}, got {_kind(got)} that makes no array"
    if answer.dtype.kind not in "biuf":
        return f"{where}expected {_kind(expected)}, got {_kind(got)}"
    if right.shape != answer.shape:
        return f"{where}expected shape {right.shape}, got {answer.shape}"
    close = np.isclose(answer, right, rtol=tolerance, atol=tolerance, equal_nan=True)
    if close.all():
        return ""
    index = tuple(map(int, np.argwhere(~close)[0]))
    place = f"first difference at index {list(index)}: " if index else ""
    return f"{where}{place}expected {right[index]:.7g}, got {answer[index]:.7g}"


def shown(values: Any) -> list[str]:
    """Show a case or an answer on lines of its own."""
    if isinstance(values, Mapping) or (is_dataclass(values) and not isinstance(values, Raised)):
        items = values.items() if isinstance(values, Mapping) else vars(values).items()
        return [line for key, value in items for line in _named(key, shown(value))]
    if isinstance(values, np.ndarray):
        flat = values.squeeze() if values.ndim > 2 else values
        lines = np.array2string(flat, precision=6, separator=", ", threshold=80, max_line_width=100).splitlines()
        return lines if flat is values else [f"shape {values.shape}", *filter(str.strip, lines)]
    if isinstance(values, (list, tuple)):
        values = [each.tolist() if isinstance(each, np.ndarray) else each for each in values]
    return [str(values)]


def _named(name: str, lines: list[str]) -> list[str]:
    begin = f"{name}: " if " = " in lines[0] or ": " in lines[0] else f"{name} = "
    return [begin + lines[0], *(" " * len(begin) + line for line in lines[1:])]


def _kind(value: Any) -> str:
    return f"an array of shape {value.shape}" if isinstance(value, np.ndarray) else f"{type(value).__name__}"
