"""The brush: paints affine images of discs and wedges over 32 x 32 pictures, with soft edges.

inside a disc:   |(u, v)| <= 1                      (u, v) = the pixel in the part's own frame
inside a wedge:  |v| <= 1 and |u| <= 1 + taper * v
"""

import numpy as np
import numpy.typing as npt

from minizerofl_datasets.cifar10.pictures import SIDE

__all__ = ["paint"]

Floats = npt.NDArray[np.float32]

CHUNK = 16  # pictures painted at once: the work arrays then stay in the cache
GRID = (np.arange(SIDE, dtype=np.float32) - np.float32((SIDE - 1) / 2)) * np.float32(2 / SIDE)


def paint(
    canvas: Floats, centre: Floats, axes: Floats, taper: Floats, is_round: npt.NDArray[np.bool_], colour: Floats
) -> None:
    """Paint each picture's parts over it, in their order.

    Parameters
    ----------
    canvas : ndarray of float32, shape (n, 3, 32, 32)
        Painted over, in place.
    centre : ndarray of float32, shape (n, parts, 2)
        (x, y) from -1 to 1, y down.
    axes : ndarray of float32, shape (n, parts, 2 axes, 2)
        Half the part's width and height as vectors; a part of no size is not painted.
    taper : ndarray of float32, shape (n, parts)
    is_round : ndarray of bool, shape (n, parts)
    colour : ndarray of float32, shape (n, parts, 3)

    Examples
    --------
    >>> canvas = np.zeros((1, 3, 32, 32), np.float32)
    >>> one = np.ones((1, 1), np.float32)
    >>> paint(canvas, np.zeros((1, 1, 2), np.float32), np.eye(2, dtype=np.float32)[None, None] / 2, 0 * one, one > 0,
    ...       np.ones((1, 1, 3), np.float32))
    >>> canvas[0, 0, 16, [0, 6, 9, 16]].tolist() == [0, 0, 1, 1], bool(0 < canvas[0, 0, 10, 10] < 1)
    (True, True)
    """
    visible = np.abs(np.linalg.det(axes)) > 1e-6
    for start in range(0, len(canvas), CHUNK):
        for part in range(centre.shape[1]):
            for inside, kind in ((_disc, is_round[:, part]), (_wedge, ~is_round[:, part])):
                rows = start + np.flatnonzero((kind & visible[:, part])[start : start + CHUNK])
                if len(rows):
                    cover = inside(*_frame(centre[rows, part], axes[rows, part]), taper[rows, part])
                    canvas[rows] += cover[:, None] * (colour[rows, part, :, None, None] - canvas[rows])


def _frame(centre: Floats, axes: Floats) -> tuple[Floats, Floats, Floats]:
    """Return each pixel in the part's own frame, u and v (n, 32, 32), and pixels per unit of both (2, n, 1, 1)."""
    (ax, ay), (bx, by) = axes[:, 0].T, axes[:, 1].T
    area = ax * by - ay * bx
    x, y = GRID - centre[:, :1], GRID - centre[:, 1:]  # (n, 32) each
    u = (x * (by / area)[:, None])[:, None, :] - (y * (bx / area)[:, None])[:, :, None]  # -> (n, 32 rows, 32 columns)
    v = (y * (ax / area)[:, None])[:, :, None] - (x * (ay / area)[:, None])[:, None, :]
    return u, v, np.hypot(*axes.transpose(2, 1, 0))[..., None, None] * np.float32(SIDE / 2)


def _disc(u: Floats, v: Floats, unit: Floats, _: Floats) -> Floats:
    """Return how much of each pixel a disc covers; its soft edge is one pixel wide."""
    u *= u
    v *= v
    u += v
    return _soft((1 - np.sqrt(u)) * unit.min(axis=0))


def _wedge(u: Floats, v: Floats, unit: Floats, taper: Floats) -> Floats:
    """Return how much of each pixel a wedge covers."""
    beside = (1 + taper[:, None, None] * v - np.abs(u)) * unit[0]
    return _soft(np.minimum(beside, (1 - np.abs(v)) * unit[1]))


def _soft(depth: Floats) -> Floats:
    depth += np.float32(0.5)
    return depth.clip(0, 1, out=depth)
