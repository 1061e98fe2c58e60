"""Ten kinds of things as drawings made of simple parts: discs, boxes, wedges and lines, in a few colours.

A thing lives in the square from -1 to 1, x to the right, y down, looking right. A part is one line of notation:

    colour o cx cy rx ry [degrees]          disc (ellipse)
    colour # cx cy rx ry [degrees]          box
    colour ^ cx cy rx ry taper [degrees]    wedge: half as wide at the top as ``1 - taper`` says, ``1 + taper`` below
    colour / x1 y1 x2 y2 width              line

Later parts cover earlier ones. Every part is the affine image of the unit disc or of a unit wedge.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from minizerofl_datasets.cifar10.pictures import CLASS_NAMES

__all__ = ["COLOURS", "PARTS", "Things", "things"]

COLOURS = ("body", "shade", "light", "dark", "white", "accent", "glass", "flesh")
PARTS = 18  # of a thing, padded with parts of no size

# By class, one or more forms; the forms of a class show it from another side or in another posture.
DRAWINGS = {
    "airplane": (
        "shade ^ -.02 -.25 .1 .28 -.2 -25, body / -.75 0 .7 0 .24, body o .72 0 .2 .12, "
        "body ^ -.72 -.28 .14 .28 .4 -18, shade / -.85 -.05 -.6 -.05 .1, shade ^ -.18 .3 .2 .34 -.35 28, "
        "glass / -.5 -.04 .55 -.04 .06, glass o .76 -.04 .08 .05, dark o 0 .22 .12 .06, "
        "accent / -.8 -.5 -.66 -.5 .09",
        "body ^ 0 .1 .95 .2 .75, body / 0 -.8 0 .8 .24, body o 0 -.8 .12 .18, shade ^ 0 .72 .36 .11 .7, "
        "dark o -.4 .12 .06 .14, dark o .4 .12 .06 .14, glass o 0 -.78 .06 .06, accent / 0 .55 0 .85 .07",
    ),
    "automobile": (
        "body ^ -.05 -.2 .52 .24 .35, glass ^ -.27 -.18 .2 .16 .3, glass ^ .2 -.18 .2 .16 .3, "
        "body # 0 .16 .92 .22, shade # 0 .3 .92 .08, dark o -.55 .36 .21 .21, dark o .55 .36 .21 .21, "
        "light o -.55 .36 .09 .09, light o .55 .36 .09 .09, white o .86 .1 .07 .06, accent o -.87 .1 .05 .06, "
        "shade / 0 0 0 .25 .03",
        "dark # -.55 .5 .15 .2, dark # .55 .5 .15 .2, body ^ 0 -.25 .55 .28 .25, glass ^ 0 -.22 .48 .2 .25, "
        "body # 0 .2 .78 .26, dark # 0 .25 .32 .08, white o -.56 .16 .15 .1, white o .56 .16 .15 .1, "
        "shade # 0 .42 .78 .05, light # 0 .42 .18 .05",
    ),
    "bird": (
        "dark / -.08 .35 -.12 .75 .05, dark / .1 .35 .08 .75 .05, body ^ -.62 .2 .12 .35 .3 70, "
        "body o -.05 .1 .5 .34 -20, light o .1 .22 .32 .2 -20, shade o -.15 .05 .36 .19 -8, "
        "body o .38 -.32 .24 .23, flesh ^ .7 -.28 .08 .16 .9 90, white o .44 -.38 .08 .08, "
        "dark o .46 -.38 .05 .05",
        "shade ^ -.08 -.42 .2 .42 .3 -20, body ^ -.55 .22 .12 .25 .4 80, body o 0 .12 .5 .2 -8, "
        "body o .45 .0 .17 .15, flesh ^ .7 .02 .05 .14 .9 90, body ^ .1 -.38 .22 .48 .5 25, "
        "shade ^ .2 -.66 .08 .22 .6 25, dark o .5 -.04 .04 .04",
        "flesh / -.15 .5 -.15 .85 .06, flesh / .15 .5 .15 .85 .06, body o 0 .2 .42 .45, light o 0 .28 .26 .32, "
        "body o 0 -.4 .3 .28, shade o -.38 .2 .12 .34 10, shade o .38 .2 .12 .34 -10, dark o -.12 -.45 .06 .06, "
        "dark o .12 -.45 .06 .06, flesh ^ 0 -.28 .1 .12 -.9",
    ),
    "cat": (
        "body ^ -.42 -.5 .2 .32 .95 -15, body ^ .42 -.5 .2 .32 .95 15, flesh ^ -.42 -.46 .1 .2 .95 -15, "
        "flesh ^ .42 -.46 .1 .2 .95 15, body o 0 .05 .65 .55, light o 0 .3 .3 .22, accent o -.27 -.05 .14 .12, "
        "accent o .27 -.05 .14 .12, dark o -.27 -.05 .04 .11, dark o .27 -.05 .04 .11, "
        "flesh ^ 0 .18 .08 .06 -.9, white / -.8 .15 -.3 .25 .03, white / -.8 .38 -.3 .3 .03, "
        "white / .8 .15 .3 .25 .03, white / .8 .38 .3 .3 .03, shade / 0 -.45 0 -.25 .07",
        "body / -.4 .65 -.75 .35 .13, body / -.75 .35 -.7 -.05 .12, body ^ -.1 .3 .33 .5 .3, "
        "light ^ .05 .35 .14 .35 .1, body ^ -.2 -.72 .11 .2 .95 -12, body ^ .26 -.72 .11 .2 .95 12, "
        "body o .03 -.4 .36 .29, dark o -.1 -.44 .06 .07, dark o .17 -.44 .06 .07, flesh o .04 -.31 .06 .04, "
        "white / .1 -.28 .5 -.33 .025, white / -.02 -.28 -.4 -.33 .025, light o -.18 .78 .14 .07, "
        "light o .12 .78 .14 .07, shade / -.35 .1 -.1 .14 .06, shade / -.38 .3 -.12 .34 .06",
    ),
    "deer": (
        "shade / -.32 .2 -.36 .85 .07, shade / .22 .2 .25 .85 .07, body / -.45 .2 -.5 .85 .08, "
        "body / .32 .2 .38 .85 .08, body o -.08 .12 .5 .22, white o -.56 .08 .08 .12, light o -.05 .22 .3 .08, "
        "body / .3 .1 .55 -.35 .19, body o .64 -.4 .2 .1 15, body ^ .45 -.5 .05 .12 -.5 -50, "
        "dark o .8 -.36 .04 .04, flesh / .52 -.45 .4 -.9 .05, flesh / .46 -.65 .25 -.75 .045, "
        "flesh / .58 -.45 .75 -.9 .05, flesh / .64 -.65 .85 -.68 .045, dark o .62 -.44 .035 .035, "
        "white / -.2 .05 0 .03 .04",
        "body ^ 0 .6 .35 .4 .3, light ^ 0 .62 .14 .36 .2, body o -.42 -.1 .22 .09 20, "
        "body o .42 -.1 .22 .09 -20, body ^ 0 .08 .22 .34 -.35, flesh / -.12 -.25 -.4 -.6 .06, "
        "flesh / -.4 -.6 -.35 -.95 .06, flesh / -.36 -.55 -.7 -.75 .05, flesh / .12 -.25 .4 -.6 .06, "
        "flesh / .4 -.6 .35 -.95 .06, flesh / .36 -.55 .7 -.75 .05, dark o -.15 .0 .05 .06, "
        "dark o .15 .0 .05 .06, dark o 0 .36 .09 .06",
    ),
    "dog": (
        "shade / -.38 .3 -.4 .75 .13, shade / .2 .3 .2 .75 .13, body / -.5 .25 -.53 .75 .14, "
        "body / .34 .3 .36 .75 .14, body / -.55 .1 -.85 -.35 .1, body o -.08 .18 .54 .27, light o 0 .3 .3 .1, "
        "body / .3 .1 .5 -.25 .3, body o .55 -.32 .27 .23, light o .78 -.24 .2 .12, dark o .94 -.28 .07 .06, "
        "shade o .4 -.22 .1 .26 10, dark o .62 -.4 .05 .05, flesh o .8 -.1 .05 .1, accent / .34 -.02 .56 .1 .07",
        "body o 0 0 .5 .55, shade o -.55 .02 .17 .5 12, shade o .55 .02 .17 .5 -12, light o 0 .3 .32 .3, "
        "light / 0 -.5 0 .1 .14, dark o 0 .16 .13 .09, dark o -.22 -.12 .08 .09, dark o .22 -.12 .08 .09, "
        "flesh o 0 .56 .12 .17, dark / 0 .22 0 .4 .04, white o -.2 -.15 .03 .03, white o .24 -.15 .03 .03",
    ),
    "frog": (
        "shade o -.62 .4 .3 .26 20, shade o .62 .4 .3 .26 -20, body o 0 .22 .66 .44, light o 0 .42 .44 .22, "
        "body o -.33 -.2 .2 .2, body o .33 -.2 .2 .2, white o -.33 -.24 .13 .13, white o .33 -.24 .13 .13, "
        "dark o -.33 -.24 .07 .08, dark o .33 -.24 .07 .08, dark / -.42 .12 .42 .12 .05, "
        "shade / -.4 .65 -.7 .72 .1, shade / .4 .65 .7 .72 .1, dark o -.06 .0 .025 .02, dark o .06 .0 .025 .02",
        "shade o -.48 .35 .34 .24 -30, body o 0 .2 .62 .28 -18, light o .16 .34 .4 .13 -18, "
        "body o .48 -.02 .3 .22 -10, body o .42 -.24 .14 .14, white o .44 -.26 .09 .09, "
        "dark o .45 -.26 .055 .06, shade / -.7 .6 -.2 .62 .11, shade / .3 .4 .36 .66 .1, "
        "shade / .36 .66 .56 .68 .08, dark / .45 .07 .76 .02 .035, shade o -.2 .08 .08 .05, "
        "shade o .08 .02 .07 .05",
    ),
    "horse": (
        "shade / -.4 .1 -.42 .85 .1, shade / .25 .1 .3 .85 .1, body / -.52 .1 -.56 .85 .11, "
        "body / .36 .1 .4 .85 .11, dark / -.62 -.08 -.85 .5 .13, body o -.1 .02 .56 .27, "
        "body / .25 -.02 .56 -.5 .28, dark / .22 -.2 .46 -.62 .13, body / .56 -.52 .86 -.28 .2, "
        "body ^ .52 -.72 .05 .1 .8 10, light o .86 -.27 .1 .09, dark o .66 -.48 .04 .04, "
        "dark / -.58 .82 -.53 .82 .1, dark / .38 .82 .43 .82 .1, dark o .9 -.26 .03 .03",
        "body ^ -.3 .65 .5 .4 .2, body / -.25 .6 .15 -.35 .5, dark / -.5 .5 -.1 -.55 .2, "
        "body ^ .3 -.2 .22 .5 -.35 -35, light o .52 .1 .2 .15 45, body ^ .02 -.75 .08 .17 .9, "
        "body ^ .22 -.72 .07 .15 .9 15, dark o .2 -.32 .06 .06, dark o .6 .12 .05 .04, "
        "accent / .26 .12 .52 -.12 .05",
    ),
    "ship": (
        "white # -.2 -.08 .42 .14, glass / -.52 -.08 .1 -.08 .07, white # -.25 -.3 .25 .1, "
        "accent # -.3 -.52 .1 .16, dark # -.3 -.66 .1 .04, dark / .45 .0 .45 -.5 .04, "
        "dark / .45 -.45 .25 .0 .03, body ^ 0 .2 .8 .18 -.22, accent ^ 0 .36 .64 .06 -.1, "
        "glass o -.35 .15 .04 .04, glass o -.1 .15 .04 .04, glass o .15 .15 .04 .04, white / -.6 .44 .7 .44 .05",
        "dark / 0 -.9 0 .35 .05, white ^ .33 -.2 .3 .48 .98, light ^ -.26 -.12 .24 .42 .98, "
        "body ^ 0 .4 .66 .16 -.35, accent / -.6 .3 .6 .3 .06, accent / 0 -.9 .16 -.84 .07, "
        "white / -.5 .58 .5 .58 .05",
        "shade # .1 -.02 .5 .12, accent # -.15 -.02 .12 .12, white # .35 -.02 .12 .12, white # -.62 -.2 .14 .3, "
        "glass / -.7 -.36 -.54 -.36 .07, dark / -.62 -.5 -.62 -.75 .05, body ^ 0 .25 .9 .18 -.12, "
        "dark ^ 0 .4 .76 .05 -.1, dark / .7 .1 .7 -.25 .04",
    ),
    "truck": (
        "body # -.28 -.18 .62 .42, light # -.28 -.56 .62 .05, shade / -.28 -.55 -.28 .2 .03, "
        "accent ^ .6 .0 .28 .28 .15, glass ^ .66 -.1 .16 .13 .2, dark # 0 .3 .9 .06, dark o -.62 .42 .18 .18, "
        "dark o -.22 .42 .18 .18, dark o .6 .42 .18 .18, light o -.62 .42 .07 .07, light o -.22 .42 .07 .07, "
        "light o .6 .42 .07 .07, white o .88 .16 .05 .06",
        "dark # -.48 .68 .14 .16, dark # .48 .68 .14 .16, shade # 0 -.45 .6 .4, body # 0 .1 .56 .5, "
        "glass # 0 -.08 .46 .2, dark # 0 .36 .28 .13, white o -.42 .4 .1 .09, white o .42 .4 .1 .09, "
        "light # 0 .58 .58 .06, accent / -.4 -.52 .4 -.52 .08",
        "shade ^ -.35 -.12 .55 .26 -.12, dark o -.5 -.34 .2 .1, dark o -.15 -.36 .18 .1, "
        "body ^ .52 -.06 .34 .38 .12, glass ^ .6 -.18 .2 .16 .15, body # 0 .22 .88 .1, dark o -.55 .42 .2 .2, "
        "dark o .52 .42 .2 .2, light o -.55 .42 .08 .08, light o .52 .42 .08 .08, white o .86 .16 .05 .06",
    ),
}


@dataclass(frozen=True)
class Things:
    """All forms of all classes as arrays: form i of class c is row ``first[c] + i``.

    Parameters
    ----------
    count, first : ndarray of int64, shape (10,)
        How many forms a class has, and the row of its first.
    centre : ndarray of float32, shape (forms, PARTS, 2)
    axes : ndarray of float32, shape (forms, PARTS, 2 axes, 2)
        Images of the unit vectors; zero for padding.
    taper : ndarray of float32, shape (forms, PARTS)
    is_round : ndarray of bool, shape (forms, PARTS)
    colour : ndarray of int64, shape (forms, PARTS)
        Index into ``COLOURS``.
    """

    count: npt.NDArray[np.int64]
    first: npt.NDArray[np.int64]
    centre: npt.NDArray[np.float32]
    axes: npt.NDArray[np.float32]
    taper: npt.NDArray[np.float32]
    is_round: npt.NDArray[np.bool_]
    colour: npt.NDArray[np.int64]


@lru_cache(maxsize=1)
def things() -> Things:
    """Read the drawings, once.

    Examples
    --------
    >>> things().centre.shape[1:], int(things().count.sum()) == len(things().centre)
    ((18, 2), True)
    """
    forms = [[_part(part) for part in form.split(",")] for name in CLASS_NAMES for form in DRAWINGS[name]]
    count = np.array([len(DRAWINGS[name]) for name in CLASS_NAMES])
    numbers = np.zeros((len(forms), PARTS, 9), np.float32)
    for row, form in enumerate(forms):
        numbers[row, : len(form)] = form
    return Things(
        count,
        count.cumsum() - count,
        numbers[..., 0:2],
        numbers[..., 2:6].reshape(len(forms), PARTS, 2, 2),  # (forms, parts, 4) -> (forms, parts, 2 axes, 2)
        numbers[..., 6],
        numbers[..., 7] > 0,
        numbers[..., 8].astype(np.int64),
    )


def _part(notation: str) -> list[float]:
    """Return centre, both axes, taper, roundness and colour of one part."""
    colour, kind, *words = notation.split()
    values = [float(word) for word in words]
    if kind == "/":
        x1, y1, x2, y2, width = values
        half, centre = np.array([x2 - x1, y2 - y1]) / 2, np.array([x1 + x2, y1 + y2]) / 2
        across = np.array([-half[1], half[0]]) / np.hypot(*half) * width / 2
        axes, taper = np.stack([half, across]), 0.0
    else:
        centre, size = np.array(values[:2]), np.array(values[2:4])
        taper = values[4] if kind == "^" else 0.0
        angle = np.deg2rad(dict(enumerate(values)).get(5 if kind == "^" else 4, 0.0))
        turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        axes = size[:, None] * turn
    return [*centre, *axes.ravel(), taper, float(kind == "o"), float(COLOURS.index(colour))]
