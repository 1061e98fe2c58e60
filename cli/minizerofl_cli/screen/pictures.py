"""Pictures: figures that need no display, and the accuracy curve of a run."""

from __future__ import annotations

import csv
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from minizerofl_cli.screen.progress import MB

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DPI = 110


@contextmanager
def picture(width: float, height: float, output: Path) -> Iterator[Figure]:
    """Give an empty figure, in inches, and save it at the end; its folder is made if it is missing.

    Settings of the user's own matplotlibrc do not count, and no text is taken for mathematics: names may hold a ``$``.

    Raises
    ------
    OSError
        It cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with picture(4, 3, Path(folder) / "a.png") as figure:
    ...         _ = figure.suptitle("$5-$10")
    ...     (Path(folder) / "a.png").exists()
    True
    """
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # needs no display
    from matplotlib.figure import Figure

    with matplotlib.rc_context(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # A character that the font lacks is drawn as a box.
        matplotlib.rcdefaults()
        matplotlib.rcParams["text.parse_math"] = False
        figure = Figure(figsize=(width, height), layout="constrained")
        FigureCanvasAgg(figure)
        yield figure
        output.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(output, dpi=DPI)


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
    with picture(9, 3.8, image) as figure:
        figure.suptitle(title)
        for axes, (label, x) in zip(figure.subplots(1, 2, sharey=True), panels.items(), strict=True):
            axes.plot(x, accuracy, marker="o", markersize=3, linewidth=1.5)
            axes.set_xlabel(label)
            axes.set_xlim(left=0)
            axes.set_ylim(0, 100)
            axes.grid(alpha=0.3)
        figure.axes[0].set_ylabel("test accuracy (%)")
