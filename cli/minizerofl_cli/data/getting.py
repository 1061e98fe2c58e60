"""How data sets get here: fetched, imported or built."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from minizerofl.fl.errors import ConfigError
from minizerofl_cli.runs.dataset import load
from minizerofl_cli.screen.meter import Meter
from minizerofl_datasets import fetch, import_arrays
from minizerofl_datasets.cache import cache_folder
from minizerofl_datasets.femnist.build import build_leaf
from minizerofl_datasets.imported import imported_names

Say = Callable[[str], None]


def fetch_set(name: str, version: str | None, origin: str | None, say: Say) -> Iterator[str]:
    """Fetch a set into the cache; yield lines about the result.

    Parameters
    ----------
    name : str
        A set of the catalogue.
    version : str, optional
        The version of speech_commands.
    origin : str, optional
        A mirror's address or an archive.
    say : callable
        Called with lines about the progress.

    Raises
    ------
    ConfigError
        The set has no such version.
    DataError
        The archive is not the official one.
    DownloadError
        Network or server failed.

    Examples
    --------
    >>> list(fetch_set("femnist", "v3", None, print))
    Traceback (most recent call last):
        ...
    minizerofl.fl.errors.ConfigError: variant='v3' is unknown: Known: 'tff'.
    """
    try:
        folder = fetch(name, variant=version, source=origin, progress=Meter(f"{name}: real data, fetched", say))
    except ValueError as error:
        raise ConfigError(str(error)) from error
    yield f"{name}: real data, in {folder}"
    yield f"Next: minizerofl train --dataset {name}"


def take_in(file: Path, name: str, replace: bool) -> Iterator[str]:
    """Import a user's arrays; yield lines about the result.

    Raises
    ------
    ConfigError
        The name is not allowed or is in use.
    DataError
        The file is not what it should be.

    Examples
    --------
    >>> list(take_in(Path("scans.npz"), "Scans", replace=False))
    Traceback (most recent call last):
        ...
    minizerofl.fl.errors.ConfigError: name='Scans': use up to 64 lower-case letters, digits, - and _.
    """
    odd: list[str] = []
    try:
        import_arrays(name, file, replace=replace, say=odd.append)
    except ValueError as error:
        raise ConfigError(str(error)) from error
    yield from load(name, "real", None, "ink", 0, None).describe().splitlines()
    yield from (f"Note: {line}" for line in odd)
    yield f"Next: minizerofl train --dataset {name}"


def find_imported(name: str) -> Path:
    """Return the file in the cache that holds an imported set.

    Raises
    ------
    ConfigError
        There is no imported set of this name.

    Examples
    --------
    >>> find_imported("femnist")
    Traceback (most recent call last):
        ...
    minizerofl.fl.errors.ConfigError: 'femnist' is not an imported set: there is none; minizerofl data list shows \
where its files are
    """
    names = imported_names()
    if name not in names:
        known = f"imported are {', '.join(names)}" if names else "there is none"
        raise ConfigError(f"{name!r} is not an imported set: {known}; minizerofl data list shows where its files are")
    return cache_folder() / "imported" / f"{name}.h5"


def build_femnist(
    by_class: Path, by_write: Path, output: Path | None, test_share: float, keep_duplicates: bool, seed: int, say: Say
) -> Iterator[str]:
    """Build the LEAF form of FEMNIST; yield lines about the result.

    Raises
    ------
    ConfigError
        The test share is out of its range.
    DataError
        An archive is damaged or not NIST's, or the result exists already.

    Examples
    --------
    >>> list(build_femnist(Path("no.zip"), Path("no.zip"), Path("there"), 0.2, False, 0, print))
    Traceback (most recent call last):
        ...
    minizerofl_datasets.errors.DataError: no.zip: cannot be read ([Errno 2] No such file or directory: 'no.zip').
    """
    progress = Meter("femnist: real data, read", say, "pictures")
    try:
        folder = build_leaf(
            by_class,
            by_write,
            output,
            seed=seed,
            test_share=test_share,
            keep_duplicates=keep_duplicates,
            progress=progress,
        )
    except ValueError as error:
        raise ConfigError(str(error)) from error
    yield f"femnist: real data, built in {folder}"
    where = "" if output is None else f" --data-dir {folder}"
    yield f"Next: minizerofl train --dataset femnist --format leaf{where}"
