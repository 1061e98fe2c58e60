"""Finds Speech Commands below a data folder: unpacked or as its official archive, of either version."""

import os
from pathlib import Path

from minizerofl_datasets.speech_commands.sources import Archive, Folder, Source
from minizerofl_datasets.speech_commands.words import VERSIONS

__all__ = ["HOW_TO_GET", "find_source"]

HOW_TO_GET = (
    "run `minizerofl data fetch speech_commands`; or download "
    "https://storage.googleapis.com/download.tensorflow.org/data/speech_commands_v0.01.tar.gz into a folder, packed or "
    "unpacked to speech_commands_v0.01, and name the folder with --data-dir, data_dir= or the environment variable "
    "MINIZEROFL_DATA; or take the synthetic twin with source=synthetic"
)


def find_source(folder: str | os.PathLike[str], version: str = "auto") -> Source | None:
    """Find Speech Commands below a folder; v0.01 goes before v0.02, a folder before an archive.

    Parameters
    ----------
    folder : str or PathLike
        The data folder, or the set's own folder.
    version : {"auto", "v0.01", "v0.02"}
        Which version to look for.

    Returns
    -------
    Source or None
        None if the folder does not hold the set.

    Raises
    ------
    DataError
        If a folder of the set holds no recordings, or .wav files that are not of the set.

    Examples
    --------
    >>> find_source(Path("nowhere")) is None
    True
    """
    folder = Path(folder)
    places = (folder, folder / "speech_commands")
    for each in VERSIONS if version == "auto" else (version,):
        name = f"speech_commands_{each}"
        for place in places:
            if (place / name).is_dir():
                return Folder(place / name, each)
        for place in places:
            if (place / f"{name}.tar.gz").is_file():
                return Archive(place / f"{name}.tar.gz", each)
    for place in reversed(places):
        # A folder called "cat" may hold anything; one with a file named like a recording belongs to this set.
        if any(next((place / word).glob("*_nohash_*.wav"), None) for word in VERSIONS["v0.02"]):
            return Folder(place, version)
    return None
