"""What `minizerofl eval --per-class` shows: the accuracy of each class, and which classes are confused."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from minizerofl.fl.files.sealed import write_atomically
from minizerofl.printable import printable
from minizerofl_cli.runs.dataset import kind
from minizerofl_cli.screen.pictures import picture
from minizerofl_cli.screen.tables import table

LONGEST = 28  # characters of a class name in the table, so that it fits 80 columns
MOST_NAMED = 80  # classes; the axes of a picture with more stay without names

Counts = NDArray[np.int64]


def class_lines(counts: Counts, class_names: Sequence[str]) -> Iterator[str]:
    r"""Yield a table with a line for each class that occurs.

    Parameters
    ----------
    counts : (classes, classes) int64
        The confusion matrix, see `minizerofl.fl.measures.scores.confusion_matrix`.
    class_names : sequence of str
        The names.

    Examples
    --------
    >>> print(*class_lines(np.array([[3, 1], [0, 0]]), ["cat", "dog"]), sep="\n")
    class  samples  accuracy  most often taken for
    cat          4    75.0 %      dog (1 x, 25.0 %)
    """
    rows = []
    for label in np.flatnonzero(counts.sum(axis=1)).tolist():
        row = counts[label]
        total = int(row.sum())
        wrong = row.copy()
        wrong[label] = 0
        other, times = int(wrong.argmax()), int(wrong.max())
        confusion = f"{_short(class_names[other])} ({times:,} x, {100 * times / total:.1f} %)" if times else "-"
        rows.append((_short(class_names[label]), f"{total:,}", f"{100 * row[label] / total:.1f} %", confusion))
    yield from table(("class", "samples", "accuracy", "most often taken for"), rows)


def write_confusion(
    folder: Path, counts: Counts, class_names: Sequence[str], dataset: str, source: str, model: str
) -> Iterator[str]:
    """Write confusion.csv and confusion.png; yield a line that says where they are.

    Parameters
    ----------
    folder : Path
        Where to; made if it is missing. Earlier files of these names are replaced.
    counts, class_names
        See `class_lines`.
    dataset, source, model : str
        What the model was tested on, and its name.

    Raises
    ------
    OSError
        The disk is full or the folder cannot be written to.
    """
    folder.mkdir(parents=True, exist_ok=True)
    text = io.StringIO(newline="")
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["source", "class", "samples", *(f"predicted:{name}" for name in class_names)])
    for name, row in zip(class_names, counts.tolist(), strict=True):
        rows.writerow([source, name, sum(row), *row])
    write_atomically(folder / "confusion.csv", text.getvalue().encode())
    _draw(folder / "confusion.png", counts, class_names, f"{dataset}, {kind(source)}: {model}")
    yield f"The confusion matrix is in {folder / 'confusion.csv'} and {folder / 'confusion.png'}"


def _draw(image: Path, counts: Counts, class_names: Sequence[str], title: str) -> None:
    """Draw the share of each class (a row) that is taken for each class (a column)."""
    totals = counts.sum(axis=1, keepdims=True)
    shares = np.where(totals > 0, 100 * counts / np.maximum(totals, 1), np.nan)  # A class without samples stays white.
    side = min(12.0, 3.5 + 0.13 * len(class_names))
    with picture(side + 1, side, image) as figure:
        figure.suptitle(title)
        axes = figure.add_subplot()
        drawn = axes.imshow(shares, cmap="Blues", vmin=0, vmax=100)
        figure.colorbar(drawn, ax=axes, label="share of the class (%)", fraction=0.04)
        axes.set_xlabel("predicted class")
        axes.set_ylabel("class")
        if len(class_names) <= MOST_NAMED:
            names = [_short(name) for name in class_names]
            upright = max(map(len, names)) > 2
            axes.set_xticks(range(len(names)), names, fontsize=7, rotation=90 if upright else 0)
            axes.set_yticks(range(len(names)), names, fontsize=7)


def _short(name: str) -> str:
    shown = printable(name)
    return shown if len(shown) <= LONGEST else shown[: LONGEST - 1] + "…"
