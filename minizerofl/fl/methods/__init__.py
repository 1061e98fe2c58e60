"""Methods that came after ZeroFL, in the same loop: one file each, with its settings and what it adds.

Reading order: method (what a method is), random_mask, ssfl, flash_spdst, sparsyfed, feddst. docs/methods.md compares them with
their papers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from minizerofl.lazy import lazy

if TYPE_CHECKING:
    from minizerofl.fl.methods.feddst import FedDst, FedDstAsPublished, MaskInModel
    from minizerofl.fl.methods.flash_spdst import LearnedDensities
    from minizerofl.fl.methods.method import Method
    from minizerofl.fl.methods.sparsyfed import NonZero, PowerSGD, SparsyFed

__all__ = [
    "FedDst",
    "FedDstAsPublished",
    "LearnedDensities",
    "MaskInModel",
    "Method",
    "NonZero",
    "PowerSGD",
    "SparsyFed",
]

__getattr__, __dir__ = lazy(
    __name__,
    {
        "FedDst": "minizerofl.fl.methods.feddst",
        "FedDstAsPublished": "minizerofl.fl.methods.feddst",
        "MaskInModel": "minizerofl.fl.methods.feddst",
        "LearnedDensities": "minizerofl.fl.methods.flash_spdst",
        "Method": "minizerofl.fl.methods.method",
        "NonZero": "minizerofl.fl.methods.sparsyfed",
        "PowerSGD": "minizerofl.fl.methods.sparsyfed",
        "SparsyFed": "minizerofl.fl.methods.sparsyfed",
    },
)
