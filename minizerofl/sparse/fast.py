"""The fast path of SWAT: the three products of `minizerofl.sparse.swat`, computed from the kept entries only.

W_top is a `scipy.sparse` matrix with a row for each input (of a convolution: for each input channel and tap) and a
column for each output; x_top is a list of positions and values. All three products are then sums of scaled rows, which
the kernels compute (`minizerofl.kernels.conv.sum_rows`); `minizerofl.sparse.geometry` says where the rows start.
"""

from __future__ import annotations

import math
from typing import TypeAlias

import numpy as np
import scipy.sparse

from minizerofl.autograd.op import Node, Op, Products
from minizerofl.autograd.ops.linear import check_linear
from minizerofl.autograd.ops.window import windows
from minizerofl.autograd.rowsparse import EntrySparse, Gradient, RowSparse, at_positions
from minizerofl.autograd.sums import accurate_sum
from minizerofl.autograd.tensor import Array
from minizerofl.kernels import conv, layout, linear
from minizerofl.kernels.memory import MIN_LANES, empty, whole_vectors, zeros
from minizerofl.sparse.blocks import blocks_in, count_entries, weights_of
from minizerofl.sparse.geometry import Geometry, Order, prepare_geometry, prepare_orders
from minizerofl.sparse.selection import Positions, largest
from minizerofl.sparse.swat import count_conv2d, count_linear

Csr: TypeAlias = scipy.sparse.csr_array
Bsr: TypeAlias = scipy.sparse.bsr_array
Shape: TypeAlias = tuple[int, ...]


class FastLinear(Op):
    """`SwatLinear` with W_top (in, out) as a sparse matrix, of entries or of blocks; k activations are kept.

    With `support`, the positions of W_top, only their gradient is computed.
    """

    name = "sparse_linear"

    @staticmethod
    def forward(
        node: Node, x: Array, w: Array, b: Array | None, w_top: Csr | Bsr, k: int, support: Positions | None = None
    ) -> Array:
        """Compute y = W_top^T x + b."""
        check_linear(x, w, b)
        y = multiply_transposed(w_top, x)[: w.shape[1]]  # the last blocks of rows may be filled up
        if b is not None:
            y += b[:, None]
        if any(node.needs_grad):
            node.save(w_top, *largest(x, k), w.shape, support)
        return y

    @staticmethod
    def backward(node: Node, grad: Array) -> tuple[Array | None, Gradient | None, Array | None]:
        """Compute dX = W_top dY and dW = x_top dY^T, whose rows are zero where no sample's activation was kept."""
        w_top, positions, values, w_shape, support = node.saved
        wants_x, wants_w, wants_b = node.needs_grad
        filled = with_channels(grad, w_top.shape[1])
        dx = multiply(w_top, filled) if wants_x else None
        dw: Gradient | None = None
        if wants_w and support is None:
            dw = outer_products(positions, values, grad, w_shape)
        elif wants_w:
            kept = outer_products_at(positions, values, filled, w_top)
            dw = EntrySparse(w_shape, support, weights_of(kept, w_top, w_shape[1]))
        return dx, dw, accurate_sum(grad, (1,)) if wants_b else None

    @staticmethod
    def macs(node: Node, out: tuple[int, ...]) -> Products:
        """Each weight of W_top meets each sample; each kept activation meets each output."""
        w_top, positions, _, w_shape, support = node.saved
        return count_linear(count_entries(w_top, w_shape[1]), positions, support, w_shape, out[1])


class FastConv2d(Op):
    """`SwatConv2d` with W_top (IC*KH*KW, OC) as a sparse matrix; k activations are kept."""

    name = "sparse_conv2d"

    @staticmethod
    def forward(
        node: Node,
        x: Array,
        w: Array,
        b: Array | None,
        w_top: Csr,
        k: int,
        stride: int,
        padding: int,
        support: Positions | None = None,
    ) -> Array:
        """Convolve with W_top; keep it and the largest activations."""
        down, across = windows(x, w, b, stride, padding)
        (IC, _, _, N), OC = x.shape, w.shape[3]
        geometry = prepare_geometry(down, across, IC, N)
        forward_order, backward_order = prepare_orders(down, across, (IC, OC), N, _density(w_top))
        entries = group_entries(w_top, forward_order)
        y = sum_rows(entries, geometry.input_planes(x), geometry.step, (OC, down.out, across.out * N))
        if b is not None:
            y += b[:, None, None]
        if any(node.needs_grad):
            node.save(w_top, *largest(x, k), geometry, backward_order, x.shape, w.shape, support)
        return y.reshape(OC, down.out, across.out, N)  # (OC, OH, OW*N) -> (OC, OH, OW, N)

    @staticmethod
    def backward(node: Node, grad: Array) -> tuple[Array | None, Gradient | None, Array | None]:
        """Compute dX from dY and W_top, dW from dY and the kept activations, and db."""
        w_top, positions, values, geometry, order, x_shape, w_shape, support = node.saved
        wants_x, wants_w, wants_b = node.needs_grad
        grad = np.ascontiguousarray(grad)
        dx = input_gradient(grad, w_top, order, geometry, x_shape) if wants_x else None
        dw = None
        if wants_w:
            dw = at_positions(weight_gradient(grad, positions, values, geometry, x_shape, w_shape), support)
        return dx, dw, grad.reshape(w_shape[3], -1).sum(axis=1) if wants_b else None

    @staticmethod
    def macs(node: Node, out: tuple[int, ...]) -> Products:
        """Each weight of W_top meets each output pixel; each kept activation meets, for each tap, each output."""
        w_top, positions, _, geometry, _, x_shape, w_shape, support = node.saved
        window = geometry.down.window, geometry.across.window
        return count_conv2d(w_top.nnz, positions, support, (x_shape, w_shape), window, out)


def _density(w_top: Csr) -> float:
    """Return the share of the weights that takes part, rounded to two digits: `prepare_orders` is cached by it."""
    return float(f"{max(1, w_top.nnz) / math.prod(w_top.shape):.2g}")


def group_entries(w_top: Csr, order: Order) -> tuple[Array, Array, Array]:
    """Sort the entries of a sparse matrix by group; return where each group starts, their offsets and values."""
    entries = np.empty(order.groups + 1, np.int32), np.empty(w_top.nnz, np.int32), np.empty_like(w_top.data)
    layout.group_weights(w_top.indptr, w_top.indices, w_top.data, order.by_row, order.by_column, *entries)
    return entries


def sum_rows(entries: tuple[Array, Array, Array], x: Array, step: int, shape: tuple[int, int, int]) -> Array:
    """Make the result of the kernel of the same name: for each group of entries, the sum of its scaled rows of `x`."""
    starts, offsets, values = entries
    out = empty(shape, x.dtype)
    conv.sum_rows(starts, offsets, values, x, step, out)
    return out


def input_gradient(dy: Array, w_top: Csr, order: Order, geometry: Geometry, x_shape: Shape) -> Array:
    """Compute dX: again sums of rows, now of dY; the rows of the result are the phases of each input channel."""
    IC, _, _, N = x_shape
    S = geometry.stride
    planes = geometry.down.grad_planes, geometry.across.grad_planes
    entries = group_entries(w_top, order)
    dx = sum_rows(entries, geometry.bordered(dy), geometry.across.grad_size * N, (IC * S * S, planes[0], planes[1] * N))
    return geometry.image(dx.reshape(IC, S, S, *planes, N))


def weight_gradient(
    dy: Array,
    positions: Positions,
    values: Array,
    geometry: Geometry,
    x_shape: Shape,
    w_shape: Shape,
) -> Array:
    """Compute dW: for each tap, a kept activation multiplies the gradients of one pixel in all output channels."""
    IC, KH, KW, OC = w_shape
    kept, grid, height = sort_activations(positions, values, geometry, x_shape)
    dy = with_channels(dy, layout.CHANNEL_TILE)
    g = empty((height, grid.columns, geometry.batch, layout.CHANNEL_TILE), dy.dtype)
    dw = empty((IC, KH * KW, len(dy)), dy.dtype)
    conv.conv_weight_gradient(kept, grid, geometry.runs, dy, geometry.across.border, g, dw)
    return np.ascontiguousarray(dw[..., :OC]).reshape(w_shape)


def sort_activations(
    positions: Positions, values: Array, geometry: Geometry, x_shape: Shape
) -> tuple[layout.Activations, layout.Grid, int]:
    """Sort kept activations by cell for dW; return also the cells, and the height of a band of dY, in lines."""
    grid, height = geometry.grid(max(1, positions.size) / math.prod(x_shape))
    cells = x_shape[0] * geometry.stride**2 * grid.lines * grid.line_cells
    bounds, places = np.empty(cells + 1, np.int32), np.empty_like(positions)
    if geometry.stride == 1:
        layout.find_places(positions, grid, bounds, places)
    else:
        by_cell = np.empty_like(values)
        layout.group_activations(positions, values, grid, bounds, places, by_cell)
        values = by_cell
    return layout.Activations(bounds, places, values), grid, height


def with_channels(dy: Array, channels: int) -> Array:
    """Append channels of zeros to an output gradient that has fewer."""
    missing = channels - len(dy)
    return np.concatenate([dy, np.zeros((missing, *dy.shape[1:]), dy.dtype)]) if missing > 0 else dy


def multiply(matrix: Csr | Bsr, x: Array) -> Array:
    """Multiply a sparse matrix (R, C) by a dense one (C, N)."""
    vectors = pad_to_vectors(x)
    lanes = vectors.shape[1]
    if isinstance(matrix, scipy.sparse.bsr_array):
        out = empty((matrix.shape[0], lanes), x.dtype)
        linear.gather_blocks(*blocks_in(matrix), vectors.reshape(-1), out.reshape(-1), lanes)
    elif lanes <= 4 * MIN_LANES:
        out = empty((matrix.shape[0], lanes), x.dtype)
        linear.gather_rows(matrix.indptr, matrix.indices, matrix.data, vectors.reshape(-1), out.reshape(-1), lanes)
    else:
        entries = matrix.indptr, matrix.indices * np.int32(lanes), matrix.data
        out = sum_rows(entries, vectors, 0, (matrix.shape[0], 1, lanes))[:, 0]
    return np.ascontiguousarray(out[:, : x.shape[1]])


def multiply_transposed(matrix: Csr | Bsr, x: Array) -> Array:
    """Multiply the transpose of a sparse matrix (R, C) by a dense one (R, N)."""
    vectors = pad_to_vectors(x)
    lanes = vectors.shape[1]
    out = empty((matrix.shape[1], lanes), x.dtype)
    if isinstance(matrix, scipy.sparse.bsr_array):
        linear.scatter_blocks(*blocks_in(matrix), vectors.reshape(-1), out.reshape(-1), lanes)
    else:
        linear.scatter_rows(matrix.indptr, matrix.indices, matrix.data, vectors.reshape(-1), out.reshape(-1), lanes)
    return np.ascontiguousarray(out[:, : x.shape[1]])


def pad_to_vectors(x: Array) -> Array:
    """Lengthen the rows of a matrix with zeros to whole SIMD vectors."""
    vectors = zeros((x.shape[0], whole_vectors(x.shape[1])), x.dtype)
    vectors[:, : x.shape[1]] = x
    return vectors


def outer_products(positions: Positions, values: Array, dy: Array, w_shape: tuple[int, int]) -> RowSparse:
    """Compute dW of a linear layer: each kept activation of an input multiplies dY of its sample.

    Inputs without a kept activation have no row in the result, see `minizerofl.autograd.rowsparse`.
    """
    starts, inputs, samples, g = _by_input(positions, dy)
    OC = len(dy)
    dw = sum_rows((starts, samples * np.int32(OC), values), g, 0, (inputs.size, 1, OC))
    return RowSparse(w_shape, inputs, dw[:, 0])


def outer_products_at(positions: Positions, values: Array, dy: Array, w_top: Csr | Bsr) -> Array:
    """Compute dW of a linear layer at the kept weights only, (number, N) in blocks of N."""
    starts, inputs, samples, g = _by_input(positions, dy)
    indptr, indices, weights = blocks_in(w_top)
    dw = empty(weights.shape, dy.dtype)
    linear.gradient_at(starts, inputs, samples, values, g, (indptr, indices), dw)
    return dw


def _by_input(positions: Positions, dy: Array) -> tuple[Positions, Positions, Positions, Array]:
    """Group kept activations by their input: where each input starts, the inputs, the samples, and dY^T."""
    OC, N = dy.shape
    inputs, samples = np.divmod(positions, np.int32(N))
    first = np.flatnonzero(np.diff(inputs, prepend=-1))
    g = empty((N, OC), dy.dtype)
    g[:] = dy.T
    return np.append(first, inputs.size).astype(np.int32), inputs[first], samples, g
