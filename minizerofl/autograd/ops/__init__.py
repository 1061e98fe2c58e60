"""The dense differentiable ops: one class each, forward and derivative together, and below it its public function."""

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
from minizerofl.lazy import listing

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

__dir__ = listing(__name__)
