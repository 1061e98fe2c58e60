"""The reference kernels of `minizerofl.kernels.conv`: a product of matrices, and a correlation of dense images."""

from __future__ import annotations

import numpy as np
import scipy.sparse

from minizerofl.kernels.types import Floats, Indices


def sum_rows(indptr: Indices, offsets: Indices, values: Floats, x: Floats, step: int, out: Floats) -> None:
    """Multiply a sparse matrix by rows of `x`, and add up the blocks.

    A column of the matrix stands for a place in `x` where a row may start.
    """
    R, S, L = out.shape
    rows = np.lib.stride_tricks.sliding_window_view(x.reshape(-1), L)  # all rows of length L in x
    starts = len(rows) - (S - 1) * step
    matrix = scipy.sparse.csr_array((values, offsets, indptr), shape=(indptr.size - 1, starts))
    for s in range(S):
        product = matrix @ rows[s * step :][:starts]  # (B * R, starts) @ (starts, L) -> (B * R, L)
        out[:, s] = product.reshape(-1, R, L).sum(axis=0) if R else 0


def conv_weight_gradient(x: Floats, dy: Floats, stride: int, padding: tuple[int, int], dw: Floats) -> None:
    """Compute dW of a convolution, with dense images: for each tap, all that it saw times the output gradient.

    Parameters
    ----------
    x : (IC, H, W, N) float
        The input, zero where an activation was not kept.
    dy : (OC, OH, OW, N) float
        The output gradient.
    stride, padding : int, (int, int)
        Of the convolution; the padding above and to the left.
    dw : (IC, KH, KW, OC) float
        The result.
    """
    _, KH, KW, _ = dw.shape
    _, OH, OW, _ = dy.shape
    (above, left), (H, W) = padding, x.shape[1:3]
    below, right = max(0, (OH - 1) * stride + KH - above - H), max(0, (OW - 1) * stride + KW - left - W)
    padded = np.pad(x, ((0, 0), (above, below), (left, right), (0, 0)))
    for i, j in np.ndindex(KH, KW):
        seen = padded[:, i:, j:][:, : stride * OH : stride, : stride * OW : stride]  # (IC, OH, OW, N)
        dw[:, i, j] = np.tensordot(seen, dy, axes=((1, 2, 3), (1, 2, 3)))  # -> (IC, OC)
