"""Draw the two pictures of docs/kernels.md: the phases of a strided convolution, and how dW is cut into pieces.

    python docs/kernels_pictures.py [folder]

writes kernels-planes.png and kernels-dw.png, beside this file if no folder is given.
"""

import sys
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

GREYS = {(0, 0): "1.0", (0, 1): "0.87", (1, 0): "0.74", (1, 1): "0.61"}  # of each phase
THICK = 2.6


def box(axes: Axes, x: float, y: float, width: float, height: float, **style: object) -> None:
    """Draw a rectangle; x runs to the right and y down, like columns and lines."""
    axes.add_patch(Rectangle((x, y), width, height, **{"fill": False, "edgecolor": "black", **style}))


def panel(axes: Axes, title: str, width: float, height: float) -> None:
    """Prepare axes for boxes of size 1."""
    axes.set_title(title, fontsize=11, loc="left")
    axes.set_xlim(-0.1, width + 0.1)
    axes.set_ylim(height + 0.1, -0.1)
    axes.set_aspect("equal")
    axes.axis("off")


def planes() -> Figure:
    """Show how an image is dealt out to phases (space-to-depth), and where a tap then finds its pixels."""
    figure = Figure(figsize=(10, 5.3))
    whole, dealt = figure.subplots(1, 2, width_ratios=[6, 7])
    seen = {(1, 2), (1, 4), (3, 2), (3, 4)}  # by the tap in row 1, column 2 of a 3 x 3 filter, stride 2
    panel(whole, "The padded image, pixels (line, column)", 6, 6.9)
    panel(dealt, "Its four phases: (line mod 2, column mod 2)", 7.2, 8.2)
    for h in range(6):
        for w in range(6):
            phase, style = (h % 2, w % 2), {"fontsize": 10, "ha": "center", "va": "center"}
            if (h, w) in seen:
                style |= {"weight": "bold", "bbox": {"boxstyle": "circle", "facecolor": "white"}}
            x, y = 3.8 * phase[1] + w // 2, 0.5 + 4.1 * phase[0] + h // 2
            for axes, at in ((whole, (w, h)), (dealt, (x, y))):
                box(axes, *at, 1, 1, fill=True, facecolor=GREYS[phase], linewidth=0.6)
                axes.text(at[0] + 0.5, at[1] + 0.5, f"{h},{w}", **style)
    for a, b in GREYS:
        dealt.text(3.8 * b, 0.4 + 4.1 * a, f"phase ({a}, {b})", fontsize=10)
    box(whole, 1, 1, 4, 4, linewidth=THICK, linestyle=":")
    box(whole, 0, 0, 3, 3, linewidth=THICK)
    box(dealt, 1, 4.6, 2, 2, linewidth=THICK)
    whole.text(0, 6.25, "solid: the filter at its first place", fontsize=10, va="center")
    whole.text(0, 6.65, "dotted: the image without its padding", fontsize=10, va="center")
    figure.suptitle("A 3 x 3 filter with stride 2. Circles: the pixels that its tap (1, 2) meets, one at each place.")
    figure.tight_layout()
    return figure


def pieces() -> Figure:
    """Show what one kept activation does to dW: cells of x_top, a band of dY, runs of taps, a tile."""
    figure = Figure(figsize=(12, 4.7))
    kept, gradient, weights = figure.subplots(1, 3, width_ratios=[8, 8, 10.6])
    panel(kept, "x_top of one input channel", 8, 9.9)
    panel(gradient, "dY: one tile of 32 output channels", 8, 9.9)
    panel(weights, "dW of this input channel: a row for each tap", 10.6, 9.9)

    for line in range(8):
        box(kept, 0, line, 8, 1, linewidth=1.6)
        for column in range(8):
            box(gradient, column, line, 1, 1, linewidth=0.5)
    for h, w in ((0, 1), (0, 6), (1, 4), (2, 2), (3, 4), (3, 7), (4, 0), (5, 3), (5, 6), (6, 5), (7, 2)):
        kept.plot(w + 0.5, h + 0.5, "ko", markersize=6)
    kept.plot(4.5, 3.5, "o", markersize=15, markerfacecolor="none", markeredgecolor="black")
    kept.text(0, 8.6, "a box: one cell, a line of the image\na dot: a kept activation", fontsize=10, va="top")

    box(gradient, 0, 0, 8, 4, fill=True, facecolor="0.87", linewidth=THICK, zorder=0)
    box(gradient, 0, 4, 8, 4, linewidth=THICK)
    for tap, column in enumerate((5, 4, 3)):
        box(gradient, column, 3, 1, 1, fill=True, facecolor="white", linewidth=1.6)
        gradient.text(column + 0.5, 3.5, f"1,{tap}", fontsize=10, ha="center", va="center", weight="bold")
    note = "grey: a band of 4 lines, copied channels last\nwhite: what taps (1, 0), (1, 1), (1, 2) need"
    gradient.text(0, 8.6, note, fontsize=10, va="top")

    for tap in range(9):
        for tile in range(4):
            mine = tile == 1 and tap // 3 == 1
            face = "0.87" if mine else "white"
            box(weights, 1.6 + 2.1 * tile, 0.9 * tap, 2.1, 0.9, fill=True, facecolor=face, linewidth=0.5)
        weights.text(1.4, 0.9 * tap + 0.45, f"{tap // 3},{tap % 3}", fontsize=10, ha="right", va="center")
    for run in range(3):
        box(weights, 1.6, 2.7 * run, 8.4, 2.7, linewidth=THICK if run == 1 else 1.6)
    weights.text(5.8, 8.25, "four tiles of 32 output channels", fontsize=10, ha="center", va="top")
    note = "a box: one run, taps side by side\ngrey: what is summed in registers"
    weights.text(1.6, 8.95, note, fontsize=10, va="top")
    figure.suptitle(
        "The circled activation times three rows of 32 gradients, added to three rows of dW (3 x 3 filter, stride 1)"
    )
    figure.tight_layout()
    return figure


def main() -> None:
    """Write both pictures."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    planes().savefig(folder / "kernels-planes.png", dpi=110)
    pieces().savefig(folder / "kernels-dw.png", dpi=110)


if __name__ == "__main__":
    main()
