"""All differentiable functions over Tensors: the dense ops of autograd and the SWAT ops of sparse."""

from __future__ import annotations

from minizerofl.autograd import ops as _dense
from minizerofl.autograd.ops import *  # noqa: F403
from minizerofl.lazy import listing
from minizerofl.sparse.ops import sparse_conv2d, sparse_linear

__all__ = ["sparse_conv2d", "sparse_linear"]
__all__ += _dense.__all__

__dir__ = listing(__name__)
