"""Partitions: which client has which samples of a pool.

Reading order: ``result`` (what a partition is), ``split`` (the methods; their names are in ``choices``), ``even`` (iid,
shards, quantity skew), ``dirichlet`` (label skew), ``dealing`` (the test set that goes with a partition).
"""

from minizerofl_datasets.partition.dealing import deal_like
from minizerofl_datasets.partition.result import Partition, label_counts, read_partition
from minizerofl_datasets.partition.split import choose, split

__all__ = ["Partition", "choose", "deal_like", "label_counts", "read_partition", "split"]


def __dir__() -> list[str]:
    return sorted(__all__)
