"""Pictures: figures that need no display, and the accuracy curve of a run."""

from __future__ import annotations

import csv
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from minizerofl_cli.screen.progress import MB

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DPI = 110
STYLE: dict[str, Any] = {"color": "C0", "marker": "o", "markersize": 3, "linewidth": 1.5}


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


def plot_history(history: Path, title: str, image: Path, majority: float) -> None:
    """Draw accuracy.png from history.csv: the accuracy over the rounds and over what was sent, and the losses.

    Parameters
    ----------
    history : Path
        The history.csv.
    title : str
        What stands above: it has to say whether the data are real.
    image : Path
        Where to.
    majority : float
        The accuracy of always answering the commonest class, 0 to 1: a dashed line.
    """
    from matplotlib.ticker import MaxNLocator

    with history.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    tested = [row for row in rows if row["test_accuracy"]]
    accuracy = [100 * float(row["test_accuracy"]) for row in tested]
    sent = [int(row["cum_uplink_bytes"]) / MB for row in tested]
    with picture(12, 3.8, image) as figure:
        figure.suptitle(title)
        over_rounds, over_bytes, losses = figure.subplots(1, 3)
        over_rounds.plot(_rounds(tested), accuracy, **STYLE, label="test accuracy")
        over_bytes.plot(sent, accuracy, **STYLE)
        for axes in (over_rounds, over_bytes):
            axes.axhline(100 * majority, color="0.4", linestyle="--", linewidth=1, label="majority class")
            axes.set_ylim(0, min(100, 1.15 * max([*accuracy, 100 * majority, 1])))
            axes.set_ylabel("test accuracy (%)")
        train = [float(row["train_loss_nats"]) for row in rows]
        losses.plot(_rounds(rows), train, color="C1", marker=".", markersize=3, linewidth=1, label="local training")
        test = [float(row["test_loss_nats"]) for row in tested]
        losses.plot(_rounds(tested), test, **STYLE, label="test")
        losses.set_ylabel("loss (nats)")
        losses.set_ylim(0, 1.1 * max([*train, *test, 0.1]))
        over_bytes.set_xlabel("total uplink (MB)")
        over_bytes.set_xlim(0, 1.05 * max([*sent, 1]))
        for axes in (over_rounds, losses):
            axes.legend(fontsize="small")
            axes.set_xlabel("round")
            axes.set_xlim(0, max(_rounds(rows), default=0) + 1)
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        for axes in figure.axes:
            axes.grid(alpha=0.3)


def _rounds(rows: list[dict[str, str]]) -> list[int]:
    return [int(row["round"]) for row in rows]
