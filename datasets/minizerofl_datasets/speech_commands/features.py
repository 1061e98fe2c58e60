r"""From a wave to an image: the log-mel energies of one second, 32 bands by 32 frames.

    power[m, t] = sum_k filter[m, k] |DFT(hann * frame t)[k]|^2
    x[m, t]     = 2 + max(-80, 10 log10(power[m, t] / max power)) / 20          in [-2, 2]

Everything that other implementations do differently:

- frames of 2,048 samples every 512, centred (1,024 zeros before and after), hence 1 + 16,000 // 512 = 32 of them;
- a periodic Hann window; the squared magnitude;
- 32 triangles of height 1 from 0 to 8,000 Hz, evenly spaced on HTK's mel scale, mel(f) = 2595 log10(1 + f / 700);
- decibels below the loudest entry *of the clip*, so that it does not matter how close the microphone was; at most 80.
- The offset and the factor bring the set to about zero mean and unit variance (real clips: -46 +- 19 dB).
- Digital silence has no loudest entry: it is -2 everywhere.
"""

from functools import cache

import numpy as np
import numpy.typing as npt

from minizerofl_datasets.speech_commands.wav import RATE

__all__ = ["BANDS", "FORMULA", "FRAMES", "LOWEST", "SAMPLES", "fit_length", "log_mel", "mel_power", "power_of", "scale"]

SAMPLES = RATE  # a clip is one second
WINDOW = 2048
HOP = 512
BANDS = 32
FRAMES = 1 + SAMPLES // HOP
RANGE = 80.0  # decibels
LOWEST = -2.0
FORMULA = "x = 2 + max(-80, dB below the clip's loudest) / 20"

Floats = npt.NDArray[np.float32]


def fit_length(wave: npt.NDArray[np.int16]) -> Floats:
    """Return one second of a wave, scaled to [-1, 1): zeros are added at the end, or the rest is cut off.

    Examples
    --------
    >>> fit_length(np.array([16384], np.int16))[:3], len(fit_length(np.ones(20_000, np.int16)))
    (array([0.5, 0. , 0. ], dtype=float32), 16000)
    """
    clip = np.zeros(SAMPLES, np.float32)
    kept = wave[:SAMPLES]
    clip[: len(kept)] = kept
    clip /= 2**15
    return clip


def log_mel(waves: Floats) -> Floats:
    """Return the features of clips.

    Parameters
    ----------
    waves : ndarray of float32, shape (n, samples)
        Clips of one length; one second of them gives 32 frames.

    Returns
    -------
    ndarray of float32, shape (n, 32 bands, frames)
        In [-2, 2]: low bands first, the clip's loudest entry is 2, what is 80 dB below it (or lower) is -2.

    Notes
    -----
    The size of the image is that of ZeroFL, section 4; the paper does not state the rest (see the module).

    Examples
    --------
    >>> time = np.arange(16_000) / 16_000
    >>> x = log_mel(np.sin(2 * np.pi * 1000 * time, dtype=np.float32)[None])
    >>> x.shape, int(x[0, :, 16].argmax()), bool(log_mel(np.zeros((1, 16_000), np.float32)).max() == -2)
    ((1, 32, 32), 11, True)
    """
    return scale(mel_power(waves))


def mel_power(waves: Floats) -> Floats:
    """Return the mel energies of waves, shape (n, samples) -> (n, 32 bands, 1 + samples // 512 frames).

    Examples
    --------
    >>> mel_power(np.ones((2, 5120), np.float32)).shape
    (2, 32, 11)
    """
    from scipy.fft import rfft

    padded = np.pad(waves, ((0, 0), (WINDOW // 2, WINDOW // 2)))
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW, axis=1)[:, ::HOP]  # (n, S) -> (n, T, WINDOW)
    spectrum = rfft(frames * _window(), axis=2)  # (n, T, WINDOW) -> (n, T, WINDOW // 2 + 1)
    power = (spectrum.real**2 + spectrum.imag**2) @ _filters().T  # -> (n, T, BANDS)
    return np.ascontiguousarray(power.transpose(0, 2, 1), dtype=np.float32)  # (n, T, BANDS) -> (n, BANDS, T)


def scale(power: Floats) -> Floats:
    """Turn mel energies (n, 32, frames) into features: decibels below each clip's loudest entry, then [-2, 2].

    Examples
    --------
    >>> scale(np.array([[[1.0, 0.1], [1e-4, 0.0]]], np.float32)).round(2).tolist()
    [[[2.0, 1.5], [0.0, -2.0]]]
    """
    loudest = power.max(axis=(1, 2), keepdims=True)
    ratio = power / np.where(loudest > 0, loudest, 1)
    decibels = 10 * np.log10(np.maximum(ratio, np.float32(10 ** (-RANGE / 10))))
    return np.maximum(np.float32(LOWEST), 2 + decibels / 20).astype(np.float32)


def power_of(x: Floats) -> Floats:
    """Return the energies, relative to the clip's loudest, that features stand for: the inverse of ``scale``.

    Examples
    --------
    >>> power_of(np.array([2.0, 1.5], np.float32)).tolist() == [1.0, np.float32(0.1)]
    True
    """
    return np.power(np.float32(10), 2 * x - 4, dtype=np.float32)


@cache
def _window() -> Floats:
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)).astype(np.float32)


@cache
def _filters() -> Floats:
    """Return the triangles, shape (BANDS, WINDOW // 2 + 1)."""
    highest = 2595 * np.log10(1 + RATE / 2 / 700)
    edges = 700 * (10 ** (np.linspace(0, highest, BANDS + 2) / 2595) - 1)
    low, middle, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    frequency = np.arange(WINDOW // 2 + 1) * RATE / WINDOW
    rising, falling = (frequency - low) / (middle - low), (high - frequency) / (high - middle)
    return np.maximum(0, np.minimum(rising, falling)).astype(np.float32)
