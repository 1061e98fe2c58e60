"""The picture of a run: test accuracy over rounds and over what the clients have sent."""

from __future__ import annotations

import csv
from pathlib import Path

from minizerofl_cli.picture import new_figure
from minizerofl_cli.progress import MB


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
