"""ZeroFL from scratch in NumPy and Numba: federated learning with top-k sparse training.

The public names are loaded when they are first used, since Numba, SciPy and h5py take long to import.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from minizerofl import autograd, fl, kernels, models, nn, ops, optim, sparse
    from minizerofl.autograd import Tensor, no_grad
    from minizerofl.autograd.gradcheck import gradcheck

__version__ = "0.1.0"

_MODULES = ("autograd", "fl", "kernels", "models", "nn", "ops", "optim", "sparse")
_NAMES = {
    "Tensor": "minizerofl.autograd.tensor",
    "no_grad": "minizerofl.autograd.tensor",
    "gradcheck": "minizerofl.autograd.gradcheck",
}

__all__ = [
    "Tensor",
    "__version__",
    "autograd",
    "fl",
    "gradcheck",
    "kernels",
    "models",
    "nn",
    "no_grad",
    "ops",
    "optim",
    "sparse",
]


def __getattr__(name: str) -> object:
    if name in _MODULES:
        return importlib.import_module(f"minizerofl.{name}")
    if name in _NAMES:
        importlib.import_module("minizerofl.autograd")
        return getattr(importlib.import_module(_NAMES[name]), name)
    raise AttributeError(f"module 'minizerofl' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
