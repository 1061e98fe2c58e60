"""Uplinks: which part of a trained model a client sends; `minizerofl.choices` has their names.

Reading order: uplink (the contract), paper (ZeroFL's strategies), controls.
"""

from minizerofl.fl.uplinks.controls import RandomK, Stc, TopKDiffFeedback
from minizerofl.fl.uplinks.paper import DiffTopKWeights, Full, TopKDiff, TopKWeights
from minizerofl.fl.uplinks.uplink import Context, ServerContext, Uplink
from minizerofl.lazy import listing

__all__ = [
    "Context",
    "DiffTopKWeights",
    "Full",
    "RandomK",
    "ServerContext",
    "Stc",
    "TopKDiff",
    "TopKDiffFeedback",
    "TopKWeights",
    "Uplink",
]

__dir__ = listing(__name__)
