"""The words of Speech Commands and the classes made of them: the twelve of the paper, all words, or a choice."""

from collections.abc import Sequence
from dataclasses import dataclass

from minizerofl_datasets.errors import check_choice

__all__ = ["KEYWORDS", "SILENCE", "UNKNOWN", "VERSIONS", "Vocabulary", "make_vocabulary"]

KEYWORDS = ("yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go")
OTHERS = (
    "bed", "bird", "cat", "dog", "eight", "five", "four", "happy", "house", "marvin",
    "nine", "one", "seven", "sheila", "six", "three", "tree", "two", "wow", "zero",
)  # fmt: skip
ADDED = ("backward", "follow", "forward", "learn", "visual")
VERSIONS: dict[str, tuple[str, ...]] = {
    "v0.01": tuple(sorted(KEYWORDS + OTHERS)),
    "v0.02": tuple(sorted(KEYWORDS + OTHERS + ADDED)),
}
UNKNOWN, SILENCE = "unknown", "silence"


@dataclass(frozen=True)
class Vocabulary:
    """The classes, and the label of each spoken word.

    Parameters
    ----------
    class_names : tuple of str
        One name per label.
    label_of : dict of str to int
        The label of each word; clips of other words are left out.
    """

    class_names: tuple[str, ...]
    label_of: dict[str, int]

    @property
    def has_silence(self) -> bool:
        """Whether there is a class for clips without a word."""
        return SILENCE in self.class_names


def make_vocabulary(words: str | Sequence[str], version: str) -> Vocabulary:
    """Return the classes for a choice of words.

    Parameters
    ----------
    words : {"paper", "all"} or sequence of str
        "paper": ten keywords, "unknown" (every other word) and "silence" (ZeroFL, A.5). "all": every word of the
        version, in alphabetical order. A sequence: these words in this order, no others.
    version : {"v0.01", "v0.02"}
        30 words or 35.

    Returns
    -------
    Vocabulary

    Raises
    ------
    ValueError
        If a word is unknown or given twice, or fewer than two are given.

    Examples
    --------
    >>> make_vocabulary("paper", "v0.01").class_names[-3:]
    ('go', 'unknown', 'silence')
    >>> make_vocabulary(("cat", "bed"), "v0.01").label_of
    {'cat': 0, 'bed': 1}
    """
    check_choice("version", version, VERSIONS)
    known = VERSIONS[version]
    if isinstance(words, str):
        check_choice("words", words, ("paper", "all"))
        if words == "paper":
            names = (*KEYWORDS, UNKNOWN, SILENCE)
            return Vocabulary(names, {word: names.index(word if word in KEYWORDS else UNKNOWN) for word in known})
        words = known
    for word in words:
        check_choice("words", word, known)
    if len(set(words)) != len(words) or len(words) < 2:
        raise ValueError(f"words={tuple(words)!r}: give at least two words, each once.")
    return Vocabulary(tuple(words), {word: label for label, word in enumerate(words)})
