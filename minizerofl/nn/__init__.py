"""Layers: `Module` and the parts that networks are built from. The batch is the last axis everywhere.

Reading order: `module` (what a layer is), `linear` and `conv` (dense layers), `swat` (the same layers, sparse), `rule`
(which weights take part), `paths` (sparse kernels or dense products), then the small layers, `init` and `check`.
"""

from minizerofl.lazy import listing
from minizerofl.nn.activation import Dropout, ReLU
from minizerofl.nn.check import ModuleCheckError, check_module
from minizerofl.nn.container import Flatten, Sequential
from minizerofl.nn.conv import Conv2d
from minizerofl.nn.init import he_normal
from minizerofl.nn.linear import Linear
from minizerofl.nn.module import Module, sparse_weights
from minizerofl.nn.norm import BatchNorm2d, GroupNorm
from minizerofl.nn.pooling import AvgPool2d, GlobalAvgPool, MaxPool2d
from minizerofl.nn.swat import SparseConv2d, SparseLinear

__all__ = [
    "AvgPool2d",
    "BatchNorm2d",
    "Conv2d",
    "Dropout",
    "Flatten",
    "GlobalAvgPool",
    "GroupNorm",
    "Linear",
    "MaxPool2d",
    "Module",
    "ModuleCheckError",
    "ReLU",
    "Sequential",
    "SparseConv2d",
    "SparseLinear",
    "check_module",
    "he_normal",
    "sparse_weights",
]

__dir__ = listing(__name__)
