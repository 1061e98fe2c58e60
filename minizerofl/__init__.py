"""ZeroFL from scratch in NumPy and Numba: federated learning with top-k sparse training.

The public names are loaded when they are first used, since Numba, SciPy and h5py take long to import.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from minizerofl.lazy import lazy

if TYPE_CHECKING:
    from minizerofl import autograd, fl, kernels, models, nn, ops, optim, sparse
    from minizerofl.autograd import Tensor, no_grad
    from minizerofl.autograd.gradcheck import gradcheck

__version__ = "0.1.0"

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

__getattr__, __dir__ = lazy(
    __name__,
    {
        "Tensor": "minizerofl.autograd.tensor",
        "autograd": "minizerofl.autograd",
        "fl": "minizerofl.fl",
        "gradcheck": "minizerofl.autograd.gradcheck",
        "kernels": "minizerofl.kernels",
        "models": "minizerofl.models",
        "nn": "minizerofl.nn",
        "no_grad": "minizerofl.autograd.op",
        "ops": "minizerofl.ops",
        "optim": "minizerofl.optim",
        "sparse": "minizerofl.sparse",
    },
)
