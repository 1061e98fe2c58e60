"""Reverse-mode automatic differentiation: Tensor, the reverse sweep, the ops and the gradient check.

Reading order: `tensor`, `op` (what an op is), `ops.arithmetic` (the first ops), `sweep` (the chain rule), `ops.linear`
and `ops.conv`, `gradcheck`. Later, `interop` (what NumPy sees of a Tensor), and
`writelog` and `rowsparse`, which make sparse training fast.
"""

from minizerofl.autograd import ops
from minizerofl.autograd.gradcheck import GradcheckError, gradcheck
from minizerofl.autograd.op import Node, Op, no_grad
from minizerofl.autograd.tensor import Tensor, live_tensors
from minizerofl.lazy import listing

__all__ = ["GradcheckError", "Node", "Op", "Tensor", "gradcheck", "live_tensors", "no_grad", "ops"]

__dir__ = listing(__name__)
