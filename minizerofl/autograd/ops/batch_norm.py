"""Batch normalisation (Ioffe and Szegedy 2015), and in the same pass what usually follows: a residual and a ReLU."""

from __future__ import annotations

import numpy as np

from minizerofl.autograd.op import Node, Op
from minizerofl.autograd.tensor import Array, Tensor
from minizerofl.kernels import norm
from minizerofl.kernels.memory import empty


class BatchNorm(Op):
    """``y = relu(w * (x - mean) / sqrt(var + eps) + b + residual)``; in training the moments are those of the batch."""

    name = "batch_norm"

    @staticmethod
    def forward(
        node: Node,
        x: Array,
        w: Array,
        b: Array,
        residual: Array | None,
        running: tuple[Array, Array],
        training: bool,
        momentum: float,
        eps: float,
        relu: bool,
    ) -> Array:
        """Normalise each channel; in training also update the running moments."""
        _check(x, w, b, residual, running)
        C = x.shape[0]
        flat = np.ascontiguousarray(x).reshape(C, -1)  # (C, H, W, N) -> (C, H*W*N)
        mean, var = (moment.astype(x.dtype) for moment in running)
        nothing, y, line = np.empty((C, 0), x.dtype), empty(flat.shape, x.dtype), np.empty((2, C), x.dtype)
        added = nothing if residual is None else np.ascontiguousarray(residual).reshape(flat.shape)
        norm.batch_norm(flat, norm.Channels(w, b, mean, var), training, eps, added, relu, line, y)
        if training:
            unbiased = var * (flat.shape[1] / max(1, flat.shape[1] - 1))
            for moment, new in zip(running, (mean, unbiased), strict=True):
                moment += momentum * (new - moment)
        # The gradient must know where the ReLU passes: where line[0] z + line[1] > 0. In training z is x, which is kept
        # anyway, so y is not. With a residual, and in evaluation, z is y. Without a ReLU the line is 0 z + 1.
        z = flat
        if not relu:
            line = np.repeat([[0], [1]], C, axis=1).astype(x.dtype)
        elif residual is not None or not training:
            z, line = y, np.repeat([[1], [0]], C, axis=1).astype(x.dtype)
        node.save(flat, w, (mean, var), eps, training, z, line)
        return y.reshape(x.shape)

    @staticmethod
    def backward(node: Node, grad: Array) -> tuple[Array, Array, Array, Array | None]:
        """Differentiate through the moments of the batch; running moments are constants."""
        flat, w, (mean, var), eps, training, z, line = node.saved
        dy = np.ascontiguousarray(grad).reshape(flat.shape)
        rstd = 1 / np.sqrt(var + flat.dtype.type(eps))
        if not training:
            passed = np.where(line[0, :, None] * z + line[1, :, None] <= 0, 0, dy)
            xhat = (flat - mean[:, None]) * rstd[:, None]
            dx = passed * (w * rstd)[:, None]
            return dx.reshape(grad.shape), (passed * xhat).sum(axis=1), passed.sum(axis=1), passed.reshape(grad.shape)
        dx, parameters = empty(flat.shape, dy.dtype), np.empty((2, len(w)), w.dtype)
        wanted = node.needs_grad[3]
        passed = empty((len(w), flat.shape[1] if wanted else 0), dy.dtype)
        norm.batch_norm_gradient(flat, norm.Gate(z, line), dy, w, (mean, rstd), passed, dx, parameters)
        return dx.reshape(grad.shape), parameters[0], parameters[1], passed.reshape(grad.shape) if wanted else None


def _check(x: Array, w: Array, b: Array, residual: Array | None, running: tuple[Array, Array]) -> None:
    if x.ndim != 4:
        raise ValueError(f"expected x (C, H, W, N), got {x.ndim} axes")
    for name, array in (("w", w), ("b", b), ("running_mean", running[0]), ("running_var", running[1])):
        if array.shape != x.shape[:1]:
            raise ValueError(f"{name} has shape {array.shape}, expected {x.shape[:1]}, one number for each channel")
    if residual is not None and residual.shape != x.shape:
        raise ValueError(f"residual has shape {residual.shape}, expected that of x, {x.shape}")


def batch_norm(
    x: object,
    w: object,
    b: object,
    running_mean: Array,
    running_var: Array,
    training: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
    residual: object = None,
    relu: bool = False,
) -> Tensor:
    """Normalise each channel to mean 0, variance 1, then scale and shift it; optionally add a residual, apply a ReLU.

    ``batch_norm(x, ..., residual=r, relu=True)`` is ``relu(batch_norm(x, ...) + r)`` in fewer passes over the memory.

    Parameters
    ----------
    x : (C, H, W, N) Tensor
        Images, batch last.
    w, b : (C,) Tensor
        Scale and shift.
    running_mean, running_var : (C,) numpy.ndarray
        Running moments. In training they are moved in place by `momentum` towards those of the batch (the variance
        unbiased); otherwise they are used.
    training : bool
        Whether to normalise with the moments of the batch.
    momentum, eps : float
        The weight of the newest batch in the running moments; the number added to the variance.
    residual : (C, H, W, N) Tensor, optional
        Added to the result.
    relu : bool
        Whether to apply a ReLU to the result.

    Returns
    -------
    (C, H, W, N) Tensor
        The normalised images.

    Raises
    ------
    ValueError
        A shape does not fit.

    Examples
    --------
    >>> x = np.array([1.0, 3.0], dtype=np.float32).reshape(1, 1, 1, 2)
    >>> one, zero = np.ones(1, np.float32), np.zeros(1, np.float32)
    >>> batch_norm(x, one, zero, zero.copy(), one.copy()).data.round(3).ravel()
    array([-1.,  1.], dtype=float32)
    """
    running = (running_mean, running_var)
    return BatchNorm.apply(x, w, b, residual, running=running, training=training, momentum=momentum, eps=eps, relu=relu)
