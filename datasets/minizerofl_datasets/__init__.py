"""Federated data sets: a set is a list of clients, and a client is a pair of arrays (x, y).

Reading order: ``catalogue`` (``load``), ``federated`` (what every set can do), ``partitioned`` and ``partition`` (one
pool split over clients), ``download`` and ``imported`` (how sets get here), then a folder for each set.
"""

from minizerofl_datasets.catalogue import known_names, load
from minizerofl_datasets.download import DownloadError, fetch
from minizerofl_datasets.errors import DataError
from minizerofl_datasets.federated import FederatedDataset
from minizerofl_datasets.imported import import_arrays

__all__ = ["DataError", "DownloadError", "FederatedDataset", "fetch", "import_arrays", "known_names", "load"]
