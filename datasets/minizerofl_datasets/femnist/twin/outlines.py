"""Turns the stroke notation of ``glyphs`` into arrays: every form of every glyph becomes equally many segments."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from minizerofl_datasets.femnist.images import CLASS_NAMES
from minizerofl_datasets.femnist.twin.glyphs import GLYPHS

__all__ = ["SEGMENTS", "Outlines", "glyph_outlines"]

# A segment of the longest glyph is then two pixels long; one number for all glyphs lets one array operation draw them.
SEGMENTS = 24
CURVE_STEPS = 8

Points = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Outlines:
    """All forms of all glyphs.

    Parameters
    ----------
    segments : ndarray of float32, shape (forms, SEGMENTS, 2, 2)
        Start and end of each segment as (x, y) in the notation's units.
    strokes : ndarray of int64, shape (forms, SEGMENTS)
        Which stroke of its form a segment belongs to.
    first : ndarray of int64, shape (62,)
        Row of each class's first form.
    count : ndarray of int64, shape (62,)
        Number of forms of each class.
    """

    segments: npt.NDArray[np.float32]
    strokes: npt.NDArray[np.int64]
    first: npt.NDArray[np.int64]
    count: npt.NDArray[np.int64]


@cache
def glyph_outlines() -> Outlines:
    """Return the outlines of the 62 classes, in label order; made once a process.

    Examples
    --------
    >>> outlines = glyph_outlines()
    >>> outlines.segments.shape[1:], len(outlines.count)
    ((24, 2, 2), 62)
    """
    count = np.array([len(GLYPHS[name]) for name in CLASS_NAMES])
    forms = [_segments_of(form) for name in CLASS_NAMES for form in GLYPHS[name]]
    return Outlines(
        segments=np.stack([segments for segments, _ in forms]).astype(np.float32),
        strokes=np.stack([strokes for _, strokes in forms]),
        first=np.cumsum(count) - count,
        count=count,
    )


def _segments_of(form: str) -> tuple[Points, npt.NDArray[np.int64]]:
    """Cut a form into SEGMENTS segments, dealt out to its strokes by their length."""
    strokes = [_points_of(stroke) for stroke in form.split(";")]
    lengths = np.array([np.hypot(*np.diff(points, axis=0).T).sum() for points in strokes])
    shares = np.maximum(1, np.floor(lengths / lengths.sum() * SEGMENTS)).astype(np.int64)
    shares[np.argmax(lengths)] += SEGMENTS - shares.sum()
    pieces = []
    for points, share in zip(strokes, shares, strict=True):
        along = np.concatenate([[0.0], np.hypot(*np.diff(points, axis=0).T).cumsum()])
        at = np.linspace(0.0, along[-1], share + 1)
        even = np.stack([np.interp(at, along, points[:, axis]) for axis in (0, 1)], axis=1)
        pieces.append(np.stack([even[:-1], even[1:]], axis=1))  # (share + 1, 2) -> (share, 2, 2)
    return np.concatenate(pieces), np.repeat(np.arange(len(strokes)), shares)


def _points_of(stroke: str) -> Points:
    words = stroke.split()
    smooth = words[0] == "~"
    points = np.array([[float(number) for number in word.split(",")] for word in words[smooth:]])
    return _catmull_rom(points) if smooth else points


def _catmull_rom(knots: Points) -> Points:
    """Return points on the Catmull-Rom spline through the knots: a cubic per gap."""
    before, after = np.vstack([knots[:1], knots[:-2]]), np.vstack([knots[2:], knots[-1:]])
    p0, p1, p2, p3 = (p[:, None] for p in (before, knots[:-1], knots[1:], after))  # (gaps, 2) -> (gaps, 1, 2)
    t = np.linspace(0.0, 1.0, CURVE_STEPS, endpoint=False)[:, None]
    curve = p1 + t / 2 * (p2 - p0 + t * (2 * p0 - 5 * p1 + 4 * p2 - p3 + t * (3 * (p1 - p2) + p3 - p0)))
    return np.vstack([curve.reshape(-1, 2), knots[-1:]])  # (gaps, steps, 2) -> (gaps * steps + 1, 2)
