"""Federated data sets: a set is a list of clients, and a client is a pair of arrays (x, y).

Reading order: ``catalogue`` (``load``), ``federated`` (what every set can do), then a folder for each set.
"""

from minizerofl_datasets.catalogue import load
from minizerofl_datasets.errors import DataError
from minizerofl_datasets.federated import FederatedDataset

__all__ = ["DataError", "FederatedDataset", "load"]
