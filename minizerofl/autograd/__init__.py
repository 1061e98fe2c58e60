"""Reverse-mode automatic differentiation: Tensor, the reverse sweep, the ops and the gradient check."""

from minizerofl.autograd import ops
from minizerofl.autograd.gradcheck import GradcheckError, gradcheck
from minizerofl.autograd.op import Context, Op
from minizerofl.autograd.tensor import Tensor, live_tensors, no_grad

__all__ = ["Context", "GradcheckError", "Op", "Tensor", "gradcheck", "live_tensors", "no_grad", "ops"]
