"""The checks of exercise e4, and the mistakes that they know: the convolution and its backward pass."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
from numpy.random import Generator

from minizerofl import ops
from minizerofl.autograd.op import Node
from minizerofl.autograd.ops.conv import Conv2d
from minizerofl.autograd.tensor import Tensor
from minizerofl.kernels.types import Array
from minizerofl_cli.exercise.properties import Given, Property


def example(rng: Generator) -> Iterator[Given]:
    """Yield the example of the text."""
    x, w = [[1, 2, 0], [0, 1, 3], [4, 0, 1]], [[1, 0], [2, 3]]
    image, filters = np.array(x, float).reshape(1, 3, 3, 1), np.array(w, float).reshape(1, 2, 2, 1)
    yield {"x": image, "w": filters, "b": None, "stride": 1, "padding": 0, "dY": np.eye(2).reshape(1, 2, 2, 1)}


def _draw(rng: Generator, size: int, kernel: int, channels: tuple[int, int], n: int, s: int = 1, p: int = 0) -> Given:
    out = (size + 2 * p - kernel) // s + 1
    shapes = (channels[0], size, size, n), (channels[0], kernel, kernel, channels[1]), (channels[1], out, out, n)
    x, w, dy = (rng.integers(-3, 4, shape).astype(float) for shape in shapes)
    return {"x": x, "w": w, "b": rng.integers(1, 9, channels[1]).astype(float), "stride": s, "padding": p, "dY": dy}


def single(rng: Generator) -> Iterator[Given]:
    """Yield one channel and one sample."""
    for size, kernel in ((1, 1), (2, 2), (3, 2), (4, 3)):
        yield _draw(rng, size, kernel, (1, 1), 1)


def channels(rng: Generator) -> Iterator[Given]:
    """Yield several channels and samples."""
    for pair, n in (((1, 2), 1), ((2, 1), 1), ((2, 3), 2)):
        yield _draw(rng, 3, 2, pair, n)


def padded(rng: Generator) -> Iterator[Given]:
    """Yield images with zeros around them."""
    for size, kernel, p in ((1, 2, 1), (2, 3, 1), (3, 3, 2)):
        yield _draw(rng, size, kernel, (1, 2), 2, p=p)


def strided(rng: Generator) -> Iterator[Given]:
    """Yield filters that move by more than one pixel; the last pixels may not be seen."""
    for size, kernel, s, p in ((3, 1, 2, 0), (4, 2, 2, 0), (4, 3, 2, 1), (5, 2, 2, 0)):
        yield _draw(rng, size, kernel, (2, 1), 1, s, p)


def ask(x: Array, w: Array, b: Array | None, stride: int, padding: int, dY: Array) -> dict[str, Any]:
    """Run the convolution forward and backward."""
    tensors = [None if each is None else Tensor(each, requires_grad=True) for each in (x, w, b)]
    y = ops.conv2d(tensors[0], tensors[1], tensors[2], stride, padding)
    y.backward(dY)
    grads = dict(zip(("dX", "dW", "db"), (None if t is None else t.grad for t in tensors), strict=True))
    return {"y": y.data, **grads}


def expected(x: Array, w: Array, b: Array | None, stride: int, padding: int, dY: Array) -> dict[str, Any]:
    """Go through all places, one after the other."""
    _, KH, KW, OC = w.shape
    _, OH, OW, N = dY.shape
    big = np.pad(x, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
    y, dx, dw = np.zeros((OC, OH, OW, N)), np.zeros_like(big), np.zeros_like(w)
    for i, j in np.ndindex(OH, OW):
        place = slice(None), slice(i * stride, i * stride + KH), slice(j * stride, j * stride + KW)
        y[:, i, j] = np.einsum("cpqo,cpqn->on", w, big[place]) + (0 if b is None else b[:, None])
        dx[place] += np.einsum("cpqo,on->cpqn", w, dY[:, i, j])
        dw += np.einsum("cpqn,on->cpqo", big[place], dY[:, i, j])
    dx = dx[:, padding : padding + x.shape[1], padding : padding + x.shape[2]]
    return {"y": y, "dX": dx, "dW": dw, "db": None if b is None else dY.sum(axis=(1, 2, 3))}


def pick(names: tuple[str, ...], function: Any, **given: Any) -> dict[str, Any]:
    """Take a part of an answer."""
    answer = function(**given)
    return {name: answer[name] for name in names}


def _property(sentence: str, formula: str, cases: Any, *names: str) -> Property:
    return Property(sentence, formula, cases, partial(pick, names, ask), partial(pick, names, expected))


Y, DX = (
    "y[o, i, j] = b[o] + sum w[c, p, q, o] x[c, iS + p - P, jS + q - P]",
    "each patch's gradient W dY is added to its pixels",
)
DW = "dW[c, p, q, o] = sum over i, j, n of dY[o, i, j, n] x[c, iS + p - P, jS + q - P, n]"
PROPERTIES = (
    Property("the example of the text comes out.", Y, example, ask, expected),
    _property("one filter slides over one image.", Y, single, "y"),
    _property("channels are summed, and each filter makes one.", Y, channels, "y"),
    _property("pixels outside of the image are 0.", Y, padded, "y"),
    _property("with a stride the filter moves by S pixels.", Y, strided, "y"),
    _property("db is the sum of dY over pixels and samples.", "db[o] = sum of dY[o]", channels, "db"),
    _property("dW is the sum over all places and samples.", DW, channels, "dW"),
    _property("a pixel gets the sum of the gradients of all places that saw it.", DX, channels, "dX"),
    _property("both gradients are right with padding.", f"{DW}; {DX}", padded, "dX", "dW"),
    _property("both gradients are right with a stride.", f"{DW}; {DX}", strided, "dX", "dW"),
)


FORWARD, BACKWARD = Conv2d.forward, Conv2d.backward


class Turned(Conv2d):
    """Turn the filter round, as in mathematics; in this field it is not."""

    @staticmethod
    def forward(node: Node, x: Array, w: Array, b: Array | None, stride: int, padding: int) -> Array:
        """Convolve with the turned filter."""
        return FORWARD(node, x, w[:, ::-1, ::-1], b, stride, padding)


class WithoutBias(Conv2d):
    """Leave the bias out."""

    @staticmethod
    def forward(node: Node, x: Array, w: Array, b: Array | None, stride: int, padding: int) -> Array:
        """Convolve."""
        return FORWARD(node, x, w, None, stride, padding)


class BiasOfOneSample(Conv2d):
    """Take the mean over the samples for db; it is a sum over pixels and samples."""

    @staticmethod
    def backward(node: Node, grad: Array) -> tuple[Array | None, Array | None, Array | None]:
        """Compute the gradients."""
        dx, dw, _ = BACKWARD(node, grad)
        return dx, dw, grad.sum(axis=(1, 2)).mean(axis=1)


class Assigned(Conv2d):
    """Assign the gradients of patches to their pixels; where patches overlap they must be added."""

    @staticmethod
    def backward(node: Node, grad: Array) -> tuple[Array | None, Array | None, Array | None]:
        """Compute the gradients."""
        _, dw, db = BACKWARD(node, grad)
        x, w, down, across = node.saved
        (OH, OW), S, P = (down.out, across.out), down.stride, down.padding
        dx = np.zeros((x.shape[0], x.shape[1] + 2 * P, x.shape[2] + 2 * P, x.shape[3]))
        for p, q in np.ndindex(*w.shape[1:3]):
            share = np.einsum("co,oijn->cijn", w[:, p, q], grad)
            dx[:, p : p + (OH - 1) * S + 1 : S, q : q + (OW - 1) * S + 1 : S] = share
        return dx[:, P : P + x.shape[1], P : P + x.shape[2]], dw, db


class FirstSample(Conv2d):
    """Compute dW from the first sample only."""

    @staticmethod
    def backward(node: Node, grad: Array) -> tuple[Array | None, Array | None, Array | None]:
        """Compute the gradients."""
        dx, _, db = BACKWARD(node, grad)
        x, w, down, _ = node.saved
        dw = expected(x[..., :1], w, None, down.stride, down.padding, grad[..., :1])["dW"]
        return dx, dw, db


class ShiftedByOne(Conv2d):
    """Cut the padding off one pixel too late, so that dX is shifted."""

    @staticmethod
    def backward(node: Node, grad: Array) -> tuple[Array | None, Array | None, Array | None]:
        """Compute the gradients."""
        dx, dw, db = BACKWARD(node, grad)
        return (np.roll(dx, -1, axis=1) if dx is not None and node.saved[2].padding else dx), dw, db


class StrideForgotten(Conv2d):
    """Put dX together as if the stride were 1."""

    @staticmethod
    def backward(node: Node, grad: Array) -> tuple[Array | None, Array | None, Array | None]:
        """Compute the gradients."""
        _, dw, db = BACKWARD(node, grad)
        x, w, down, _ = node.saved
        return expected(x, w, None, 1, down.padding, grad)["dX"], dw, db


MUTANTS = (Turned, WithoutBias, BiasOfOneSample, Assigned, FirstSample, ShiftedByOne, StrideForgotten)
