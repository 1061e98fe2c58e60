"""The fast path of a convolution whose weights are kept in blocks of neighbouring outputs (`minizerofl.sparse.blocks`).

The forward product sums rows of the input (`minizerofl.kernels.blocks.sum_blocks`). dX is its transpose: the same
blocks spread rows of dY over rows of dX (`spread_blocks`), so they are sorted once for both. dW is that of
`minizerofl.sparse.fast`; but where only kept blocks are trained (`support`), nothing else of it is computed.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TypeAlias

import numpy as np
import scipy.sparse

from minizerofl.autograd.op import Node, Op, Products
from minizerofl.autograd.ops.window import Window, windows
from minizerofl.autograd.rowsparse import EntrySparse, Gradient
from minizerofl.autograd.tensor import Array
from minizerofl.kernels import blockgrad, blocks, layout
from minizerofl.kernels.memory import empty, zeros
from minizerofl.kernels.types import Indices
from minizerofl.sparse.blocks import count_entries, weights_of
from minizerofl.sparse.fast import sort_activations, weight_gradient, with_channels
from minizerofl.sparse.geometry import Geometry, prepare_geometry
from minizerofl.sparse.selection import Positions, largest
from minizerofl.sparse.swat import count_conv2d

Bsr: TypeAlias = scipy.sparse.bsr_array
Grouped = tuple[Array, Array, Array]
L2 = 75 * 2**10  # float32 values for which there is room in L2 (512 KB), beside all else
STRIP = 256  # floats of a row that are computed at a time
TOGETHER = 64  # input channels whose blocks make a group


class BlockConv2d(Op):
    """`SwatConv2d` with W_top (IC*KH*KW, OC) as a block-sparse matrix; k activations are kept."""

    name = "sparse_conv2d"

    @staticmethod
    def forward(
        node: Node,
        x: Array,
        w: Array,
        b: Array | None,
        w_top: Bsr,
        k: int,
        stride: int,
        padding: int,
        support: Positions | None = None,
    ) -> Array:
        """Convolve with W_top; keep it and the largest activations."""
        down, across = windows(x, w, b, stride, padding)
        (IC, _, _, N), OC = x.shape, w.shape[3]
        geometry = prepare_geometry(down, across, IC, N)
        grouped = group_blocks(
            w_top, _order(down, across, (IC, w_top.shape[1] // w_top.blocksize[1]), N, _share(w_top))
        )
        out = empty((w_top.shape[1], down.out, across.out * N), x.dtype)
        blocks.sum_blocks(*grouped, geometry.input_planes(x), geometry.step, tiles(geometry, IC), out)
        y = out[:OC]
        if b is not None:
            y += b[:, None, None]
        if any(node.needs_grad):
            node.save(w_top, grouped, *largest(x, k), geometry, x.shape, w.shape, support)
        return y.reshape(OC, down.out, across.out, N)  # (OC, OH, OW*N) -> (OC, OH, OW, N)

    @staticmethod
    def backward(node: Node, grad: Array) -> tuple[Array | None, Gradient | None, Array | None]:
        """Compute dX from dY and W_top, dW from dY and the kept activations, and db."""
        w_top, grouped, positions, values, geometry, x_shape, w_shape, support = node.saved
        wants_x, wants_w, wants_b = node.needs_grad
        grad = np.ascontiguousarray(grad)
        dx = _input_gradient(with_channels(grad, w_top.shape[1]), grouped, geometry, x_shape) if wants_x else None
        dw: Gradient | None = None
        if wants_w and support is None:
            dw = weight_gradient(grad, positions, values, geometry, x_shape, w_shape)
        elif wants_w:
            kept = block_gradient(grad, positions, values, geometry, x_shape, w_top)
            dw = EntrySparse(w_shape, support, weights_of(kept, w_top, w_shape[-1]))
        return dx, dw, grad.reshape(w_shape[3], -1).sum(axis=1) if wants_b else None

    @staticmethod
    def macs(node: Node, out: tuple[int, ...]) -> Products:
        """Each weight of W_top meets each output pixel; each kept activation meets, for each tap, each output."""
        w_top, _, positions, _, geometry, x_shape, w_shape, support = node.saved
        kept, window = count_entries(w_top, w_shape[-1]), (geometry.down.window, geometry.across.window)
        return count_conv2d(kept, positions, support, (x_shape, w_shape), window, out)


def block_gradient(
    dy: Array, positions: Positions, values: Array, geometry: Geometry, x_shape: tuple[int, ...], w_top: Bsr
) -> Array:
    """Compute dW of the kept blocks alone, (number, N)."""
    kept, grid, height = sort_activations(positions, values, geometry, x_shape)
    dy = with_channels(dy, max(w_top.shape[1], layout.CHANNEL_TILE))
    g = empty((height, grid.columns, geometry.batch, layout.CHANNEL_TILE), dy.dtype)
    dw = empty((len(w_top.indices), w_top.blocksize[1]), dy.dtype)
    places = blockgrad.Kept(w_top.indptr, w_top.indices)
    blockgrad.block_gradient(kept, grid, geometry.taps, places, dy, geometry.across.border, g, dw)
    return dw


def group_blocks(w_top: Bsr, order: tuple[int, Indices]) -> Grouped:
    """Sort the blocks of a sparse matrix by group; return where each group starts, their offsets and values."""
    groups, by_row = order
    values = w_top.data[:, 0]
    grouped = np.empty(groups + 1, np.int32), np.empty(len(values), np.int32), empty(values.shape, values.dtype)
    blocks.group_blocks(w_top.indptr, w_top.indices, values, by_row, *grouped)
    return grouped


def _input_gradient(dy: Array, grouped: Grouped, geometry: Geometry, x_shape: tuple[int, ...]) -> Array:
    """Compute dX in planes like those of the padded input, and cut the padding off."""
    S, planes = geometry.stride, (geometry.down.planes, geometry.across.planes)
    dx = zeros((x_shape[0], S, S, *planes, geometry.batch), dy.dtype)
    rows = dy.reshape(*dy.shape[:2], -1)  # (OC, OH, OW, N) -> (OC, OH, OW*N)
    blocks.spread_blocks(*grouped, rows, geometry.step, tiles(geometry, len(dx)), dx.reshape(len(dx) * S * S, -1))
    return geometry.cut(dx)


def tiles(geometry: Geometry, channels: int) -> blocks.Tiles:
    """Divide the result so that what an area needs of the input channels of a group fits into L2."""
    down, across = geometry.down.window, geometry.across.window
    line = min(STRIP, across.out * geometry.batch) + (across.kernel - 1) * geometry.batch
    lines = L2 // (min(channels, TOGETHER) * line)
    return blocks.Tiles(min(down.out, max(1, lines - down.kernel + 1)), STRIP)


def _share(w_top: Bsr) -> float:
    """Return the share of the blocks that is kept, rounded to two digits: the order is cached by it."""
    number = math.prod(w_top.shape) // w_top.blocksize[1]
    return float(f"{max(1, len(w_top.indices)) / number:.2g}")


@lru_cache(maxsize=256)
def _order(down: Window, across: Window, channels: tuple[int, int], batch: int, density: float) -> tuple[int, Indices]:
    """Prepare the number of groups, and for each input channel and tap its first group and its offset.

    Starting a group costs as much as adding about ten blocks, so a group should have at least thirty.
    """
    IC, B = channels
    geometry = prepare_geometry(down, across, IC, batch)
    T = down.kernel * across.kernel
    together = max(TOGETHER, math.ceil(30 / (density * T)))
    channel = np.arange(IC * T) // T
    return -(-IC // together) * B, np.stack([channel // together * B, geometry.offsets]).astype(np.int32)
