"""Methods that came after ZeroFL, in the same loop: one file each, with its settings and what it adds.

Reading order: method (what a method is), random_mask, ssfl, flash_spdst, sparsyfed; moving_mask, feddst, fedrts.
docs/methods.md compares them with their papers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from minizerofl.lazy import lazy

if TYPE_CHECKING:
    from minizerofl.fl.methods.feddst import FedDst, FedDstAsPublished
    from minizerofl.fl.methods.fedrts import FedRts
    from minizerofl.fl.methods.flash_spdst import LearnedDensities
    from minizerofl.fl.methods.method import Method
    from minizerofl.fl.methods.moving_mask import MovingMask
    from minizerofl.fl.methods.sparsyfed import NonZero, PowerSGD, SparsyFed

__all__ = [
    "FedDst",
    "FedDstAsPublished",
    "FedRts",
    "LearnedDensities",
    "Method",
    "MovingMask",
    "NonZero",
    "PowerSGD",
    "SparsyFed",
]

__getattr__, __dir__ = lazy(
    __name__,
    {
        "FedDst": "minizerofl.fl.methods.feddst",
        "FedDstAsPublished": "minizerofl.fl.methods.feddst",
        "FedRts": "minizerofl.fl.methods.fedrts",
        "MovingMask": "minizerofl.fl.methods.moving_mask",
        "LearnedDensities": "minizerofl.fl.methods.flash_spdst",
        "Method": "minizerofl.fl.methods.method",
        "NonZero": "minizerofl.fl.methods.sparsyfed",
        "PowerSGD": "minizerofl.fl.methods.sparsyfed",
        "SparsyFed": "minizerofl.fl.methods.sparsyfed",
    },
)
