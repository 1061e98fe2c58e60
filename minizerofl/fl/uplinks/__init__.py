"""Uplinks: which part of a trained model a client sends."""

from minizerofl.fl.uplinks.controls import RandomK, TopKDiffFeedback
from minizerofl.fl.uplinks.paper import DiffTopKWeights, Full, TopKDiff, TopKWeights
from minizerofl.fl.uplinks.uplink import Context, Uplink

UPLINKS: dict[str, type[Uplink]] = {
    "full": Full,
    "topk-weights": TopKWeights,
    "diff-topk-weights": DiffTopKWeights,
    "topk-diff": TopKDiff,
    "topk-diff-feedback": TopKDiffFeedback,
    "random-k": RandomK,
}

__all__ = [
    "UPLINKS",
    "Context",
    "DiffTopKWeights",
    "Full",
    "RandomK",
    "TopKDiff",
    "TopKDiffFeedback",
    "TopKWeights",
    "Uplink",
]
