"""Federated data sets: a set is a list of clients, and a client is a pair of arrays (x, y).

Reading order: ``catalogue`` (``load``), ``choices`` (names), ``federated`` (what every set can do), ``partitioned`` and
``partition`` (one pool split over clients), ``download`` and ``imported`` (how sets get here), then a folder for each
set.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from minizerofl_datasets.catalogue import known_names, load
from minizerofl_datasets.errors import DataError

if TYPE_CHECKING:
    from minizerofl_datasets.download import DownloadError, fetch
    from minizerofl_datasets.federated import FederatedDataset
    from minizerofl_datasets.imported import import_arrays

__all__ = ["DataError", "DownloadError", "FederatedDataset", "fetch", "import_arrays", "known_names", "load"]

# What needs NumPy, or much of the standard library, is imported when it is used.
_MODULES = {
    "DownloadError": "minizerofl_datasets.download",
    "FederatedDataset": "minizerofl_datasets.federated",
    "fetch": "minizerofl_datasets.download",
    "import_arrays": "minizerofl_datasets.imported",
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
