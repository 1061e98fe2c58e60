"""Augmentation: a clip a little earlier or later, before a background noise.

The network's inputs are energies, and the energies of unrelated sounds add up (on average over their phases): so noise
is mixed in after the mel filters, and no wave has to be kept or transformed again.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from minizerofl_datasets.speech_commands.features import FRAMES, LOWEST, power_of, scale

__all__ = ["add_noise", "shift"]

LATEST = 3  # frames of 32 ms, about the tenth of a second that is usual for this set
NOISY = 0.8  # the share of clips that get noise
RATIO = (5.0, 30.0)  # decibels between the clip's mean energy and the noise's

Floats = npt.NDArray[np.float32]


def shift(x: Floats, rng: np.random.Generator) -> Floats:
    """Move each clip by up to three frames (96 ms) in time; what comes in is silence.

    Parameters
    ----------
    x : ndarray of float32, shape (n, 1, 32, 32)
        Features; not changed.
    rng : numpy.random.Generator
        Draws by how much.

    Returns
    -------
    ndarray of float32, shape (n, 1, 32, 32)

    Examples
    --------
    >>> x = np.zeros((4, 1, 32, 32), np.float32)
    >>> moved = shift(x, np.random.default_rng(0))
    >>> moved.shape, ((moved == -2).sum(axis=(1, 2, 3)) // 32).tolist()
    ((4, 1, 32, 32), [2, 1, 0, 2])
    """
    n, _, _, frames = x.shape
    source = np.arange(frames) - rng.integers(-LATEST, LATEST + 1, (n, 1))  # -> (n, frames)
    moved = np.take_along_axis(x, np.clip(source, 0, frames - 1)[:, None, None], axis=3)
    outside = (source < 0) | (source >= frames)
    return np.where(outside[:, None, None], np.float32(LOWEST), moved)


def add_noise(x: Floats, recordings: Sequence[Floats], rng: np.random.Generator) -> Floats:
    """Put four clips in five before a second of a background noise, 5 to 30 dB below the clip.

    Parameters
    ----------
    x : ndarray of float32, shape (n, 1, 32, 32)
        Features; not changed.
    recordings : sequence of ndarray of float32, shape (32, frames)
        Mel energies of at least 32 frames each.
    rng : numpy.random.Generator
        Draws who gets noise, which and how much.

    Returns
    -------
    ndarray of float32, shape (n, 1, 32, 32)

    Notes
    -----
    Digital silence has no level that noise could be relative to: it becomes the noise. With augmentation the class
    "silence" therefore means that nobody speaks, as in the set's own tutorial.

    Examples
    --------
    >>> hiss = np.ones((32, 100), np.float32)
    >>> x = np.full((8, 1, 32, 32), -2, np.float32)
    >>> add_noise(x, [hiss], np.random.default_rng(0)).max(axis=(1, 2, 3)).tolist()
    [2.0, 2.0, 2.0, 2.0, -2.0, -2.0, 2.0, 2.0]
    """
    out = x.copy()
    if not recordings:
        return out
    noisy = np.flatnonzero(rng.random(len(x)) < NOISY)
    which = rng.integers(0, len(recordings), len(noisy))
    at = rng.random(len(noisy))
    decibels = rng.uniform(*RATIO, len(noisy))
    for i, choice, start, ratio in zip(noisy, which, at, decibels, strict=True):
        sound = recordings[int(choice)]
        first = int(start * (sound.shape[1] - FRAMES + 1))
        noise = sound[:, first : first + FRAMES]
        silent = out[i].max() <= LOWEST
        clip = np.zeros_like(out[i]) if silent else power_of(out[i])
        level = 1.0 if silent else float(clip.mean() / max(noise.mean(), 1e-30)) * 10 ** (-ratio / 10)
        out[i] = scale(clip + np.float32(level) * noise)
    return out
