r"""From a wave to mel energies: the part that all kinds of features share.

    power[m, t] = sum_k filter[m, k] |DFT(hann * frame t)[k]|^2

What other implementations do differently, and what is done here:

- frames of 2,048 samples every 512, centred (1,024 zeros before and after), hence 1 + 16,000 // 512 = 32 frames;
- a periodic Hann window, and the squared magnitude;
- triangles of height 1 from 0 to 8,000 Hz, evenly spaced on HTK's mel scale, mel(f) = 2595 log10(1 + f / 700).
"""

from functools import cache

import numpy as np
import numpy.typing as npt

from minizerofl_datasets.speech_commands.wav import RATE

__all__ = ["FRAMES", "SAMPLES", "fit_length", "mel_power"]

SAMPLES = RATE  # A clip is one second.
WINDOW = 2048
HOP = 512
FRAMES = 1 + SAMPLES // HOP

Floats = npt.NDArray[np.float32]


def fit_length(wave: npt.NDArray[np.int16]) -> Floats:
    """Return one second of a wave, scaled to [-1, 1): a short wave gets zeros at its end, a long one is cut.

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


def mel_power(waves: Floats, bands: int = 32) -> Floats:
    """Return the mel energies of waves.

    Parameters
    ----------
    waves : ndarray of float32, shape (n, samples)
        Waves of one length at 16 kHz.
    bands : int
        The number of mel bands.

    Returns
    -------
    ndarray of float32, shape (n, bands, 1 + samples // 512)
        Low bands first.

    Examples
    --------
    >>> mel_power(np.ones((2, 5120), np.float32)).shape
    (2, 32, 11)
    """
    from scipy.fft import rfft

    padded = np.pad(waves, ((0, 0), (WINDOW // 2, WINDOW // 2)))
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW, axis=1)[:, ::HOP]  # (n, S) -> (n, T, WINDOW)
    spectrum = rfft(frames * _window(), axis=2)  # (n, T, WINDOW) -> (n, T, WINDOW // 2 + 1)
    power = (spectrum.real**2 + spectrum.imag**2) @ _filters(bands).T  # -> (n, T, bands)
    return np.ascontiguousarray(power.transpose(0, 2, 1), dtype=np.float32)  # (n, T, bands) -> (n, bands, T)


@cache
def _window() -> Floats:
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)).astype(np.float32)


@cache
def _filters(bands: int) -> Floats:
    """Return the triangles, shape (bands, WINDOW // 2 + 1)."""
    highest = 2595 * np.log10(1 + RATE / 2 / 700)
    edges = 700 * (10 ** (np.linspace(0, highest, bands + 2) / 2595) - 1)
    low, middle, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    frequency = np.arange(WINDOW // 2 + 1) * RATE / WINDOW
    rising, falling = (frequency - low) / (middle - low), (high - frequency) / (high - middle)
    return np.maximum(0, np.minimum(rising, falling)).astype(np.float32)
