"""A speaker of the synthetic twin: what one voice does the same way every time, and what varies between takes."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from minizerofl_datasets.speech_commands.twin.phonemes import BREATH, CENTRE, HISS, VOICE, WIDTH, word_targets

__all__ = ["FRAMES", "Score", "Voice"]

FRAMES = 63  # of the synthesiser, 16 ms each: one second
FRAME = 16.0  # milliseconds
STEPS = 2 * FRAMES  # a burst is shorter than a frame, so a voice plans in halves of frames

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Score:
    """What the synthesiser plays: one clip.

    Parameters
    ----------
    targets : ndarray of float32, shape (FRAMES, 8)
        The columns of ``word_targets``, frame by frame, moving smoothly.
    pitch : ndarray of float32, shape (FRAMES,)
        Hz.
    tilt : float
        By which power of the frequency the voice's amplitude falls.
    room : ndarray of float32, shape (FRAMES,)
        Loudness of the background.
    colour : tuple of float
        By which power of the frequency the background falls, and the share of it that is a hum.
    band : tuple of float
        What the microphone passes, lowest and highest frequency (Hz).
    """

    targets: Floats
    pitch: Floats
    tilt: float
    room: Floats
    colour: tuple[float, float]
    band: tuple[float, float]


class Voice:
    """One speaker: vocal tract, pitch, pace, accent, room and microphone.

    Parameters
    ----------
    rng : numpy.random.Generator
        Draws the speaker.

    Examples
    --------
    >>> score = Voice(np.random.default_rng(0)).say("yes", np.random.default_rng(1))
    >>> score.targets.shape, score.pitch.shape
    ((63, 8), (63,))
    """

    def __init__(self, rng: np.random.Generator) -> None:
        # Men, women and children: a shorter tract has higher formants, and its owner a higher voice.
        kind = rng.choice(3, p=[0.5, 0.35, 0.15])
        self._tract = np.array([1.0, 1.16, 1.3])[kind] * np.exp(rng.normal(0, 0.05))
        self._pitch = np.array([118, 205, 255])[kind] * np.exp(rng.normal(0, 0.15))
        self._pace = np.exp(rng.normal(0, 0.18))
        self._accent = rng.normal(0, 0.06, 3)
        self._breathy = rng.uniform(0.02, 0.25)
        self._lisp = np.exp(rng.normal(0, 0.5))
        self._tilt = float(rng.uniform(0.4, 1.2))
        self._room = 10 ** rng.uniform(-1.5, 1.0)
        self._colour = (float(rng.uniform(0.2, 1.3)), float(rng.beta(1, 4)))
        self._band = (float(10 ** rng.uniform(1.5, 2.4)), float(rng.uniform(4000, 9000)))

    def say(self, word: str, rng: np.random.Generator) -> Score:
        """Say a word once.

        Parameters
        ----------
        word : str
            A word of the set.
        rng : numpy.random.Generator
            Draws what varies between takes: pace, melody, how clearly, when.

        Returns
        -------
        Score

        Examples
        --------
        >>> low, high = (Voice(np.random.default_rng(seed)).say("no", np.random.default_rng(0)) for seed in (0, 1))
        >>> bool(abs(low.pitch.mean() - high.pitch.mean()) > 10)
        True
        """
        milliseconds, targets = word_targets(word)
        steps = len(milliseconds)
        lengths = milliseconds * (self._pace * np.exp(rng.normal(0, 0.25, steps) + rng.normal(0, 0.15)))
        duration = lengths.sum()
        # People start when the recording does, give or take; some words are cut off at an end, as in the real set.
        start = (1000 - duration) * rng.beta(1.7, 2) + rng.normal(0, 50)
        time = (np.arange(STEPS) + 0.5) * (FRAME / 2)
        now = np.searchsorted(start + lengths.cumsum(), time).clip(0, steps - 1)
        since = (time - start) / duration
        fading = np.where((since >= 0) & (since <= 1), 1 - rng.uniform(0.1, 0.6) * since**2, 0)

        said = targets.copy()
        said[:, :3] *= np.exp(rng.normal(0, 0.07, (steps, 3)))
        said[:, VOICE : HISS + 1] *= np.exp(rng.normal(0, 0.35, (steps, 1)))
        path = said[now]  # (steps of the word, 8) -> (STEPS, 8)
        path[:, VOICE : HISS + 1] *= fading[:, None]
        path[:, BREATH] += self._breathy * path[:, VOICE]
        path[:, HISS] *= self._lisp * np.exp(rng.normal(0, 0.25))
        path[:, CENTRE : WIDTH + 1] *= 1 + 0.4 * (self._tract - 1)
        moved = LUNGS @ path  # (STEPS, 8) -> (FRAMES, 8)
        shape = self._tract * np.exp(self._accent + rng.normal(0, 0.04, 3))
        moved[:, :3] = shape * np.exp(TONGUE @ np.log(path[:, :3]))

        rise, fall = rng.normal(0.1, 0.1), rng.normal(0.22, 0.15)
        at = np.clip(since[::2], 0, 1)
        melody = rise * np.sin(np.pi * at) - fall * at + rng.normal(0, 0.05)
        room = self._room * np.exp(rng.normal(0, 0.4) + 0.5 * TONGUE @ rng.normal(0, 1, STEPS))
        pitch = self._pitch * np.exp(melody)
        return Score(moved, pitch.astype(np.float32), self._tilt, room.astype(np.float32), self._colour, self._band)


def _running_mean(width: int) -> Floats:
    """Return the matrix that smooths a track twice over ``width`` steps and keeps every second, (FRAMES, STEPS)."""
    distance = np.arange(STEPS) - np.arange(STEPS)[:, None]
    once = (np.abs(distance) <= width // 2).astype(np.float32)
    once /= once.sum(axis=1, keepdims=True)
    return np.asarray((once @ once)[::2])


TONGUE, LUNGS = _running_mean(9), _running_mean(3)  # what moves slowly, 70 ms, and what moves fast
