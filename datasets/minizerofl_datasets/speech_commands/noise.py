"""Augmentation: a clip is moved a little in time, and a background noise is added to it.

The network's inputs stand for energies, and the energies of unrelated sounds add up (on average over their phases). So
noise is added after the mel filters, and no wave has to be kept or transformed again. MFCC are turned back into the
spectrum that they describe (``features.envelope``), the noise is added there, and the result becomes MFCC again.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from minizerofl_datasets.speech_commands.features import FEATURES, Features
from minizerofl_datasets.speech_commands.spectrum import FRAMES

__all__ = ["add_noise", "shift"]

MAX_SHIFT = 3  # Frames; about a tenth of a second, as is usual for this set.
NOISY_SHARE = 0.8  # The share of clips that get noise.
NOISE_RATIO = (5.0, 30.0)  # Decibels between the clip's mean energy and the noise's.

Floats = npt.NDArray[np.float32]


def shift(x: Floats, rng: np.random.Generator, kind: Features = FEATURES["log-mel"]) -> Floats:
    """Move each clip by up to `MAX_SHIFT` frames in time; silence fills the gap.

    Parameters
    ----------
    x : ndarray of float32, shape (n, 1, 32, 32)
        Features; not changed.
    rng : numpy.random.Generator
        Draws the distance of each clip.
    kind : Features
        The kind that x is of.

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
    source = np.arange(frames) - rng.integers(-MAX_SHIFT, MAX_SHIFT + 1, (n, 1))  # -> (n, frames)
    moved = np.take_along_axis(x, np.clip(source, 0, frames - 1)[:, None, None], axis=3)
    outside = (source < 0) | (source >= frames)
    return np.where(outside[:, None, None], kind.silence, moved)


def add_noise(
    x: Floats, recordings: Sequence[Floats], rng: np.random.Generator, kind: Features = FEATURES["log-mel"]
) -> Floats:
    """Add a second of a background noise, 5 to 30 dB below the clip, to four clips in five.

    Parameters
    ----------
    x : ndarray of float32, shape (n, 1, 32, 32)
        Features; not changed.
    recordings : sequence of ndarray of float32, shape (bands, frames)
        Mel energies of noises, with the bands of the kind and at least 32 frames each.
    rng : numpy.random.Generator
        Draws which clips get noise, which noise and how much.
    kind : Features
        The kind that x is of.

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
    noisy = np.flatnonzero(rng.random(len(x)) < NOISY_SHARE)
    which = rng.integers(0, len(recordings), len(noisy))
    at = rng.random(len(noisy))
    decibels = rng.uniform(*NOISE_RATIO, len(noisy))
    for i, choice, start, ratio in zip(noisy, which, at, decibels, strict=True):
        sound = recordings[int(choice)]
        first = int(start * (sound.shape[1] - FRAMES + 1))
        noise = sound[None, :, first : first + FRAMES]  # (bands, frames) -> (1, bands, 32)
        silent = bool((out[i] == kind.silence).all())
        clip = np.zeros_like(noise) if silent else kind.to_power(out[i])
        level = 1.0 if silent else float(clip.mean() / max(noise.mean(), 1e-30)) * 10 ** (-ratio / 10)
        out[i] = kind.from_power(clip + np.float32(level) * noise)
    return out
