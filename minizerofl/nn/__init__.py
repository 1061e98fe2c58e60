"""Layers: `Module` and everything a network is put together from. The batch is the last axis throughout."""

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
