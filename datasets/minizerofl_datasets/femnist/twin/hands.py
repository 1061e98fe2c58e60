"""A writer's hand: what one synthetic writer does the same way every time, and what varies from one sample to the next.

Every spread below was set by measuring real FEMNIST: heights, widths, slant and ink, between writers and within one.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from minizerofl_datasets.femnist.images import CLASS_NAMES
from minizerofl_datasets.femnist.twin.outlines import SEGMENTS, glyph_outlines
from minizerofl_datasets.femnist.twin.pen import draw

__all__ = ["Hand"]

CAPITAL = 9.2  # pixels from the base line to the cap line, for an average writer
CLASSES = len(CLASS_NAMES)
DIGITS = np.arange(CLASSES) < 10
WAVES = 2  # sine waves that bend a glyph
MAX_EXTENT = 23.0  # pixels; what is larger is scaled down to fit the image
STROKES = 4

Floats = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Wobble:
    """A smooth displacement of the plane, sum over k of amplitude_k sin(frequency_k . point + phase_k), for n glyphs.

    Parameters
    ----------
    amplitude, frequency : ndarray of float32, shape (n, WAVES, 2)
    phase : ndarray of float32, shape (n, WAVES)
    """

    amplitude: Floats
    frequency: Floats
    phase: Floats

    @classmethod
    def sample(cls, rng: np.random.Generator, n: int, size: float) -> "Wobble":
        """Draw n displacements of about ``size`` (notation units)."""
        return cls(
            _normal(rng, size, n, WAVES, 2),
            _normal(rng, 3.5, n, WAVES, 2),
            rng.uniform(0, 2 * np.pi, (n, WAVES)).astype(np.float32),
        )

    def of(self, rows: Labels) -> "Wobble":
        """Return the displacements of some rows."""
        return Wobble(self.amplitude[rows], self.frequency[rows], self.phase[rows])

    def bend(self, points: Floats) -> Floats:
        """Return displaced points, shape (n, p, 2)."""
        angle = points @ self.frequency.transpose(0, 2, 1) + self.phase[:, None]  # (n, p, 2) -> (n, p, WAVES)
        bent: Floats = points + np.sin(angle) @ self.amplitude  # (n, p, WAVES) -> (n, p, 2)
        return bent


class Hand:
    """One writer: forms, slant, size, width, pen and letter shapes of their own.

    Parameters
    ----------
    rng : numpy.random.Generator
        Draws the writer's habits.

    Examples
    --------
    >>> images = Hand(np.random.default_rng(0)).write(np.array([7, 7]), np.random.default_rng(1))
    >>> images.shape, bool((images[0] == images[1]).all())
    ((2, 28, 28), False)
    """

    def __init__(self, rng: np.random.Generator) -> None:
        outlines = glyph_outlines()
        # The power makes a class's first form the commonest: taken by 76 % where there are two.
        self._form = np.floor(outlines.count * rng.random(CLASSES) ** 2.5).astype(np.int64)
        self._slant = rng.normal(0.2, 0.19)
        self._size = CAPITAL * np.exp(rng.normal(0, 0.14) + rng.normal(0, 0.09, CLASSES)) * np.where(DIGITS, 0.94, 1.0)
        self._width = np.exp(rng.normal(0, 0.12) + rng.normal(0, 0.08, CLASSES))
        self._pen = np.exp(rng.normal(np.log(0.72), 0.17))
        self._shape = Wobble.sample(rng, CLASSES, 0.05)
        # Most writers filled in the same form and so have a like share of digits; a few did only a part of it.
        digits = rng.beta(40, 16) if rng.random() < 0.9 else rng.beta(2, 1)
        liking = rng.gamma(12.0, size=CLASSES)
        self._classes = np.where(
            DIGITS, digits * liking / liking[DIGITS].sum(), (1 - digits) * liking / liking[~DIGITS].sum()
        )

    def choose_labels(self, n: int, rng: np.random.Generator) -> Labels:
        """Choose which n characters this writer writes, by their own distribution of classes.

        Parameters
        ----------
        n : int
            How many.
        rng : numpy.random.Generator
            Draws them.

        Returns
        -------
        ndarray of int64, shape (n,)

        Examples
        --------
        >>> Hand(np.random.default_rng(0)).choose_labels(5, np.random.default_rng(1)).shape
        (5,)
        """
        order = rng.permutation(CLASSES)
        # Evenly spaced draws: a form asks for every character about as often as the next, not by the throw of a die.
        at = (np.arange(n) + rng.random()) / max(n, 1)
        labels = order[np.searchsorted(self._classes[order].cumsum()[:-1], at)]
        return rng.permutation(labels).astype(np.int64)

    def write(self, labels: Labels, rng: np.random.Generator) -> Floats:
        """Write one image per label.

        Parameters
        ----------
        labels : ndarray of int64, shape (n,)
            What to write, 0 to 61.
        rng : numpy.random.Generator
            Draws what varies between samples.

        Returns
        -------
        ndarray of float32, shape (n, 28, 28)
            Ink in [0, 1].

        Examples
        --------
        >>> Hand(np.random.default_rng(0)).write(np.array([61]), np.random.default_rng(1)).shape
        (1, 28, 28)
        """
        n = len(labels)
        outlines = glyph_outlines()
        usual = rng.random(n) < 0.9
        form = np.where(usual, self._form[labels], np.floor(outlines.count[labels] * rng.random(n)).astype(np.int64))
        rows = outlines.first[labels] + form
        slip = _normal(rng, 0.022, n, STROKES, 2)  # each stroke lands a little off
        points = outlines.segments[rows] + slip[np.arange(n)[:, None], outlines.strokes[rows]][:, :, None]
        points = points.reshape(n, 2 * SEGMENTS, 2)  # (n, SEGMENTS, 2 ends, 2) -> (n, 2 * SEGMENTS, 2)
        points = Wobble.sample(rng, n, 0.03).bend(self._shape.of(labels).bend(points))

        size = self._size[labels] * np.exp(rng.normal(0, 0.12, n))
        width = self._width[labels] * np.exp(rng.normal(0, 0.13, n))
        slant, turn = self._slant + rng.normal(0, 0.12, n), rng.normal(0, 0.06, n)
        # x' = size (width x - slant y), y' = size (y + turn x)
        matrix = np.stack([np.stack([size * width, size * turn], 1), np.stack([-size * slant, size], 1)], 1)
        points = points @ matrix.astype(np.float32)  # (n, p, 2) @ (n, 2, 2) -> (n, p, 2)

        low, high = points.min(axis=1, keepdims=True), points.max(axis=1, keepdims=True)
        shrink = np.minimum(1, MAX_EXTENT / (high - low).max(axis=2, keepdims=True))
        points = (points - (low + high) / 2) * shrink + _normal(rng, 0.3, n, 1, 2)
        radius = (self._pen * np.exp(rng.normal(0, 0.1, n))).astype(np.float32)
        return draw(points.reshape(n, SEGMENTS, 2, 2).astype(np.float32), radius)


def _normal(rng: np.random.Generator, scale: float, *shape: int) -> Floats:
    return rng.standard_normal(shape, dtype=np.float32) * np.float32(scale)
