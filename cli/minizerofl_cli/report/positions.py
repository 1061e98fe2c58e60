"""Heat-maps of the positions that masks keep over the rounds, with the initial mask as the control.

Of a layer, take all positions that any recorded mask keeps. Sort them by the number of recorded rounds in which they
were kept, the most frequent first, and cut them into groups of equal size. A cell is the share of a group's positions
that the mask of a round keeps. Where positions stay, a row keeps its shade from left to right. The first column is the
initial mask, which took no part in the sorting: a group that is full there owes its place to the initial weights.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from minizerofl.fl.errors import SealError
from minizerofl.fl.files.maskfile import MaskFile
from minizerofl_cli.report.axes import spread
from minizerofl_cli.report.heatmaps import heat_map
from minizerofl_cli.report.page import paragraph
from minizerofl_cli.report.rundata import RunData

GROUPS = 24
ROUNDS = 20  # columns of a map, beside the initial mask
SAMPLE = 50_000  # bytes of a mask that are looked at, eight positions each, at equal distances
LAYERS = 3  # maps in a report


def position_maps(run: RunData) -> list[str]:
    """Return heat-maps of the first, the middle and the last sparse layer; a sentence if masks.h5 cannot be read.

    Raises
    ------
    OSError
        masks.h5 cannot be read.
    """
    recorded = sorted({int(round) for round in run.overlap.numbers("round") if round == round})
    layers = list(dict.fromkeys(run.overlap.texts("layer")))
    if not recorded or not layers or not (run.path / "masks.h5").is_file():
        return []
    rounds, layers = spread(recorded, ROUNDS), spread(layers, LAYERS)
    try:
        masks = MaskFile(run.path, "").load({0, *rounds}, layers)
    except SealError as problem:
        return [paragraph(f"The positions cannot be shown: {problem}.")]
    return [_map(layer, {t: kept[layer] for t, kept in masks.items() if layer in kept}) for layer in layers]


def grouped(masks: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the shares of a map.

    Parameters
    ----------
    masks : (rounds, positions) bool
        Which positions each recorded round keeps; the first row is the initial mask.

    Returns
    -------
    (groups, rounds) float64
        For each group of positions, the share that each round keeps.

    Examples
    --------
    >>> grouped(np.array([[1, 0, 0], [0, 1, 1], [0, 1, 0]], bool)).tolist()
    [[0.0, 1.0, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]
    """
    ever = masks[:, masks.any(axis=0)]  # (rounds, positions)
    order = np.argsort(-ever[1:].sum(axis=0), kind="stable")
    parts = np.array_split(ever[:, order], min(GROUPS, max(order.size, 1)), axis=1)
    return np.array([part.mean(axis=1) for part in parts if part.size]).reshape(-1, len(masks))


def short(layer: str) -> str:
    """Return the name of a layer without what all of them end in.

    Examples
    --------
    >>> short("conv1.weight")
    'conv1'
    """
    return layer.removesuffix(".weight")


def _map(layer: str, masks: dict[int, NDArray[np.uint8]]) -> str:
    if not masks:
        return ""
    step = max(1, -(-max(bits.size for bits in masks.values()) // SAMPLE))
    shares = grouped(np.stack([np.unpackbits(bits[::step]).astype(np.bool_) for bits in masks.values()]))
    columns = ["start" if t == 0 else str(t) for t in masks]
    note = f"Of every {8 * step:,} positions, eight are looked at." if step > 1 else ""
    return heat_map(
        f"Positions over rounds: {short(layer)}",
        [str(i) for i in range(1, len(shares) + 1)],
        columns,
        shares.tolist(),
        "share of the group that a round keeps",
        corner="group of positions",
        column_label="round; start: the initial mask",
        note=note,
    )
