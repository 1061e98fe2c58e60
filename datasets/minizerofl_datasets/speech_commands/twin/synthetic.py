"""The synthetic twin of Speech Commands: the same words, classes, split and shapes, spoken by a program.

With it every command works without data and without a network. A result on it says nothing about speech.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from zlib import crc32

import numpy as np
import numpy.typing as npt

from minizerofl_datasets.speech_commands.features import HEIGHT
from minizerofl_datasets.speech_commands.speakers import speaker_of
from minizerofl_datasets.speech_commands.spectrum import FRAMES, mel_power
from minizerofl_datasets.speech_commands.speech import Deal, SpeechCommands
from minizerofl_datasets.speech_commands.store import SILENT
from minizerofl_datasets.speech_commands.twin.synthesis import synthesize
from minizerofl_datasets.speech_commands.twin.voices import Voice
from minizerofl_datasets.speech_commands.wav import RATE
from minizerofl_datasets.speech_commands.words import VERSIONS, Vocabulary

__all__ = ["SyntheticSpeechCommands"]

SPEAKERS = 200
BATCH = 16  # Clips; their spectra stay in the processor's cache.
PURPOSES = {"takes": 0, "voice": 1, "clip": 2, "noise": 3}
DRAWN = 1  # Raise it when the program speaks otherwise.
NOISES = 6
NOISE_SECONDS = 10

Floats = npt.NDArray[np.float32]


class SyntheticSpeechCommands(SpeechCommands):
    """Speakers "synthetic-0000" and so on, who say every word one to three times; a clip is played when asked for.

    A speaker depends on the seed and on the number in the id alone, a clip on these and its name. Features are kept, as
    float16, once they are there (at most 25 MB).

    Parameters
    ----------
    version : {"v0.01", "v0.02"}
        30 words or 35.
    vocabulary, deal, seed, clients, augment, features
        As in ``SpeechCommands``.
    """

    def __init__(
        self,
        *,
        version: str,
        vocabulary: Vocabulary,
        deal: Deal,
        seed: int,
        clients: int | None = None,
        augment: bool = True,
        features: str = "log-mel",
    ) -> None:
        self._key = seed
        takes = np.random.default_rng([seed, PURPOSES["takes"]]).integers(1, 4, SPEAKERS)
        self._names = [
            f"{word}/synthetic-{speaker:04d}_nohash_{take}.wav"
            for word in VERSIONS[version]
            for speaker in range(SPEAKERS)
            for take in range(takes[speaker])
        ]
        self._features = np.zeros((len(self._names), HEIGHT, FRAMES), np.float16)
        self._played = np.zeros(len(self._names), np.bool_)
        self._voice = cache(self._new_voice)
        self._background = cache(self._new_background)
        super().__init__(
            source="synthetic",
            format="synthetic",
            origin="spoken by a program (not people); no files were read",
            names=self._names,
            vocabulary=vocabulary,
            deal=deal,
            seed=seed,
            clients=clients,
            augment=augment,
            features=features,
        )

    def features(self, rows: npt.NDArray[np.int64]) -> Floats:
        """Return the features (n, 1, 32, 32) of clips, which are played if they never were."""
        spoken = rows[rows != SILENT]
        new = spoken[~self._played[spoken]]
        for start in range(0, len(new), BATCH):
            batch = new[start : start + BATCH]
            # Two threads may play the same clip: both write the same values.
            self._features[batch] = self.kind.of_waves(self.waves(batch))
            self._played[batch] = True
        x = np.empty((len(rows), 1, HEIGHT, FRAMES), np.float32)
        x[:] = self.kind.silence
        x[rows != SILENT, 0] = self._features[spoken]
        return x

    def waves(self, rows: npt.NDArray[np.int64]) -> Floats:
        """Play clips.

        Parameters
        ----------
        rows : ndarray of int64, shape (n,)
            Their places in the list of names.

        Returns
        -------
        ndarray of float32, shape (n, 16000)
            One second at 16 kHz.

        Examples
        --------
        >>> from minizerofl_datasets import load
        >>> load("speech_commands", source="synthetic").waves(np.array([0])).shape
        (1, 16000)
        """
        return np.stack([self._wave(self._names[row]) for row in rows])

    def background(self) -> Sequence[Floats]:
        """Return mel energies of six rooms in which nobody speaks, (bands of the kind, frames) each."""
        return self._background()

    def _content(self) -> Iterator[str]:
        yield f"speech_commands {DRAWN} seed {self.seed} clips {len(self._names)}"

    def _wave(self, name: str) -> Floats:
        word, file = name.split("/")
        number = int(speaker_of(file).rsplit("-", 1)[1])
        rng = self._rng("clip", crc32(name.encode()))
        return synthesize(self._voice(number).say(word, rng), rng)

    def _new_voice(self, number: int) -> Voice:
        return Voice(self._rng("voice", number))

    def _new_background(self) -> list[Floats]:
        rng = self._rng("noise", 0)
        ends = np.concatenate([[0.0, 1.0], rng.uniform(0, 1.3, NOISES - 2)])  # white, pink-brown, and others
        frequency = np.maximum(np.fft.rfftfreq(NOISE_SECONDS * RATE, 1 / RATE), 50).astype(np.float32)
        noises = []
        for slope in ends:
            spectrum = np.fft.rfft(rng.standard_normal(NOISE_SECONDS * RATE)) * frequency**-slope
            noises.append(mel_power(np.fft.irfft(spectrum).astype(np.float32)[None], self.kind.bands)[0])
        return noises

    def _rng(self, purpose: str, number: int) -> np.random.Generator:
        return np.random.default_rng([self._key, PURPOSES[purpose], number])
