"""SWAT (Raihan and Aamodt, NeurIPS 2020, algorithm 1): layers that compute with the top-k of weights and activations.

=========  =====================================  ==============================
forward    y = f(x, W_top)                        W_top: largest weights
backward   dX = f_backward_input(dY, W_top)       the same weights
backward   dW = f_backward_weight(dY, x_top)      x_top: largest activations
=========  =====================================  ==============================

dY is never made sparse, so every weight is updated, also those that did not take part: the master weights stay dense
and the choice of W_top may change at any step. dW is therefore not the derivative of the forward pass, but that of
``f(x_top, W)``.
"""

from __future__ import annotations

import math

import numpy as np
import scipy.sparse

from minizerofl.autograd.op import Context, Op
from minizerofl.autograd.ops.conv import windows
from minizerofl.autograd.ops.linear import check_linear
from minizerofl.autograd.rowsparse import RowSparse
from minizerofl.autograd.tensor import Array, Tensor
from minizerofl.kernels import conv, layout, linear
from minizerofl.kernels.memory import SHORT, empty, whole_vectors, zeros
from minizerofl.sparse.csr import TopWeights
from minizerofl.sparse.geometry import Geometry, Order, geometry, orders
from minizerofl.sparse.masked import MaskedConv2d, MaskedLinear
from minizerofl.sparse.selection import Positions, count_kept, largest


class SparseConv2d(Op):
    """The convolution of SWAT."""

    name = "sparse_conv2d"

    @staticmethod
    def forward(
        ctx: Context,
        x: Array,
        w: Array,
        b: Array | None,
        sparsity: float,
        activation_sparsity: float,
        stride: int,
        padding: int,
        top: TopWeights | None = None,
    ) -> Array:
        """Convolve with the largest weights; keep them and the largest activations."""
        rows, cols = windows(x, w, b, stride, padding)
        place = geometry(rows, cols, x.shape[0], x.shape[3])
        w_top = largest_weights(ctx, sparsity, top)
        forward, backward = orders(rows, cols, (x.shape[0], w.shape[3]), x.shape[3], 1 - sparsity)
        shape = (w.shape[3], rows.out, cols.out * x.shape[3])
        y = sum_rows(*grouped(w_top, forward), place.input_planes(x), place.step, shape)
        if b is not None:
            y += b[:, None, None]
        if any(ctx.needs_grad):
            positions, values = largest(x, count_kept(x.size, activation_sparsity))
            ctx.save(w_top, positions, values, place, backward, x.shape, w.shape)
        return y.reshape(w.shape[3], rows.out, cols.out, x.shape[3])  # (OC, Ho, Wo*N) -> (OC, Ho, Wo, N)

    @staticmethod
    def backward(ctx: Context, grad: Array) -> tuple[Array | None, Array | None, Array | None]:
        """Convolve the output gradient with the weights turned round, and correlate it with the kept activations."""
        w_top, positions, values, place, order, x_shape, w_shape = ctx.saved
        grad = np.ascontiguousarray(grad)
        dx = input_gradient(grad, w_top, order, place, x_shape) if ctx.needs_grad[0] else None
        dw = weight_gradient(grad, positions, values, place, x_shape, w_shape) if ctx.needs_grad[1] else None
        db = grad.reshape(w_shape[3], -1).sum(axis=1) if ctx.needs_grad[2] else None
        return dx, dw, db


def input_gradient(
    dy: Array, w_top: scipy.sparse.csr_array, order: Order, place: Geometry, x_shape: tuple[int, ...]
) -> Array:
    """Compute dX: sums of rows again, now of dY; the rows of the result are the phases of each input channel."""
    IC, _, _, N = x_shape
    S = place.stride
    shape = (IC * S * S, place.rows.grad_planes, place.cols.grad_planes * N)
    dx = sum_rows(*grouped(w_top, order), place.bordered(dy), place.cols.grad_size * N, shape)
    return place.merge_phases(dx.reshape(IC, S, S, place.rows.grad_planes, place.cols.grad_planes, N))


def grouped(matrix: scipy.sparse.csr_array, order: Order) -> tuple[Array, Array, Array]:
    """Sort the entries of a sparse matrix by group; return where each group starts, their offsets and values."""
    result = np.empty(order.groups + 1, np.int32), np.empty(matrix.nnz, np.int32), np.empty_like(matrix.data)
    layout.group_weights(*as_csr(matrix), order.by_row, order.by_column, *result)
    return result


def weight_gradient(
    dy: Array, positions: Positions, values: Array, place: Geometry, x_shape: tuple[int, ...], w_shape: tuple[int, ...]
) -> Array:
    """Compute dW: each kept activation multiplies, for each tap, the gradients of one pixel in all output channels."""
    IC, KH, KW, OC = w_shape
    image, columns = (x_shape[1], x_shape[2], x_shape[3]), place.cols.grad_size
    height, part = place.band(max(1, positions.size) / math.prod(x_shape))
    cells = place.stride**2, place.rows.grad_planes, -(-place.cols.grad_planes // part)
    bounds, rows = np.empty(IC * math.prod(cells) + 1, np.int32), np.empty_like(positions)
    if place.stride == 1:
        layout.find_rows(positions, image, columns, part, bounds, rows)
    else:
        grouped = np.empty_like(values)
        layout.group_activations(positions, values, image, place.stride, columns, part, bounds, rows, grouped)
        values = grouped
    if OC < conv.PIECE:
        dy = np.concatenate([dy, np.zeros((conv.PIECE - OC, *dy.shape[1:]), dy.dtype)])
    g = empty((height, columns, place.batch, conv.PIECE), dy.dtype)
    dw = empty((IC, KH * KW, len(dy)), dy.dtype)
    conv.conv_weight_gradient(bounds, cells, rows, values, place.runs, dy, place.cols.border, g, dw)
    return np.ascontiguousarray(dw[..., :OC]).reshape(w_shape)


class SparseLinear(Op):
    """The linear layer of SWAT."""

    name = "sparse_linear"

    @staticmethod
    def forward(
        ctx: Context,
        x: Array,
        w: Array,
        b: Array | None,
        sparsity: float,
        activation_sparsity: float,
        top: TopWeights | None = None,
    ) -> Array:
        """Multiply by the largest weights; keep them and the largest activations."""
        check_linear(x, w, b)
        w_top = largest_weights(ctx, sparsity, top)
        y = multiply_transposed(w_top, x)
        if b is not None:
            y += b[:, None]
        if any(ctx.needs_grad):
            positions, values = largest(x, count_kept(x.size, activation_sparsity))
            ctx.save(w_top, positions, values)
        return y

    @staticmethod
    def backward(ctx: Context, grad: Array) -> tuple[Array | None, RowSparse | None, Array | None]:
        """DX = W_top dY and dW = x_top dY^T, whose rows are zero where no sample's activation was kept."""
        w_top, positions, values = ctx.saved
        dx = multiply(w_top, grad) if ctx.needs_grad[0] else None
        dw = outer_products(positions, values, grad, w_top.shape) if ctx.needs_grad[1] else None
        db = grad.sum(axis=1) if ctx.needs_grad[2] else None
        return dx, dw, db


def largest_weights(ctx: Context, sparsity: float, top: TopWeights | None) -> scipy.sparse.csr_array:
    """Select W_top, with what `top` remembers of the last time."""
    w = ctx.inputs[1]
    assert w is not None  # ops check it
    return (top or TopWeights()).select(w, count_kept(w.size, sparsity))


def multiply(matrix: scipy.sparse.csr_array, x: Array) -> Array:
    """Multiply a sparse matrix (R, C) by a dense one (C, N)."""
    rows = in_vectors(x)
    lanes = rows.shape[1]
    if lanes <= 4 * SHORT:
        out = empty((matrix.shape[0], lanes), x.dtype)
        linear.gather_rows(*as_csr(matrix), rows.reshape(-1), out.reshape(-1), lanes)
    else:
        offsets = matrix.indices * np.int32(lanes)
        out = sum_rows(matrix.indptr, offsets, matrix.data, rows, 0, (matrix.shape[0], 1, lanes))[:, 0]
    return np.ascontiguousarray(out[:, : x.shape[1]])


def multiply_transposed(matrix: scipy.sparse.csr_array, x: Array) -> Array:
    """Multiply the transpose of a sparse matrix (R, C) by a dense one (R, N)."""
    rows = in_vectors(x)
    out = empty((matrix.shape[1], rows.shape[1]), x.dtype)
    linear.scatter_rows(*as_csr(matrix), rows.reshape(-1), out.reshape(-1), rows.shape[1])
    return np.ascontiguousarray(out[:, : x.shape[1]])


def in_vectors(x: Array) -> Array:
    """Lengthen the rows of a matrix to whole vectors."""
    rows = zeros((x.shape[0], whole_vectors(x.shape[1])), x.dtype)
    rows[:, : x.shape[1]] = x
    return rows


def outer_products(positions: Positions, values: Array, dy: Array, w_shape: tuple[int, int]) -> RowSparse:
    """Compute dW of a linear layer: each kept activation of an input multiplies the gradients of its sample."""
    OC, N = dy.shape
    inputs, samples = np.divmod(positions, np.int32(N))
    starts = np.flatnonzero(np.diff(inputs, prepend=-1))  # of each input that has any
    g = empty((N, OC), dy.dtype)
    g[:] = dy.T
    shape = (starts.size, 1, OC)
    dw = sum_rows(np.append(starts, inputs.size), samples * np.int32(OC), values, g, 0, shape)
    return RowSparse(w_shape, inputs[starts], dw[:, 0])


def sum_rows(indptr: Array, offsets: Array, values: Array, x: Array, step: int, shape: tuple[int, int, int]) -> Array:
    """Call the kernel of the same name with memory for its result."""
    out = empty(shape, x.dtype)
    conv.sum_rows(as_index(indptr), as_index(offsets), values, x, step, out)
    return out


def as_csr(matrix: scipy.sparse.csr_array) -> tuple[Array, Array, Array]:
    """Return the arrays of a sparse matrix."""
    return as_index(matrix.indptr), as_index(matrix.indices), matrix.data


def checked(path: str) -> str:
    """Return a path that an op can take; raise a ValueError for any other."""
    if path not in ("sparse", "dense"):
        raise ValueError(f"path is {path!r}, expected 'sparse' or 'dense'")
    return path


def as_index(array: Array) -> Array:
    """Make indices int32, which SciPy sometimes widens: one type, one compiled kernel."""
    return array.astype(np.int32, copy=False)


def sparse_conv2d(
    x: object,
    w: object,
    b: object = None,
    *,
    sparsity: float,
    activation_sparsity: float | None = None,
    stride: int = 1,
    padding: int = 0,
    path: str = "sparse",
    top: TopWeights | None = None,
) -> Tensor:
    """Convolve with the largest weights only, and train all of them from the largest activations (SWAT).

    Parameters
    ----------
    x : (C, H, W, N) Tensor
        Images, batch last.
    w : (C, KH, KW, OC) Tensor
        Dense master weights; the top ``1 - sparsity`` of the whole tensor take part.
    b : (OC,) Tensor, optional
        Bias.
    sparsity : float
        The share of the weights that is left out, 0 <= sparsity < 1.
    activation_sparsity : float, optional
        The share of the input (of the whole mini-batch) that the weight gradient leaves out. None: as the weights. 0:
        nothing.
    stride, padding : int
        As in `conv2d`.
    path : {"sparse", "dense"}
        How it is computed; the result is the same, see `minizerofl.sparse.breakeven`.
    top : TopWeights, optional
        Remembers the selection from call to call, so that the next one has less to search.

    Returns
    -------
    (OC, Ho, Wo, N) Tensor
        The result of the dense convolution with all other weights set to zero.

    Raises
    ------
    ValueError
        A shape, the stride, the padding or a sparsity does not fit.

    Notes
    -----
    Gradients are those of SWAT (algorithm 1): dX uses the weights that took part, dW the largest activations.

    Examples
    --------
    >>> w = np.array([1.0, 3.0], dtype=np.float32).reshape(2, 1, 1, 1)
    >>> sparse_conv2d(np.ones((2, 1, 1, 1), np.float32), w, sparsity=0.5).data.item()
    3.0
    """
    activation_sparsity = sparsity if activation_sparsity is None else activation_sparsity
    shares = {"sparsity": sparsity, "activation_sparsity": activation_sparsity}
    if checked(path) == "dense":
        return MaskedConv2d.apply(x, w, b, **shares, stride=stride, padding=padding)
    return SparseConv2d.apply(x, w, b, **shares, stride=stride, padding=padding, top=top)


def sparse_linear(
    x: object,
    w: object,
    b: object = None,
    *,
    sparsity: float,
    activation_sparsity: float | None = None,
    path: str = "sparse",
    top: TopWeights | None = None,
) -> Tensor:
    """Compute ``W_top^T x + b`` and train all of W from the largest activations (SWAT).

    Parameters
    ----------
    x : (in, N) Tensor
        Features, batch last.
    w : (in, out) Tensor
        Dense master weights; the top ``1 - sparsity`` of the whole matrix take part.
    b : (out,) Tensor, optional
        Bias.
    sparsity, activation_sparsity, path, top
        As in `sparse_conv2d`.

    Returns
    -------
    (out, N) Tensor
        The result of the dense layer with all other weights set to zero.

    Raises
    ------
    ValueError
        A shape or a sparsity does not fit.

    Examples
    --------
    >>> sparse_linear(np.ones((2, 1), np.float32), np.array([[1], [3]], np.float32), sparsity=0.5).data
    array([[3.]], dtype=float32)
    """
    activation_sparsity = sparsity if activation_sparsity is None else activation_sparsity
    shares = {"sparsity": sparsity, "activation_sparsity": activation_sparsity}
    if checked(path) == "dense":
        return MaskedLinear.apply(x, w, b, **shares)
    return SparseLinear.apply(x, w, b, **shares, top=top)
