"""The sounds of English that the words need, as the targets of a formant synthesiser, and the words spelt in them.

Formants of the vowels are the men's averages of Peterson & Barney, "Control Methods Used in a Study of the Vowels",
JASA 24, 1952. The consonants are textbook values: where a closure points (its locus), where a hiss has its energy.
"""

from functools import cache

import numpy as np
import numpy.typing as npt

__all__ = ["BREATH", "CENTRE", "HISS", "PRONUNCIATION", "VOICE", "WIDTH", "word_targets"]

Floats = npt.NDArray[np.float32]

# Columns of a target: three formants (Hz), three loudnesses, and the hiss's middle and width (Hz).
VOICE, BREATH, HISS, CENTRE, WIDTH = 3, 4, 5, 6, 7
COLUMNS = 8
NO_HISS = (0.0, 4000.0, 1500.0)

FORMANTS = {
    "IY": (270, 2290, 3010),
    "IH": (390, 1990, 2550),
    "EH": (530, 1840, 2480),
    "AE": (660, 1720, 2410),
    "AA": (730, 1090, 2440),
    "AO": (570, 840, 2410),
    "UH": (440, 1020, 2240),
    "UW": (300, 870, 2240),
    "AH": (640, 1190, 2390),
    "ER": (490, 1350, 1690),
}
GLIDES = {"EY": ("EH", "IY"), "AY": ("AA", "IY"), "AW": ("AA", "UW"), "OW": ("AO", "UW")}
# Milliseconds, formants, voice: murmurs and glides.
SONORANTS = {
    "M": (75, (250, 1000, 2200), 0.35),
    "N": (80, (250, 1550, 2600), 0.35),
    "L": (75, (350, 950, 2700), 0.5),
    "R": (80, (340, 1100, 1450), 0.55),
    "W": (75, (290, 650, 2200), 0.5),
    "Y": (70, (270, 2250, 3050), 0.5),
}
# Milliseconds, formants it points to, voice, and the hiss: loudness, middle, width.
FRICATIVES = {
    "S": (120, (320, 1600, 2600), 0.0, (0.9, 6200, 1300)),
    "Z": (90, (280, 1600, 2600), 0.3, (0.45, 6000, 1300)),
    "SH": (125, (320, 1900, 2500), 0.0, (1.0, 3300, 1000)),
    "ZH": (85, (280, 1900, 2500), 0.3, (0.5, 3100, 1000)),
    "F": (100, (300, 1000, 2300), 0.0, (0.16, 5200, 3200)),
    "V": (65, (280, 1000, 2300), 0.35, (0.06, 5000, 3200)),
    "TH": (95, (300, 1400, 2600), 0.0, (0.12, 6200, 2600)),
}
# The place of a closure, and its burst: formants it points to; loudness, middle, width.
PLACES = {
    "lips": ((280, 850, 2200), (0.25, 900, 800)),
    "teeth": ((280, 1750, 2700), (0.7, 4300, 1300)),
    "palate": ((280, 1900, 2300), (0.6, 2000, 600)),
}
STOPS = {
    "P": ("lips", False),
    "B": ("lips", True),
    "T": ("teeth", False),
    "D": ("teeth", True),
    "K": ("palate", False),
    "G": ("palate", True),
}
PRONUNCIATION = {
    word: tuple(sounds.split())
    for word, sounds in {
        "yes": "Y EH S", "no": "N OW", "up": "AH P", "down": "D AW N", "left": "L EH F T",
        "right": "R AY T", "on": "AA N", "off": "AO F", "stop": "S T AA P", "go": "G OW",
        "bed": "B EH D", "bird": "B ER D", "cat": "K AE T", "dog": "D AO G", "eight": "EY T",
        "five": "F AY V", "four": "F AO R", "happy": "HH AE P IY", "house": "HH AW S", "marvin": "M AA R V IH N",
        "nine": "N AY N", "one": "W AH N", "seven": "S EH V AH N", "sheila": "SH IY L AH", "six": "S IH K S",
        "three": "TH R IY", "tree": "T R IY", "two": "T UW", "wow": "W AW", "zero": "Z IH R OW",
        "backward": "B AE K W ER D", "follow": "F AA L OW", "forward": "F AO R W ER D", "learn": "L ER N",
        "visual": "V IH ZH UW AH L",
    }.items()
}  # fmt: skip


@cache
def word_targets(word: str) -> tuple[Floats, Floats]:
    """Return what the mouth aims at, one after the other, when it says a word.

    Parameters
    ----------
    word : str
        A word of the set.

    Returns
    -------
    milliseconds : ndarray of float32, shape (steps,)
        How long each step takes an average speaker.
    targets : ndarray of float32, shape (steps, 8)
        F1, F2, F3 (Hz, for a man), loudness of voice, breath and hiss, the hiss's middle and width (Hz).

    Examples
    --------
    >>> milliseconds, targets = word_targets("cat")
    >>> targets[:, :3].astype(int).tolist()[3]  # k: closure, burst, breath; then a
    [660, 1720, 2410]
    """
    sounds = PRONUNCIATION[word]
    steps: list[tuple[float, ...]] = []
    for number, sound in enumerate(sounds):
        following = sounds[number + 1] if number + 1 < len(sounds) else ""
        after_s = number > 0 and sounds[number - 1] == "S"
        steps += _steps(sound, following, after_s, alone=_vowels(sounds) == 1)
    table = np.array(steps, np.float32)
    table.flags.writeable = False  # everybody gets the same one
    return table[:, 0], table[:, 1:]


def _steps(sound: str, following: str, after_s: bool, *, alone: bool) -> list[tuple[float, ...]]:
    """Return the steps of one sound: milliseconds, then the columns of a target."""
    if sound in FORMANTS:
        return [(190.0 if alone else 120.0, *FORMANTS[sound], 1.0, 0.0, *NO_HISS)]
    if sound in GLIDES:
        first, last = (FORMANTS[each] for each in GLIDES[sound])
        stretch = 1.0 if alone else 0.8
        # A glide does not reach the vowel it points to.
        end = tuple(0.3 * a + 0.7 * b for a, b in zip(first, last, strict=True))
        return [(130.0 * stretch, *first, 1.0, 0.0, *NO_HISS), (110.0 * stretch, *end, 0.8, 0.0, *NO_HISS)]
    if sound in SONORANTS:
        milliseconds, formants, voice = SONORANTS[sound]
        return [(milliseconds, *formants, voice, 0.0, *NO_HISS)]
    if sound in FRICATIVES:
        milliseconds, formants, voice, hiss = FRICATIVES[sound]
        return [(milliseconds, *formants, voice, 0.0, *hiss)]
    if sound == "HH":  # breath through the mouth of the vowel that follows
        vowel = GLIDES.get(following, (following,))[0]
        return [(75.0, *FORMANTS[vowel], 0.0, 0.5, *NO_HISS)]
    place, voiced = STOPS[sound]
    formants, burst = PLACES[place]
    closure = (60.0, *formants, 0.12 if voiced else 0.0, 0.0, *NO_HISS)
    release = (14.0 if voiced else 22.0, *formants, 0.0, 0.1, *burst)
    if voiced or after_s:
        return [closure, release]
    return [closure, release, (38.0, *formants, 0.0, 0.45 if following else 0.2, *NO_HISS)]


def _vowels(sounds: tuple[str, ...]) -> int:
    return sum(sound in FORMANTS or sound in GLIDES for sound in sounds)
