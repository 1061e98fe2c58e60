"""The dense differentiable ops: one class each, forward and derivative together, and below it its public function."""

from __future__ import annotations

from typing import Any

from minizerofl.autograd.ops.arithmetic import add, div, mul, neg, pow, sub
from minizerofl.autograd.ops.average import avg_pool2d, global_avg_pool
from minizerofl.autograd.ops.batch_norm import batch_norm
from minizerofl.autograd.ops.conv import conv2d
from minizerofl.autograd.ops.dropout import dropout
from minizerofl.autograd.ops.elementwise import exp, log, relu, sigmoid, sqrt, tanh
from minizerofl.autograd.ops.group_norm import group_norm
from minizerofl.autograd.ops.linear import linear, matmul
from minizerofl.autograd.ops.loss import cross_entropy, log_softmax
from minizerofl.autograd.ops.pool import max_pool2d
from minizerofl.autograd.ops.reductions import max, mean, sum
from minizerofl.autograd.ops.shape import concatenate, getitem, pad, reshape, transpose
from minizerofl.autograd.tensor import Tensor

__all__ = [
    "add",
    "avg_pool2d",
    "batch_norm",
    "concatenate",
    "conv2d",
    "cross_entropy",
    "div",
    "dropout",
    "exp",
    "getitem",
    "global_avg_pool",
    "group_norm",
    "linear",
    "log",
    "log_softmax",
    "matmul",
    "max",
    "max_pool2d",
    "mean",
    "mul",
    "neg",
    "pad",
    "pow",
    "relu",
    "reshape",
    "sigmoid",
    "sqrt",
    "sub",
    "sum",
    "tanh",
    "transpose",
]


def _give_tensor_its_operators() -> None:
    """Let ``a + b``, ``x.sum()`` and the like mean the ops of this package."""
    operators: dict[str, Any] = {
        "__add__": add,
        "__radd__": lambda self, other: add(other, self),
        "__sub__": sub,
        "__rsub__": lambda self, other: sub(other, self),
        "__mul__": mul,
        "__rmul__": lambda self, other: mul(other, self),
        "__truediv__": div,
        "__rtruediv__": lambda self, other: div(other, self),
        "__matmul__": matmul,
        "__rmatmul__": lambda self, other: matmul(other, self),
        "__neg__": neg,
        "__pow__": pow,
        "__getitem__": getitem,
        "sum": sum,
        "mean": mean,
        "max": max,
        "reshape": lambda self, *shape: reshape(self, _unpacked(shape)),
        "transpose": lambda self, *axes: transpose(self, _unpacked(axes) or None),
        "T": property(lambda self: transpose(self)),
    }
    for name, function in operators.items():
        setattr(Tensor, name, function)


def _unpacked(sizes: tuple[Any, ...]) -> tuple[int, ...]:
    """Read both ``x.reshape(2, 3)`` and ``x.reshape((2, 3))``."""
    return tuple(sizes[0]) if len(sizes) == 1 and isinstance(sizes[0], tuple | list) else sizes


_give_tensor_its_operators()
