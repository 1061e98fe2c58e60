"""The pen: draws line segments on 28 x 28 images by their distance to each pixel.

    ink(p) = clip((radius - min over segments of dist(p, segment)) / SOFTNESS + 1/2, 0, 1)

A pixel's coordinates in a segment's own frame are (along, across); its distance is the hypotenuse of across and of how
far along lies beyond the segment's ends.
"""

import numpy as np
import numpy.typing as npt

from minizerofl_datasets.femnist.images import SIDE

__all__ = ["SOFTNESS", "draw"]

# Width in pixels of the grey edge of a line, as scanned forms have it when they are scaled down to 28 x 28.
SOFTNESS = 1.15
# Most glyphs cover a small middle of the image: only a window is computed, in one of these sizes.
WINDOWS = (12, 14, 16, 18, 20, 24, SIDE)
# Images drawn at once: the work arrays then stay in the cache.
CHUNK = 16


def draw(segments: npt.NDArray[np.float32], radius: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Draw each image's segments with its pen.

    Parameters
    ----------
    segments : ndarray of float32, shape (n, s, 2, 2)
        Start and end (x, y) of each segment, in pixels from the middle of the image.
    radius : ndarray of float32, shape (n,)
        Half the pen's width in pixels.

    Returns
    -------
    ndarray of float32, shape (n, 28, 28)
        Ink in [0, 1], in 256 grey levels like a scan.

    Examples
    --------
    >>> dash = np.array([[[[-5, 0.5], [5, 0.5]]]], np.float32)
    >>> draw(dash, np.array([1.0], np.float32))[0, 14, 17:22].tolist()
    [1.0, 1.0, 0.9333333373069763, 0.06666667014360428, 0.0]
    """
    images = np.zeros((len(segments), SIDE, SIDE), np.float32)
    reach = 2 * (np.abs(segments).max(axis=(1, 2, 3), initial=0) + radius + SOFTNESS / 2)
    fit = np.minimum(np.searchsorted(WINDOWS, reach), len(WINDOWS) - 1)
    for which, window in enumerate(WINDOWS):
        rows = np.flatnonzero(fit == which)
        edge = (SIDE - window) // 2
        for chunk in np.split(rows, range(CHUNK, len(rows), CHUNK)):
            ink = (radius[chunk, None, None] - _distance(segments[chunk], window)) / np.float32(SOFTNESS) + np.float32(
                0.5
            )
            images[chunk, edge : SIDE - edge, edge : SIDE - edge] = ink.clip(0, 1)
    images *= 255
    np.rint(images, out=images)
    images /= 255
    return images


def _distance(segments: npt.NDArray[np.float32], window: int) -> npt.NDArray[np.float32]:
    """Return each pixel's distance to the nearest segment, (n, s, 2, 2) -> (n, window, window)."""
    ends = segments.transpose(2, 3, 1, 0)[..., None]  # (n, s, 2, 2) -> (2 ends, 2 axes, s, n, 1)
    middle, arm = (ends[1] + ends[0]) / 2, (ends[1] - ends[0]) / 2
    half = np.hypot(arm[0], arm[1])
    ux, uy = arm / np.where(half > 0, half, np.float32(1))
    ux[half == 0] = 1  # a dot has no direction: any will do
    pixel = np.arange(window, dtype=np.float32) - np.float32((window - 1) / 2)
    x, y = pixel - middle[0], pixel - middle[1]  # (s, n, window)
    along = (y * uy)[..., :, None] + (x * ux)[..., None, :]  # (s, n, window) twice -> (s, n, window, window)
    across = (y * ux)[..., :, None] - (x * uy)[..., None, :]
    np.abs(along, out=along)
    along -= half[..., None]
    np.maximum(along, 0, out=along)
    along *= along
    across *= across
    along += across
    nearest: npt.NDArray[np.float32] = along.min(axis=0)  # (s, n, window, window) -> (n, window, window)
    return np.sqrt(nearest)
