r"""The network's input for one second of sound, an image of 32 rows by 32 frames: log-mel energies or MFCC.

Both start from mel energies (``spectrum``) in decibels below the loudest entry *of the clip*, at most 80 of them, so
that the distance to the microphone does not matter:

    s[m, t] = 2 + max(-80, 10 log10(power[m, t] / max power)) / 20                           in [-2, 2]

    log-mel, 32 bands:   x[m, t] = s[m, t]
    MFCC, 128 bands:     x[0, t] = mean over m of s[m, t]
                         x[k, t] = sqrt(2 / 128) sum_m s[m, t] cos(pi k (m + 1/2) / 128),    k = 1 ... 31

MFCC (mel-frequency cepstral coefficients) are the first 32 coefficients of the orthonormal type-II DCT over the bands,
coefficient 0 divided by sqrt(128). The paper states 32 x 32 MFCC features (ZeroFL, A.5, after Zhang et al., "Hello
Edge: Keyword Spotting on Microcontrollers", arXiv 1711.07128) and nothing more. The rest is decided here:

- 128 bands, frames of 2,048 samples every 512: the defaults of common audio libraries, which give the 32 frames.
- The reference is the clip's loudest entry, where those libraries take 1: that changes coefficient 0 only.
- The offset 2, the factor 1 / 20 and the division of coefficient 0 bring all inputs near zero mean and unit variance.
- Digital silence has no loudest entry. It counts as 80 dB below: s is -2 everywhere.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from minizerofl_datasets import choices
from minizerofl_datasets.speech_commands.spectrum import mel_power

__all__ = ["FEATURES", "HEIGHT", "Features", "cepstrum", "envelope", "log_mel", "mfcc", "power_of", "scale"]

HEIGHT = 32  # The image's rows: mel bands, or coefficients.
MFCC_BANDS = 128
RANGE = 80.0  # decibels
LOWEST = -2.0

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Features:
    """One kind of features: how mel energies become the network's input, and the way back.

    Parameters
    ----------
    bands : int
        The number of mel bands that it starts from.
    formula : str
        The formula in one line. It goes into the config, the model file and the name of the feature cache.
    description : str
        The kind and its constants, for people to read.
    from_power : callable
        Mel energies (n, bands, T) -> features (n, 32, T).
    to_power : callable
        Features (..., 32, T) -> energies (..., bands, T) relative to the clip's loudest: what noise is added to.
    silence : ndarray of float32, shape (32, 1)
        A frame of digital silence.
    """

    bands: int
    formula: str
    description: str
    from_power: Callable[[Floats], Floats]
    to_power: Callable[[Floats], Floats]
    silence: Floats

    def of_waves(self, waves: Floats) -> Floats:
        """Return the features (n, 32, T) of waves (n, samples).

        Examples
        --------
        >>> FEATURES["mfcc"].of_waves(np.ones((2, 16_000), np.float32)).shape
        (2, 32, 32)
        """
        return self.from_power(mel_power(waves, self.bands))


def log_mel(waves: Floats) -> Floats:
    """Return the log-mel energies of clips.

    Parameters
    ----------
    waves : ndarray of float32, shape (n, samples)
        Clips of one length; one second of them gives 32 frames.

    Returns
    -------
    ndarray of float32, shape (n, 32 bands, frames)
        In [-2, 2]: low bands first. The clip's loudest entry is 2; an entry 80 dB below it, or lower, is -2.

    Examples
    --------
    >>> time = np.arange(16_000) / 16_000
    >>> x = log_mel(np.sin(2 * np.pi * 1000 * time, dtype=np.float32)[None])
    >>> x.shape, int(x[0, :, 16].argmax()), bool(log_mel(np.zeros((1, 16_000), np.float32)).max() == -2)
    ((1, 32, 32), 11, True)
    """
    return FEATURES["log-mel"].of_waves(waves)


def mfcc(waves: Floats) -> Floats:
    """Return the MFCC of clips.

    Parameters
    ----------
    waves : ndarray of float32, shape (n, samples)
        Clips of one length; one second of them gives 32 frames.

    Returns
    -------
    ndarray of float32, shape (n, 32 coefficients, frames)
        Coefficient 0 is in [-2, 2]; the others are around 0.

    Notes
    -----
    ZeroFL, A.5, states MFCC of this size; the module's docstring lists what is decided here.

    Examples
    --------
    >>> x = mfcc(np.zeros((1, 16_000), np.float32))
    >>> x.shape, x[0, :3, 0].tolist()
    ((1, 32, 32), [-2.0, 0.0, 0.0])
    """
    return FEATURES["mfcc"].of_waves(waves)


def scale(power: Floats) -> Floats:
    """Turn mel energies (n, bands, frames) into decibels below each clip's loudest entry, scaled to [-2, 2].

    Examples
    --------
    >>> scale(np.array([[[1.0, 0.1], [1e-4, 0.0]]], np.float32)).round(2).tolist()
    [[[2.0, 1.5], [0.0, -2.0]]]
    """
    loudest = power.max(axis=(1, 2), keepdims=True)
    ratio = power / np.where(loudest > 0, loudest, 1)
    decibels = 10 * np.log10(np.maximum(ratio, np.float32(10 ** (-RANGE / 10))))
    return np.maximum(np.float32(LOWEST), 2 + decibels / 20).astype(np.float32)


def power_of(s: Floats) -> Floats:
    """Return the energies, relative to the clip's loudest, of scaled decibels: the inverse of ``scale``.

    Examples
    --------
    >>> power_of(np.array([2.0, 1.5], np.float32)).tolist() == [1.0, np.float32(0.1)]
    True
    """
    return np.power(np.float32(10), 2 * s - 4, dtype=np.float32)


def cepstrum(s: Floats) -> Floats:
    """Return the first 32 coefficients of the DCT over the bands, (..., 128, T) -> (..., 32, T).

    Examples
    --------
    >>> cepstrum(np.full((128, 1), 0.5, np.float32))[:3, 0].round(4).tolist()
    [0.5, 0.0, 0.0]
    """
    # Without the mean, the other coefficients of silence are exactly 0.
    mean = s.mean(axis=-2, keepdims=True)
    shape: Floats = _cosines()[1:] @ (s - mean)  # (..., 128, T) -> (..., 31, T)
    return np.concatenate([mean, shape], axis=-2)


def envelope(x: Floats) -> Floats:
    """Return the spectrum that MFCC describe, (..., 32, T) -> (..., 128, T): the inverse DCT of 32 coefficients.

    It is smooth, since the 96 fastest cosines are missing: 32 cosines over 128 bands resolve what 32 bands do.

    Examples
    --------
    >>> s = np.zeros((32, 1), np.float32)
    >>> s[0] = -2
    >>> envelope(s).shape, set(envelope(s).ravel().tolist())
    ((128, 1), {-2.0})
    """
    spectrum: Floats = _cosines()[1:].T @ x[..., 1:, :]  # (..., 31, T) -> (..., 128, T)
    spectrum += x[..., :1, :]
    return spectrum


@cache
def _cosines() -> Floats:
    """Return the rows of the orthonormal type-II DCT that are kept, shape (32, 128)."""
    k, m = np.arange(HEIGHT)[:, None], np.arange(MFCC_BANDS)
    return np.asarray(np.sqrt(2 / MFCC_BANDS) * np.cos(np.pi * k * (m + 0.5) / MFCC_BANDS), np.float32)


def _mfcc_from_power(power: Floats) -> Floats:
    return cepstrum(scale(power))


def _mfcc_to_power(x: Floats) -> Floats:
    return power_of(envelope(x))


_LOG_MEL = Features(
    HEIGHT,
    "x = 2 + max(-80, dB below the clip's loudest) / 20",
    "log-mel energies: 32 bands (HTK scale, 0 to 8000 Hz), 32 centred frames (2048 every 512)",
    scale,
    power_of,
    np.full((HEIGHT, 1), LOWEST, np.float32),
)
_MFCC = Features(
    MFCC_BANDS,
    "x = DCT-II over 128 bands of 2 + max(-80, dB below the clip's loudest) / 20, coefficient 0 / sqrt(128)",
    "MFCC: 32 coefficients of 128 mel bands (HTK scale, 0 to 8000 Hz), 32 centred frames (2048 every 512)",
    _mfcc_from_power,
    _mfcc_to_power,
    np.array([[LOWEST]] + [[0.0]] * (HEIGHT - 1), np.float32),
)
FEATURES = dict(zip(choices.FEATURES, (_LOG_MEL, _MFCC), strict=True))
