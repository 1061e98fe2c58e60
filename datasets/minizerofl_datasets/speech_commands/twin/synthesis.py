"""The formant synthesiser: from a score to a wave.

Source and filter (G. Fant, *Acoustic Theory of Speech Production*, 1960): pulses (the voice) and noise (breath) pass
the resonances of the mouth; a hiss, made at the teeth, passes by them. Each frame of 32 ms is filtered in the
frequency domain, and frames overlap by half:

    H(f) = product over formants F of 1 / (1 - (f / F)^2 + i f B / F^2),   B the formant's bandwidth
"""

import numpy as np
import numpy.typing as npt

from minizerofl_datasets.speech_commands.twin.phonemes import BREATH, CENTRE, HISS, VOICE, WIDTH
from minizerofl_datasets.speech_commands.twin.voices import FRAMES, Score
from minizerofl_datasets.speech_commands.wav import RATE

__all__ = ["synthesize"]

HOP = 256
WINDOW = 2 * HOP
BINS = HOP + 1
FREQUENCY = (np.arange(BINS) * (RATE / WINDOW)).astype(np.float32)
# Before and after the filter: where two frames overlap their squares add up to one.
FADE = np.sin(np.pi * (np.arange(WINDOW) + 0.5) / WINDOW).astype(np.float32)
BANDWIDTHS = (70.0, 100.0, 140.0, 220.0, 300.0)
UPPER = (3500.0, 4500.0)  # the fourth and fifth formant, for a man, hardly move
HUM = 50.0

Floats = npt.NDArray[np.float32]
Spectra = npt.NDArray[np.complex64]


def synthesize(score: Score, rng: np.random.Generator) -> Floats:
    """Play a score.

    Parameters
    ----------
    score : Score
        What is said and how.
    rng : numpy.random.Generator
        Draws the noise.

    Returns
    -------
    ndarray of float32, shape (16000,)
        One second at 16 kHz, within about +-1.

    Examples
    --------
    >>> from minizerofl_datasets.speech_commands.twin.voices import Voice
    >>> rng = np.random.default_rng(0)
    >>> wave = synthesize(Voice(rng).say("yes", rng), rng)
    >>> wave.shape, wave.dtype.name
    ((16000,), 'float32')
    """
    from scipy.fft import irfft, rfft

    targets = score.targets[..., None]  # (FRAMES, 8) -> (FRAMES, 8, 1), to meet the frequencies
    pulses = np.lib.stride_tricks.sliding_window_view(_pulses(score.pitch), WINDOW)[::HOP]  # -> (FRAMES, WINDOW)
    voice = rfft(pulses * FADE, axis=1)  # (FRAMES, WINDOW) -> (FRAMES, BINS)
    voice *= targets[:, VOICE] * _falling(score.tilt, 200)
    noise = rng.standard_normal((FRAMES, 2 * BINS), dtype=np.float32).view(np.complex64)  # -> (FRAMES, BINS)
    hiss = np.exp(-0.5 * ((FREQUENCY - targets[:, CENTRE]) / targets[:, WIDTH]) ** 2)
    spectra = _mouth(score.targets[:, :3]) * (voice + 0.5 * targets[:, BREATH] * noise)
    spectra += (3 * targets[:, HISS] * hiss + _room(score)) * noise
    frames = irfft(spectra * _microphone(score), axis=1) * FADE  # (FRAMES, BINS) -> (FRAMES, WINDOW)
    wave = np.zeros((FRAMES + 1, HOP), np.float32)
    wave[:-1] = frames[:, :HOP]
    wave[1:] += frames[:, HOP:]
    return wave.ravel()[HOP // 2 :][:RATE] / np.float32(4)  # (FRAMES + 1, HOP) -> (RATE,)


def _mouth(formants: Floats) -> Spectra:
    """Return the mouth's response to three formants, (FRAMES, 3) -> (FRAMES, BINS)."""
    tract = np.median(formants[:, 2]) / 2500
    resistance: Spectra = np.ones((len(formants), BINS), np.complex64)
    for number, bandwidth in enumerate(BANDWIDTHS):
        formant = formants[:, number, None] if number < 3 else np.float32(UPPER[number - 3] * tract)
        ratio = FREQUENCY / formant
        resistance *= 1 - ratio * ratio + np.complex64(1j) * ratio * (np.float32(bandwidth) / formant)
    return 1 / resistance


def _pulses(pitch: Floats) -> Floats:
    """Return a train of pulses, the same energy a second for every pitch, (FRAMES,) -> (samples,)."""
    curve = np.pad(np.repeat(pitch, HOP), (0, WINDOW - HOP), mode="edge")
    beats = np.diff(np.floor(np.cumsum(curve / RATE, dtype=np.float64)), prepend=0)
    return np.asarray(beats * np.sqrt(100 * RATE / WINDOW / curve), np.float32)


def _room(score: Score) -> Floats:
    """Return the background's amplitude, (FRAMES, BINS): coloured noise and the hum of the mains."""
    slope, hum = score.colour
    peaks = np.exp(-0.5 * ((FREQUENCY - 2 * HUM) / 20) ** 2) + 0.5 * np.exp(-0.5 * ((FREQUENCY - 6 * HUM) / 20) ** 2)
    spectrum = (1 - hum) * _falling(slope, 500) + 10 * hum * peaks
    return np.asarray(0.1 * score.room[:, None] * spectrum, np.float32)


def _microphone(score: Score) -> Floats:
    low, high = score.band
    return np.asarray(
        1 / np.sqrt((1 + (low / np.maximum(FREQUENCY, 1)) ** 4) * (1 + (FREQUENCY / high) ** 8)), np.float32
    )


def _falling(power: float, reference: float) -> Floats:
    """Return (f / reference)^-power, level below 60 Hz, (BINS,)."""
    return np.asarray((np.maximum(FREQUENCY, 60) / reference) ** -power, np.float32)
