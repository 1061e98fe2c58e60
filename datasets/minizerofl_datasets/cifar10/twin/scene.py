"""A scene: one client's manner of taking pictures, and the pictures of things that it takes.

A client has places it goes to, a light, a camera and colours it likes. Which place a picture shows says little about
the thing in it, so that colour alone does not tell the class.
"""

import numpy as np
import numpy.typing as npt

from minizerofl_datasets.cifar10.pictures import CLASS_NAMES, SIDE, Bytes, Labels
from minizerofl_datasets.cifar10.twin.paint import paint
from minizerofl_datasets.cifar10.twin.things import COLOURS, PARTS, things

__all__ = ["Photographer"]

Floats = npt.NDArray[np.float32]

# Colours at the top, above the horizon, below it and at the bottom; height of the horizon (0 top, 1 bottom).
PLACES: dict[str, tuple[tuple[int, int, int, int], float]] = {
    "sky": ((0x5A8FD0, 0xBFD8F0, 0xBFD8F0, 0xE6EEF4), 0.9),
    "sea": ((0x8FB8DC, 0xD6E2EA, 0x3F7490, 0x1E4A66), 0.5),
    "field": ((0x9CC0E0, 0xD8E4DC, 0x86A850, 0x54782C), 0.4),
    "forest": ((0x2E4A26, 0x4C6636, 0x6A6A3C, 0x4A4426), 0.45),
    "road": ((0xB4BCC4, 0xCCC8C0, 0x8C8C8C, 0x646468), 0.45),
    "room": ((0xC8B090, 0xD2BEA2, 0x8C6440, 0x6E4C30), 0.65),
    "snow": ((0xB0C0D0, 0xD4DCE4, 0xF0F2F6, 0xDCE2EA), 0.4),
    "dusk": ((0x38305C, 0xE08C54, 0x4A3A3C, 0x2A2228), 0.55),
}
PLACE_NAMES = tuple(PLACES)
ANYWHERE = dict.fromkeys(("field", "forest", "road", "room", "snow", "dusk"), 1.0)
WHERE = dict.fromkeys(CLASS_NAMES, ANYWHERE) | {
    "airplane": {"sky": 3.0, "road": 1.0, "dusk": 1.0, "snow": 0.5, "field": 0.5, "sea": 0.5},
    "bird": ANYWHERE | {"sky": 2.0, "sea": 1.0},
    "ship": {"sea": 4.0, "dusk": 1.0, "sky": 0.5, "snow": 0.5},
}
FUR = (0x8A5A34, 0xC49A6C, 0x8C8C8C, 0xE8E2D8, 0x2C2828, 0xC87838, 0x5C4030)
PAINTS = (0xC02828, 0x2850B0, 0xE8E8E8, 0x303438, 0xE0B020, 0x3C8C48, 0x909AA4, 0xD86C20)
FEATHERS = (0x8A5A34, 0x3C6CB4, 0xC83C30, 0x484440, 0xE4D8C0, 0xD8B030, 0x6E7C84)
SKINS = (0x5C9430, 0x78A848, 0x8C7C38, 0x3C6C34, 0xB4A040)
BODIES = dict.fromkeys(CLASS_NAMES, PAINTS) | {
    **dict.fromkeys(("cat", "dog", "horse"), FUR),
    "deer": (0x8A5A34, 0xA87848, 0xC49A6C, 0x6C4C34),
    "bird": FEATHERS,
    "frog": SKINS,
}
FIXED = {"dark": 0x201C1C, "white": 0xF2F0EA, "glass": 0x5C7890, "flesh": 0xD89878}
KNOTS = 9
# Interpolates between knots: row i holds the weights of pixel i.
SMOOTH = np.maximum(0, 1 - np.abs(np.linspace(0, KNOTS - 1, SIDE)[:, None] - np.arange(KNOTS))).astype(np.float32)
CLUTTER = 3  # trees, houses, stones behind the thing


def _rgb(*codes: int) -> Floats:
    """Return colours as (..., 3) in [0, 1]."""
    levels = np.array([[code >> 16, code >> 8 & 255, code & 255] for code in codes], np.float32)
    return levels / np.float32(255)


class Photographer:
    """One client: places, light, camera and likings of its own.

    Parameters
    ----------
    rng : numpy.random.Generator
        Draws them.

    Examples
    --------
    >>> pictures = Photographer(np.random.default_rng(0)).take(np.array([0, 8, 8]), np.random.default_rng(1))
    >>> pictures.shape, pictures.dtype.name, bool((pictures[1] == pictures[2]).all())
    ((3, 3, 32, 32), 'uint8', False)
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self._places = rng.gamma(0.5, size=len(PLACES)) + 0.05
        self._light = _normal(rng, 1.0, 0.09, 3) * np.float32(rng.normal(1.0, 0.1))
        self._hue = _normal(rng, 0.0, 0.07, len(PLACES), 4, 3)  # this client's fields are greener than others'
        self._paint = _normal(rng, 0.0, 0.08, 3)
        self._noise = rng.uniform(0.01, 0.05)
        self._near = rng.normal(0.0, 0.07)
        self._likings = rng.gamma(1.0, size=16) + 0.1

    def take(self, labels: Labels, rng: np.random.Generator) -> Bytes:
        """Take one picture per label.

        Parameters
        ----------
        labels : ndarray of int64, shape (n,)
            What to show, 0 to 9.
        rng : numpy.random.Generator
            Draws what varies between pictures.

        Returns
        -------
        ndarray of uint8, shape (n, 3, 32, 32)
        """
        n = len(labels)
        place = np.array([self._choose_place(label, rng) for label in labels], np.int64)
        horizon = np.array([PLACES[name][1] for name in PLACE_NAMES])[place] + rng.normal(0, 0.09, n)
        ground = self._ground(place, rng)
        canvas = _background(ground, horizon.astype(np.float32), rng)
        self._paint_clutter(canvas, ground, horizon, rng)
        self._paint_things(canvas, labels, rng)
        canvas *= (self._light * _normal(rng, 1.0, 0.07, n, 1))[:, :, None, None]
        canvas += _normal(rng, 0.0, self._noise, n, 3, SIDE, SIDE)
        pixels: Bytes = np.rint(canvas.clip(0, 1) * 255).astype(np.uint8)
        return pixels

    def _choose_place(self, label: int, rng: np.random.Generator) -> int:
        fit = WHERE[CLASS_NAMES[label]]
        weights = np.array([fit.get(name, 0.0) for name in PLACE_NAMES]) * self._places
        return int(np.searchsorted(weights.cumsum(), rng.random() * weights.sum()))

    def _ground(self, place: Labels, rng: np.random.Generator) -> Floats:
        """Return four colours a picture, (n, 4, 3): top, above and below the horizon, bottom."""
        usual = np.stack([_rgb(*PLACES[name][0]) for name in PLACE_NAMES]) + self._hue
        colours: Floats = usual[place] + _normal(rng, 0.0, 0.06, len(place), 4, 3)
        return colours.clip(0, 1)

    def _paint_clutter(
        self, canvas: Floats, ground: Floats, horizon: npt.NDArray[np.float64], rng: np.random.Generator
    ) -> None:
        n = len(canvas)
        centre = np.stack(
            [rng.uniform(-1, 1, (n, CLUTTER)), (2 * horizon - 1)[:, None] + rng.normal(0, 0.2, (n, CLUTTER))], 2
        )
        size = np.exp(rng.normal(-1.5, 0.5, (n, CLUTTER, 2))) * (rng.random((n, CLUTTER, 1)) < 0.6)
        axes = (size[..., None] * np.eye(2)).astype(np.float32)  # (n, clutter, 2) -> (n, clutter, 2 axes, 2)
        base = ground[np.arange(n)[:, None], rng.integers(0, 4, (n, CLUTTER))]
        colour = (base * _normal(rng, 0.85, 0.25, n, CLUTTER, 1) + _normal(rng, 0.0, 0.06, n, CLUTTER, 3)).clip(0, 1)
        paint(
            canvas,
            centre.astype(np.float32),
            axes,
            rng.uniform(-0.3, 0.9, (n, CLUTTER)).astype(np.float32),
            rng.random((n, CLUTTER)) < 0.5,
            colour,
        )

    def _paint_things(self, canvas: Floats, labels: Labels, rng: np.random.Generator) -> None:
        n, table = len(labels), things()
        row = table.first[labels] + np.floor(table.count[labels] * rng.random(n)).astype(np.int64)
        size = 0.8 * np.exp(rng.normal(self._near, 0.13, n))
        angle = rng.normal(0, 0.1, n)
        mirror = np.where(rng.random(n) < 0.5, 1.0, -1.0)
        wide, lean = np.exp(rng.normal(0, 0.1, n)), rng.normal(0, 0.08, n)
        cos, sin = np.cos(angle), np.sin(angle)
        # x' = size (mirror wide cos x + (lean - sin) y), y' = size (mirror wide sin x + cos y)
        pose = np.stack([np.stack([mirror * wide * cos, mirror * wide * sin], 1), np.stack([lean - sin, cos], 1)], 1)
        pose = (pose * size[:, None, None]).astype(np.float32)
        centre = (table.centre[row] + _normal(rng, 0.0, 0.025, n, PARTS, 2)) @ pose  # (n, parts, 2) @ (n, 2, 2)
        centre += _normal(rng, 0.0, 0.12, n, 1, 2)
        axes = table.axes[row] * np.exp(_normal(rng, 0.0, 0.07, n, PARTS, 2, 1))
        paint(
            canvas,
            centre,
            axes @ pose[:, None],  # (n, parts, 2 axes, 2) @ (n, 1, 2, 2)
            table.taper[row],
            table.is_round[row],
            self._colours(labels, rng)[np.arange(n)[:, None], table.colour[row]],
        )

    def _colours(self, labels: Labels, rng: np.random.Generator) -> Floats:
        """Return each picture's palette, (n, len(COLOURS), 3)."""
        n = len(labels)
        bodies = np.concatenate([_rgb(self._pick(BODIES[CLASS_NAMES[label]], rng)) for label in labels])
        bodies = bodies + self._paint + _normal(rng, 0.0, 0.05, n, 3)
        accents = np.concatenate([_rgb(self._pick(PAINTS, rng)) for _ in labels])
        of = {"body": bodies, "shade": 0.62 * bodies, "light": 0.5 * bodies + 0.45, "accent": accents}
        of |= {name: np.broadcast_to(_rgb(code), (n, 3)) for name, code in FIXED.items()}
        return np.stack([of[name] for name in COLOURS], 1).clip(0, 1)  # -> (n, colours, 3)

    def _pick(self, codes: tuple[int, ...], rng: np.random.Generator) -> int:
        ends = self._likings[: len(codes)].cumsum()
        return codes[int(np.searchsorted(ends, rng.random() * ends[-1]))]


def _background(ground: Floats, horizon: Floats, rng: np.random.Generator) -> Floats:
    """Return (n, 3, 32, 32): one gradient above the horizon, one below it, and a coarse texture."""
    n = len(ground)
    y = (np.arange(SIDE, dtype=np.float32) + np.float32(0.5)) / SIDE
    line = horizon[:, None].clip(0.05, 0.95)
    up, down = (y / line).clip(0, 1)[..., None], ((y - line) / (1 - line)).clip(0, 1)[..., None]  # (n, 32, 1)
    above = ground[:, None, 0] * (1 - up) + ground[:, None, 1] * up  # -> (n, 32, 3)
    below = ground[:, None, 2] * (1 - down) + ground[:, None, 3] * down
    rows = np.where((y < line)[..., None], above, below).transpose(0, 2, 1)  # (n, 32, 3) -> (n, 3, 32)
    texture = SMOOTH @ _normal(rng, 0.0, 0.06, n, 1, KNOTS, KNOTS) @ SMOOTH.T  # (n, 1, 9, 9) -> (n, 1, 32, 32)
    slope = _normal(rng, 0.0, 0.05, n, 3, 1, 1) * np.linspace(-1, 1, SIDE, dtype=np.float32)  # -> (n, 3, 1, 32)
    canvas: Floats = rows[..., None] + texture + slope
    return canvas


def _normal(rng: np.random.Generator, mean: float, spread: float, *shape: int) -> Floats:
    return np.float32(mean) + rng.standard_normal(shape, dtype=np.float32) * np.float32(spread)
