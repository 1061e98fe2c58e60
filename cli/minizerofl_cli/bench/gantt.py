"""A picture of one round: a lane for the server, each worker and the writer, and a bar for each part of the work."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from minizerofl_cli.bench.round_parts import CHECKPOINT, FILES, SERVER, WRITER, TracedRound
from minizerofl_cli.screen.pictures import picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH = 12.0  # inches
LANE, AROUND, TALLEST = 0.6, 1.9, 40.0  # inches of a lane, of all else, and of the tallest picture
LETTER = 0.062  # inches that a letter takes, about


class Look(NamedTuple):
    """How a kind of work is drawn: each has a pattern of its own, so that the picture reads without colour."""

    name: str
    colour: str
    hatch: str


HAND_OVER, ENCODE = Look("hand-over", "#d9d9d9", "///"), Look("encode", "#fdc086", "xxx")
POST, FILE = Look("send, receive", "#ffffff", ""), Look("files", "#eeeeee", "\\\\\\")
# What is drawn, by the names of the pieces. Mini-batches and multiply-adds come between steps, and are drawn as these.
LOOKS = {
    **dict.fromkeys(("hand out model", "receive model", "read samples", "decode model", "load model"), HAND_OVER),
    "steps": Look("steps", "#9ecae1", ""),
    "check": Look("check", "#a6761d", ""),
    "select": Look("select", "#7fc97f", "|||"),
    **dict.fromkeys(("encode", "encode model"), ENCODE),
    **dict.fromkeys(("send", "receive"), POST),
    "decode": Look("decode", "#beaed4", "---"),
    "fold": Look("fold", "#fbb4ae", "+++"),
    "server step": Look("server step", "#80b1d3", "||//"),
    "evaluate": Look("evaluate", "#c7e9c0", "--//"),
    **dict.fromkeys(("record", CHECKPOINT, FILES), FILE),
}


def plot_round(traced: TracedRound, title: str, image: Path) -> None:
    """Draw a round as a Gantt chart.

    Parameters
    ----------
    traced : TracedRound
        The round.
    title : str
        What stands above: it has to say whether the data are real.
    image : Path
        Where to; its suffix says whether it is an SVG, a PNG or a PDF file.

    Raises
    ------
    OSError
        It cannot be written.
    """
    import matplotlib
    from matplotlib.patches import Patch

    lanes = [SERVER, *(f"worker {i}" for i in range(1, len(traced.workers) + 1)), WRITER]
    places = {SERVER: 0, WRITER: len(lanes) - 1}
    height = min(TALLEST, AROUND + LANE * len(lanes))
    with picture(WIDTH, height, image) as figure:
        matplotlib.rcParams["svg.fonttype"] = "none"  # Text stays text.
        matplotlib.rcParams["hatch.linewidth"] = 0.5
        axes = figure.subplots()
        letters = (WIDTH - 2) / traced.seconds / LETTER  # that fit into a bar of a second
        seen: dict[str, Look] = {}
        for piece in traced.pieces:
            look = LOOKS.get(piece.part)
            if look is None:
                continue
            seen[look.name] = look
            place = places[piece.place] if piece.place in places else 1 + traced.workers.index(piece.span.lane)
            began, seconds = piece.span.began - traced.began, piece.span.ended - piece.span.began
            axes.barh(
                *(place, 1e3 * seconds, 0.6, 1e3 * began),
                color=look.colour, hatch=look.hatch, edgecolor="black", linewidth=0.3, zorder=2 + len(piece.outer),
            )  # fmt: skip
            if piece.wall * letters > len(look.name):
                _write(axes, look.name, 1e3 * (began + piece.wall / 2), place)
            if piece.part == "steps" and seconds * letters > len(piece.client):
                axes.text(1e3 * began, place - 0.34, piece.client, fontsize=6, va="bottom", clip_on=True)
        idle = ["", *(f"\nidle {100 * traced.idle(lane):.0f} %" for lane in traced.workers), ""]
        axes.set_yticks(range(len(lanes)), [lane + more for lane, more in zip(lanes, idle, strict=True)])
        axes.set_ylim(len(lanes) - 0.4, -0.6)
        axes.set_xlim(0, 1e3 * traced.seconds)
        axes.set_xlabel("ms since the round began")
        axes.set_title(title, fontsize="medium")
        axes.grid(axis="x", alpha=0.3)
        handles = [
            Patch(facecolor=look.colour, hatch=look.hatch, edgecolor="black", linewidth=0.3, label=look.name)
            for look in dict.fromkeys(LOOKS.values())
            if look.name in seen
        ]
        figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), fontsize="small", frameon=False)


def _write(axes: Axes, name: str, x: float, place: int) -> None:
    """Write the name of a bar onto it."""
    axes.text(
        *(x, place, name), fontsize=7, ha="center", va="center", zorder=10, clip_on=True,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6, "alpha": 0.85},
    )  # fmt: skip
