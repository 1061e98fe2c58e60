"""Figures without a display: made for one picture, saved, forgotten."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

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
