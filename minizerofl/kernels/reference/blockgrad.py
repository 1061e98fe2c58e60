"""The reference kernel of `minizerofl.kernels.blockgrad`."""

from __future__ import annotations

import numpy as np

from minizerofl.kernels.reference.conv import conv_weight_gradient
from minizerofl.kernels.types import Floats, Indices


def block_gradient(
    x: Floats, dy: Floats, stride: int, padding: tuple[int, int], blocks: tuple[Indices, Indices], dw: Floats
) -> None:
    """Compute the whole dW, and take the kept blocks.

    Parameters
    ----------
    x, dy, stride, padding
        As in `minizerofl.kernels.reference.conv.conv_weight_gradient`.
    blocks : (indptr, indices)
        Where the kept blocks are, as block sparse rows (BSR).
    dw : (number, N) float
        The result.
    """
    indptr, indices = blocks
    T = (indptr.size - 1) // len(x)
    KH = KW = round(T**0.5)
    whole = np.empty((len(x), KH, KW, len(dy)), dw.dtype)
    conv_weight_gradient(x, dy, stride, padding, whole)
    rows = np.repeat(np.arange(indptr.size - 1), np.diff(indptr))
    dw[:] = whole.reshape(indptr.size - 1, -1, dw.shape[1])[rows, indices]
