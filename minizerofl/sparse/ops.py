"""The SWAT functions over Tensors: select W_top, then compute by the fast or the dense path."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from minizerofl.autograd.op import Op
from minizerofl.autograd.tensor import Tensor
from minizerofl.sparse.blocks import SparseMatrix
from minizerofl.sparse.csr import TopWeights, kept_mask
from minizerofl.sparse.fast import FastConv2d, FastLinear
from minizerofl.sparse.fast_blocks import BlockConv2d
from minizerofl.sparse.selection import Positions, count_kept
from minizerofl.sparse.swat import SwatConv2d, SwatLinear

Select = Callable[[Tensor, int], SparseMatrix]
Support = Callable[[], Positions]

CONVOLUTIONS = {"csr": FastConv2d, "bsr": BlockConv2d}  # by the format of W_top
LINEAR = {"csr": FastLinear, "bsr": FastLinear}


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
    select: Select | None = None,
    support: Support | None = None,
    matched: bool = False,
) -> Tensor:
    """Convolve with the largest weights only, and train all of them from the largest activations (SWAT).

    Parameters
    ----------
    x : (IC, H, W, N) Tensor
        Images, batch last.
    w : (IC, KH, KW, OC) Tensor
        Dense master weights; the largest, a share of ``1 - sparsity`` of the whole tensor, take part.
    b : (OC,) Tensor, optional
        Bias.
    sparsity : float
        The share of the weights that is left out, 0 <= sparsity < 1.
    activation_sparsity : float, optional
        The share of the input (of the whole mini-batch) that the weight gradient leaves out; None: the same share as
        of the weights; 0: nothing.
    stride, padding : int
        As in `conv2d`.
    path : {"sparse", "dense"}
        Compute from the kept entries only (`minizerofl.sparse.fast`), or by dense products with zeros
        (`minizerofl.sparse.swat`). The results are equal up to rounding.
    select : callable, optional
        ``select(w, k)`` returns the weights that take part, at most k, as a sparse matrix (IC*KH*KW, OC), in CSR or in
        BSR (`minizerofl.sparse.blocks`); by default the k largest.
    support : callable, optional
        Returns the positions of the weights that `select` returned. Then only these are trained: only their gradient is
        returned, see `minizerofl.autograd.rowsparse.EntrySparse`.
    matched : bool
        Keep as large a share of the input as weights take part, whatever `activation_sparsity` says.

    Returns
    -------
    (OC, OH, OW, N) Tensor
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
    >>> import numpy as np
    >>> w = np.array([1.0, 3.0], dtype=np.float32).reshape(2, 1, 1, 1)
    >>> sparse_conv2d(np.ones((2, 1, 1, 1), np.float32), w, sparsity=0.5).data.item()
    3.0
    """
    shares, chosen = (sparsity, activation_sparsity, matched), (select, support)
    return _apply(SwatConv2d, CONVOLUTIONS, (x, w, b), shares, path, chosen, stride=stride, padding=padding)


def sparse_linear(
    x: object,
    w: object,
    b: object = None,
    *,
    sparsity: float,
    activation_sparsity: float | None = None,
    path: str = "sparse",
    select: Select | None = None,
    support: Support | None = None,
    matched: bool = False,
) -> Tensor:
    """Compute ``W_top^T x + b`` and train all of W from the largest activations (SWAT).

    Parameters
    ----------
    x : (in, N) Tensor
        Features, batch last.
    w : (in, out) Tensor
        Dense master weights; the largest, a share of ``1 - sparsity`` of the whole matrix, take part.
    b : (out,) Tensor, optional
        Bias.
    sparsity, activation_sparsity, path, select, support, matched
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
    >>> import numpy as np
    >>> sparse_linear(np.ones((2, 1), np.float32), np.array([[1], [3]], np.float32), sparsity=0.5).data
    array([[3.]], dtype=float32)
    """
    return _apply(SwatLinear, LINEAR, (x, w, b), (sparsity, activation_sparsity, matched), path, (select, support))


def _apply(
    swat: type[Op],
    fast: Mapping[str, type[Op]],
    operands: tuple[object, object, object],
    shares: tuple[float, float | None, bool],
    path: str,
    chosen: tuple[Select | None, Support | None],
    **window: Any,
) -> Tensor:
    """Select the weights, count the activations to keep, and apply the op of the path."""
    if path not in ("sparse", "dense"):
        raise ValueError(f"{swat.name}: path is {path!r}, expected 'sparse' or 'dense'")
    x, w, b = swat.as_tensors(operands)
    if x is None or w is None:
        raise TypeError(f"{swat.name}: x and w are needed; only b may be None")
    sparsity, activation_sparsity, matched = shares
    try:
        kept_weights = count_kept(w.size, sparsity)
        k = count_kept(x.size, sparsity if activation_sparsity is None else activation_sparsity)
    except ValueError as error:
        raise ValueError(f"{swat.name}: {error}") from error
    if path == "dense" and kept_weights == w.size and not matched:
        return swat.apply(x, w, b, w_mask=True, k=k, **window)
    select, support = chosen
    w_top = (select or TopWeights().select)(w, kept_weights)
    if matched:
        k = -(-x.size * w_top.nnz // w.size)
        path = "dense" if w_top.nnz == w.size else path  # there is nothing that sparse products could leave out
    window["support"] = support() if support is not None else None
    if path == "dense":
        return swat.apply(x, w, b, w_mask=kept_mask(w_top, w.shape), k=k, **window)
    return fast[w_top.format].apply(x, w, b, w_top=w_top, k=k, **window)
