"""Finds the files of a set: in the folder that was named, else in the cache; else the synthetic twin is used."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from minizerofl_datasets.cache import cache_folder
from minizerofl_datasets.choices import SOURCES
from minizerofl_datasets.errors import DataError, check_choice

__all__ = ["check_folder", "find_data"]

Found = TypeVar("Found")


def find_data(
    title: str,
    find: Callable[[Path], Found | None],
    how_to_get: str,
    *,
    source: str,
    data_dir: str | os.PathLike[str] | None,
    format: str = "auto",
) -> Found | None:
    """Find the files of a set; None stands for the synthetic twin. Nothing is ever downloaded.

    A folder that was named (``data_dir``, else MINIZEROFL_DATA) and holds no data is an error; neither the cache nor
    the twin takes its place.

    Parameters
    ----------
    title : str
        The set's name for people.
    find : callable
        Takes a folder and returns what it found there, or None.
    how_to_get : str
        How to get the set; the end of the error message.
    source : {"auto", "real", "synthetic"}
        "auto" takes the twin if no folder was named and the cache has nothing.
    data_dir : str or PathLike, optional
        The folder that was named.
    format : str
        The layout asked for; naming one asks for real files.

    Returns
    -------
    what ``find`` returned, or None

    Raises
    ------
    ValueError
        If the source is unknown, or a layout is asked of the twin.
    DataError
        If real data was asked for and there is none.

    Examples
    --------
    >>> find_data("Nothing", lambda folder: None, "", source="synthetic", data_dir=None) is None
    True
    """
    check_choice("source", source, SOURCES)
    if source == "synthetic":
        if format != "auto":
            raise ValueError(
                f"format={format!r} is a layout of real files, but source='synthetic' reads no files; drop one of them."
            )
        return None
    layout = "" if format == "auto" else f" in the {format.upper()} layout"
    given = data_dir if data_dir is not None else os.environ.get("MINIZEROFL_DATA") or None
    if given is not None:
        folder = Path(given).expanduser()
        check_folder(folder)
        found = find(folder)
        if found is None:
            raise DataError(f"data folder '{folder}' holds no {title}{layout}; {how_to_get}.")
        return found
    cached = cache_folder() / "data"
    found = find(cached) if cached.is_dir() else None
    if found is None and (source == "real" or format != "auto"):
        raise DataError(f"the real {title}{layout} is not in the cache and no data folder was named: {how_to_get}.")
    return found


def check_folder(folder: str | os.PathLike[str]) -> None:
    """Refuse a data folder that does not exist.

    Examples
    --------
    >>> check_folder(Path("nowhere"))
    Traceback (most recent call last):
    ...
    minizerofl_datasets.errors.DataError: data folder 'nowhere' does not exist; check data_dir or MINIZEROFL_DATA.
    """
    folder = Path(folder)
    if not folder.is_dir():
        state = "is not a folder" if folder.exists() else "does not exist"
        raise DataError(f"data folder '{folder}' {state}; check data_dir or MINIZEROFL_DATA.")
