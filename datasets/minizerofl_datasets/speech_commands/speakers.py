"""Finds the speaker of a clip and the split of a speaker, by the official rule: a hash of the speaker's id.

    p = (SHA-1(speaker) mod 2^27) * 100 / (2^27 - 1);   p < 10: validation, p < 20: test, else training

All clips of a speaker are in one split, and new clips do not change it (P. Warden, arXiv 1804.03209).
"""

from functools import lru_cache
from hashlib import sha1
from typing import Literal

__all__ = ["SpeakerSplit", "speaker_of", "split_of"]

SpeakerSplit = Literal["train", "validation", "test"]

BUCKETS = 2**27


def speaker_of(file_name: str) -> str:
    """Return the speaker's id, which is the file name up to ``_nohash_``.

    Examples
    --------
    >>> speaker_of("bed/0c40e715_nohash_0.wav")
    '0c40e715'
    """
    return file_name.rsplit("/", 1)[-1].split("_nohash_", 1)[0]


@lru_cache(maxsize=8192)
def split_of(speaker: str) -> SpeakerSplit:
    """Return the split that a speaker belongs to.

    Parameters
    ----------
    speaker : str
        The speaker's id, such as "0c40e715".

    Returns
    -------
    {"train", "validation", "test"}

    Examples
    --------
    >>> split_of("0c40e715"), split_of("026290a7"), split_of("012c8314")
    ('test', 'validation', 'train')
    """
    # The rule says SHA-1; nothing here needs a secure hash.
    bucket = int(sha1(speaker.encode(), usedforsecurity=False).hexdigest(), 16) % BUCKETS
    percent = bucket * (100 / (BUCKETS - 1))
    if percent < 10:
        return "validation"
    return "test" if percent < 20 else "train"
