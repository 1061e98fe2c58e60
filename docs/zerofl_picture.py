"""Draw docs/zerofl.png: a round, the three products of a sparse layer with their masks, and averaging with zeros.

    python docs/zerofl_picture.py [FILE]

Black, grey and white are enough to read it, and the letters are large enough for a telephone.
"""

import sys
from pathlib import Path

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

KEPT, DENSE, ZERO = "black", "0.72", "white"  # an entry of a masked matrix, one of a dense matrix, and a zero
CELL = 0.32


def panel(figure: Figure, bottom: float, height: float, title: str) -> Axes:
    """Add a strip as wide as the figure; its units are tenths of the width, y upwards."""
    axes = figure.add_axes((0.0, bottom, 1.0, height))
    width, full = figure.get_size_inches()
    axes.set(xlim=(0, 10), ylim=(0, 10 * height * full / width))
    axes.set_axis_off()
    axes.text(0.2, axes.get_ylim()[1] - 0.1, title, weight="bold", va="top")
    return axes


def matrix(axes: Axes, x: float, y: float, name: str, mask: np.ndarray, fill: str = KEPT) -> float:
    """Draw a matrix with its middle at height y and its left edge at x; return the right edge."""
    rows, cols = mask.shape
    top = y + rows * CELL / 2
    for i, j in np.ndindex(rows, cols):
        colour = fill if mask[i, j] else ZERO
        axes.add_patch(
            Rectangle((x + j * CELL, top - (i + 1) * CELL), CELL, CELL, facecolor=colour, edgecolor="0.35", lw=0.7)
        )
    axes.text(x + cols * CELL / 2, top - rows * CELL - 0.1, name, ha="center", va="top")
    return x + cols * CELL


def product(axes: Axes, y: float, words: str, result: str, factors: tuple[tuple[str, np.ndarray, str], ...]) -> None:
    """Draw result = factor factor, with a line of words above it."""
    axes.text(0.3, y + 3 * CELL + 0.15, words, va="bottom")
    left, right = factors
    x = matrix(axes, 0.6, y, result, np.ones((left[1].shape[0], right[1].shape[1]), bool), DENSE)
    axes.text(x + 0.45, y, "=", ha="center", va="center", size=15)
    x = matrix(axes, x + 0.9, y, *left)
    axes.text(x + 0.35, y, "·", ha="center", va="center", size=17)
    matrix(axes, x + 0.7, y, *right)


def draw_round(axes: Axes) -> None:
    """Draw the server, two clients, and what travels between them."""
    box = {"boxstyle": "round,pad=0.45", "facecolor": "white", "edgecolor": "black"}
    axes.text(5, 3.55, "            server: global model $w_t$, dense            ", ha="center", va="center", bbox=box)
    for x, name in ((1.9, "client 1"), (8.1, "client 2")):
        axes.text(x, 0.6, f"{name}: SWAT\nfrom $w_t$ to $w_E$", ha="center", va="center", bbox=box)
        axes.annotate("", (x - 0.3, 1.2), (x - 0.3, 3.2), arrowprops={"arrowstyle": "-|>", "color": "0.5", "lw": 5})
        axes.annotate("", (x + 0.3, 3.2), (x + 0.3, 1.2), arrowprops={"arrowstyle": "-|>", "color": "black", "lw": 1.5})
    axes.text(
        5, 2.1, "down: all of $w_t$\nup: the top $k$ of\neach sparse layer,\n$k = 1 - sp + r$", ha="center", va="center"
    )


def draw_products(axes: Axes) -> None:
    """Draw the products of equations 1 and 2 for a layer of 6 inputs and 4 outputs, and 5 samples."""
    w_top, x_top = np.zeros((6, 4), bool), np.zeros((6, 5), bool)
    w_top[range(6), [0, 2, 1, 3, 1, 0]] = True  # a quarter of each, and no row or column is empty
    x_top[[0, 1, 2, 2, 3, 4, 5, 5], [4, 2, 0, 3, 1, 3, 2, 4]] = True
    x, dy = np.ones((6, 5), bool), np.ones((4, 5), bool)
    product(
        axes, 7.5, "forward: $W_{top}$, the largest weights", "$y$", (("$W_{top}^T$", w_top.T, KEPT), ("$x$", x, DENSE))
    )
    product(axes, 4.5, "backward: $W_{top}$ again", "$dX$", (("$W_{top}$", w_top, KEPT), ("$dY$", dy, DENSE)))
    words = "backward: $x_{top}$, the largest activations"
    product(axes, 1.5, words, "$dW$", (("$x_{top}$", x_top, KEPT), ("$dY^T$", dy.T, DENSE)))
    for y, colour, meaning in ((8.0, KEPT, "kept"), (7.35, ZERO, "left out"), (6.7, DENSE, "dense")):
        axes.add_patch(Rectangle((7.5, y), CELL, CELL, facecolor=colour, edgecolor="0.35", lw=0.7))
        axes.text(8.0, y + CELL / 2, meaning, va="center")
    axes.text(6.6, 1.5, "$dY$ is dense,\nso all weights\nlearn", va="center")


def draw_average(axes: Axes) -> None:
    """Draw what two clients send of five weights, and the average; an empty cell was not sent."""
    n = np.array([10, 30])
    sent = np.array([[4.0, 2.0, 0, 0, 0], [4.0, 0, 0, 2.0, 0]])
    rows = [
        ("client 1, $n_1$ = 10", sent[0]),
        ("client 2, $n_2$ = 30", sent[1]),
        ("average, $n$ = 40", n @ sent / n.sum()),
    ]
    for row, (name, values) in enumerate(rows):
        y = 2.5 - 0.9 * row - (0.15 if row == 2 else 0)
        axes.text(0.3, y, name, va="center")
        for i, value in enumerate(values):
            face = DENSE if value else ZERO
            axes.add_patch(Rectangle((4.3 + 1.1 * i, y - 0.35), 1.1, 0.7, facecolor=face, edgecolor="black", lw=0.8))
            axes.text(4.85 + 1.1 * i, y, f"{value:g}" if value or row == 2 else "", ha="center", va="center")


def draw(file: Path) -> None:
    """Draw the whole picture."""
    with rc_context({"font.size": 11.5, "mathtext.fontset": "dejavusans"}):
        figure = Figure(figsize=(5, 9.0))
        draw_round(panel(figure, 0.757, 0.243, "1  A round"))
        draw_products(panel(figure, 0.2, 0.545, "2  On a client: three products, two masks"))
        draw_average(panel(figure, 0.0, 0.197, "3  On the server: what is not sent counts as 0"))
        figure.savefig(file, dpi=160, metadata={"Software": None})


if __name__ == "__main__":
    draw(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("zerofl.png"))
