"""What `minizerofl data list` and `minizerofl data info` say."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np

from minizerofl_cli.data.counts import count_classes
from minizerofl_cli.screen.progress import MB
from minizerofl_datasets import DataError, FederatedDataset, known_names
from minizerofl_datasets.cache import cache_folder
from minizerofl_datasets.catalogue import CATALOGUE
from minizerofl_datasets.cifar10.files import find_files
from minizerofl_datasets.femnist.files import search_files
from minizerofl_datasets.sources import check_folder
from minizerofl_datasets.speech_commands.files import find_source

Found = tuple[str, Path, list[Path]]  # the layout, where it is, the files


def list_lines(data_dir: Path | None) -> Iterator[str]:
    """Describe every set in a few lines.

    Parameters
    ----------
    data_dir : Path, optional
        A folder to look into, beside the cache; MINIZEROFL_DATA by default.

    Raises
    ------
    DataError
        The folder that was named does not exist.

    Examples
    --------
    >>> lines = list(list_lines(None))
    >>> lines[0]
    'cifar10: 60,000 colour pictures of ten kinds of things, 32 x 32; one pool, split by a partition'
    """
    given = data_dir or (Path(os.environ["MINIZEROFL_DATA"]) if os.environ.get("MINIZEROFL_DATA") else None)
    if given is not None:
        check_folder(given)
    for name in known_names():
        if name not in CATALOGUE:
            path = cache_folder() / "imported" / f"{name}.h5"
            yield f"{name}: imported by you"
            yield f"  real data    {_size([path])} in {path}"
            continue
        yield f"{name}: {CATALOGUE[name].title}"
        yield f"  real data    {_whereabouts(name, given)}"
        yield "  SYNTHETIC    the synthetic twin, made by a program, always here (--source synthetic)"


def info_lines(data: FederatedDataset) -> Iterator[str]:
    """Describe a set further than its first line does: clients, transform, classes, what to cite.

    Examples
    --------
    >>> from minizerofl_datasets import load
    >>> for line in list(info_lines(load("cifar10", "synthetic", num_clients=4)))[-4:]:
    ...     print(line)
    ship                2,000     200
    truck               2,000     200
    all                20,000   2,000
    each client has 5,000 training samples
    """
    yield from data.describe().splitlines()[1:]
    for key, text in data.transform.items():
        if key not in ("formula", "polarity"):
            yield f"{key}: {text}"
    if data.source == "real" and data.name in CATALOGUE:
        yield f"licence: {CATALOGUE[data.name].licence}"
        yield f"cite: {CATALOGUE[data.name].citation}"
    by_client = count_classes(data, "train")
    train, test = by_client.sum(axis=0), count_classes(data, "test").sum(axis=0)
    width = max(12, *map(len, data.class_names))
    yield f"{'class':{width}} {'training':>12} {'test':>7}"
    for name, *counts in zip(data.class_names, train, test, strict=True):
        yield f"{name:{width}} {counts[0]:12,} {counts[1]:7,}"
    yield f"{'all':{width}} {train.sum():12,} {test.sum():7,}"
    sizes = by_client.sum(axis=1)
    if sizes.min() == sizes.max():
        yield f"each client has {sizes.min():,} training samples"
    else:
        yield f"clients have {sizes.min():,} to {sizes.max():,} training samples, the median {np.median(sizes):,.0f}"


def _whereabouts(name: str, given: Path | None) -> str:
    """Say where a set is, or how to get it; a folder that was named goes before the cache, as for `load`."""
    for folder in (given, cache_folder() / "data"):
        if folder is None or not folder.is_dir():
            continue
        try:
            found = FINDERS[name](folder)
        except DataError as error:
            return f"incomplete: {error}"
        if found:
            layout, where, files = found
            return f"{_size(files)}, {layout}, in {where}"
    return f"not here; minizerofl data fetch {name}"


def _cifar10(folder: Path) -> Found | None:
    found = find_files(folder)
    if found is None:
        return None
    files = [*found.train, *([found.test] if found.test else [])] or [found.where]
    return f"{found.format} files", found.where, files


def _speech_commands(folder: Path) -> Found | None:
    found = find_source(folder)
    if found is None:
        return None
    files = list(found.path.glob("*/*.wav")) if found.path.is_dir() else [found.path]
    return f"{found.version} {found.format}", found.path, files


def _femnist(folder: Path) -> Found | None:
    found = search_files(folder)
    if found is None:
        return None
    return f"{found.format} files", found.train[0].parent, [*found.train, *found.test]


FINDERS: dict[str, Callable[[Path], Found | None]] = {
    "cifar10": _cifar10,
    "speech_commands": _speech_commands,
    "femnist": _femnist,
}


def _size(files: Iterable[Path]) -> str:
    return f"{sum(file.stat().st_size for file in files) / MB:,.0f} MB"
