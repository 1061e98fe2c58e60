"""Gives every clip its pool and its label: the speaker split, the classes, and the silent clips."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from minizerofl_datasets.speech_commands.speakers import SpeakerSplit, speaker_of, split_of
from minizerofl_datasets.speech_commands.store import SILENT
from minizerofl_datasets.speech_commands.words import SILENCE, Vocabulary

__all__ = ["Pool", "make_pools"]

SILENT_SHARE = 0.1  # Silent training clips for each spoken one.

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Pool:
    """The clips of one split.

    Parameters
    ----------
    rows : ndarray of int64, shape (n,)
        Each clip's position in the list of names; ``SILENT`` for a clip of digital silence.
    labels : ndarray of int64, shape (n,)
    speakers : ndarray of str, shape (n,)
        Who speaks; a silent clip is counted as the recording of a speaker too.
    """

    rows: Rows
    labels: Rows
    speakers: npt.NDArray[np.str_]


def make_pools(names: Sequence[str], vocabulary: Vocabulary) -> dict[SpeakerSplit, Pool]:
    """Divide clips by their speakers into the official splits, and give each its label.

    Parameters
    ----------
    names : sequence of str
        Clips such as "bed/012c8314_nohash_0.wav"; their order does not matter.
    vocabulary : Vocabulary
        The label of each word; other words are left out.

    Returns
    -------
    dict of str to Pool
        "train", "validation" and "test", each in the order of names. If the vocabulary has a class "silence", the
        training pool ends with silent clips, int(10 %) of the spoken ones, spread evenly over the speakers; the other
        pools have none. (That follows from the sample counts in ZeroFL, A.5.)

    Examples
    --------
    >>> from minizerofl_datasets.speech_commands.words import make_vocabulary
    >>> names = ["dog/012c8314_nohash_0.wav", "bed/012c8314_nohash_0.wav", "bed/0c40e715_nohash_0.wav"]
    >>> pools = make_pools(names, make_vocabulary(("bed", "dog"), "v0.01"))
    >>> pools["train"].rows.tolist(), pools["train"].labels.tolist(), pools["test"].rows.tolist()
    ([1, 0], [0, 1], [2])
    """
    members: dict[SpeakerSplit, list[tuple[int, int, str]]] = {"train": [], "validation": [], "test": []}
    for row in sorted(range(len(names)), key=names.__getitem__):
        word, file = names[row].split("/")
        if word in vocabulary.label_of:
            speaker = speaker_of(file)
            members[split_of(speaker)].append((row, vocabulary.label_of[word], speaker))
    if vocabulary.has_silence:
        train, label = members["train"], vocabulary.class_names.index(SILENCE)
        owners = sorted(speaker for _, _, speaker in train)
        silent = int(SILENT_SHARE * len(train))
        train += [(SILENT, label, owners[number * len(owners) // silent]) for number in range(silent)]
    return {split: _pool(clips) for split, clips in members.items()}


def _pool(clips: list[tuple[int, int, str]]) -> Pool:
    return Pool(
        np.array([row for row, _, _ in clips], np.int64),
        np.array([label for _, label, _ in clips], np.int64),
        np.array([speaker for _, _, speaker in clips], np.str_),
    )
