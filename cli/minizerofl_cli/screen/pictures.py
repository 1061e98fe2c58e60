"""Pictures: figures that need no display, and the accuracy curve of a run."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

from minizerofl_cli.screen.progress import MB

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure, in inches.

    Examples
    --------
    >>> new_figure(4, 3).get_size_inches().tolist()
    [4.0, 3.0]
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # needs no display, and changes no global setting
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def save_picture(figure: Figure, output: Path) -> None:
    """Save a figure; its folder is made if it is missing.

    Raises
    ------
    OSError
        It cannot be written.
    """
    output.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(output, dpi=110)


def plot_history(history: Path, title: str, image: Path) -> None:
    """Draw accuracy.png from history.csv.

    Parameters
    ----------
    history : Path
        A history.csv; rounds without evaluation are passed over.
    title : str
        What stands above: it has to say whether the data are real.
    image : Path
        Where to.
    """
    with history.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["test_accuracy"]]
    accuracy = [100 * float(row["test_accuracy"]) for row in rows]
    panels = {
        "round": [int(row["round"]) for row in rows],
        "total uplink (MB)": [int(row["cum_uplink_bytes"]) / MB for row in rows],
    }
    figure = new_figure(9, 3.8)
    figure.suptitle(title)
    for axes, (label, x) in zip(figure.subplots(1, 2, sharey=True), panels.items(), strict=True):
        axes.plot(x, accuracy, marker="o", markersize=3, linewidth=1.5)
        axes.set_xlabel(label)
        axes.set_xlim(left=0)
        axes.set_ylim(0, 100)
        axes.grid(alpha=0.3)
    figure.axes[0].set_ylabel("test accuracy (%)")
    figure.savefig(image, dpi=120)
