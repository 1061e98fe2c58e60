"""Group normalisation (Wu & He, ECCV 2018): each sample is normalised on its own, in groups of channels.

``y = w x_hat + b,   x_hat = (x - mean) / sqrt(var + eps)``, with mean and var taken over one sample's group of channels
and all its pixels. Unlike batch normalisation it has no running statistics that clients would have to agree on.
"""

from __future__ import annotations

import numpy as np

from minizerofl.autograd.op import Node, Op
from minizerofl.autograd.sums import accurate_mean, accurate_sum
from minizerofl.autograd.tensor import Array, Tensor


class GroupNorm(Op):
    """``y = w x_hat + b``: normalise over (channels of a group, H, W), then scale and shift each channel."""

    name = "group_norm"

    @staticmethod
    def forward(node: Node, x: Array, w: Array, b: Array, groups: int, eps: float) -> Array:
        _check(x, w, b, groups)
        grouped = x.reshape(groups, -1, x.shape[3])  # (C, H, W, N) -> (G, C/G*H*W, N)
        # Sums over many values need float64 to keep their digits; so does x - mean, where the mean is large.
        mean = grouped.mean(axis=1, keepdims=True, dtype=np.float64)  # (G, C/G*H*W, N) -> (G, 1, N)
        centred = np.subtract(grouped, mean, out=np.empty(grouped.shape, x.dtype), casting="same_kind")
        scale = 1 / np.sqrt(accurate_mean(centred * centred, (1,), keepdims=True) + eps)  # (G, 1, N)
        x_hat = (centred * scale).reshape(x.shape)  # (G, C/G*H*W, N) -> (C, H, W, N)
        node.save(x_hat, scale, w)
        y: Array = x_hat * _per_channel(w) + _per_channel(b)
        return y

    @staticmethod
    def backward(node: Node, grad: Array) -> tuple[Array | None, Array, Array]:
        """With g = w dy: dx = (g - mean(g) - x_hat mean(g x_hat)) / sqrt(var + eps), means as in the forward pass."""
        x_hat, scale, w = node.saved
        dw = accurate_sum(grad * x_hat, (1, 2, 3))  # (C, H, W, N) -> (C,)
        db = accurate_sum(grad, (1, 2, 3))  # (C, H, W, N) -> (C,)
        if not node.needs_grad[0]:
            return None, dw, db
        grouped = (scale.shape[0], -1, scale.shape[2])
        g = (grad * _per_channel(w)).reshape(grouped)  # (C, H, W, N) -> (G, C/G*H*W, N)
        h = x_hat.reshape(grouped)  # likewise
        dx = scale * (g - accurate_mean(g, (1,), keepdims=True) - h * accurate_mean(g * h, (1,), keepdims=True))
        return dx.reshape(grad.shape), dw, db  # (G, C/G*H*W, N) -> (C, H, W, N)


def _per_channel(values: Array) -> Array:
    return values[:, None, None, None]  # (C,) -> (C, 1, 1, 1)


def _check(x: Array, w: Array, b: Array, groups: int) -> None:
    if x.ndim != 4:
        raise ValueError(f"x has shape {x.shape}, expected (C, H, W, N): images with the batch last")
    if groups < 1 or x.shape[0] % groups:
        raise ValueError(f"groups is {groups}, expected a divisor of the {x.shape[0]} channels")
    for name, values in (("w", w), ("b", b)):
        if values.shape != x.shape[:1]:
            raise ValueError(f"{name} has shape {values.shape}, expected {x.shape[:1]}, one value for each channel")


def group_norm(x: object, groups: int, w: object, b: object, eps: float = 1e-5) -> Tensor:
    """Normalise each sample in groups of channels (Wu & He, ECCV 2018, equations 1 and 7).

    Parameters
    ----------
    x : (C, H, W, N) Tensor
        Images, batch last.
    groups : int
        The number of groups; neighbouring channels belong together.
    w, b : (C,) Tensor
        Scale and shift of each channel.
    eps : float
        Added to the variance.

    Returns
    -------
    (C, H, W, N) Tensor
        The normalised images.

    Raises
    ------
    ValueError
        A shape does not fit, or the channels cannot be divided into `groups`.

    Examples
    --------
    >>> x = Tensor(np.arange(4, dtype=np.float32).reshape(2, 1, 2, 1))
    >>> group_norm(x, 2, Tensor([1.0, 1.0]), Tensor([0.0, 0.0]), eps=0.0).data.ravel()
    array([-1.,  1., -1.,  1.], dtype=float32)
    """
    return GroupNorm.apply(x, w, b, groups=groups, eps=eps)
