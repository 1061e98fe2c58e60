"""Pooling: replace windows of an image, or all of it, by one value per channel."""

from __future__ import annotations

from minizerofl import ops
from minizerofl.autograd.tensor import Tensor
from minizerofl.nn.module import Module, expect_axes


class MaxPool2d(Module):
    """The largest value of each window, (C, H, W, N) -> (C, OH, OW, N).

    Parameters
    ----------
    kernel_size : int
        The side of the window, pixels.
    stride : int, optional
        The step between windows, pixels; None: `kernel_size`, so that windows do not overlap.

    Raises
    ------
    ValueError
        At call time: the input is not (C, H, W, N), or smaller than the window.

    Examples
    --------
    >>> x = Tensor([[[[1.0], [2.0]], [[3.0], [4.0]]]])  # one channel, 2 x 2 pixels, one sample
    >>> MaxPool2d(2)(x).data.ravel()
    array([4.], dtype=float32)
    """

    def __init__(self, kernel_size: int, stride: int | None = None) -> None:
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride

    def forward(self, x: Tensor) -> Tensor:
        """Take the maximum of each window, (C, H, W, N) -> (C, OH, OW, N)."""
        expect_axes(self, x, ("C", "H", "W", "N"))
        return ops.max_pool2d(x, self.kernel_size, self.stride)


class AvgPool2d(Module):
    """The mean of each window, (C, H, W, N) -> (C, OH, OW, N).

    Parameters
    ----------
    kernel_size : int
        The side of the window, pixels.
    stride : int, optional
        The step between windows, pixels; None: `kernel_size`, so that windows do not overlap.

    Raises
    ------
    ValueError
        At call time: the input is not (C, H, W, N), or smaller than the window.

    Examples
    --------
    >>> x = Tensor([[[[1.0], [2.0]], [[3.0], [4.0]]]])  # one channel, 2 x 2 pixels, one sample
    >>> AvgPool2d(2)(x).data.ravel()
    array([2.5], dtype=float32)
    """

    def __init__(self, kernel_size: int, stride: int | None = None) -> None:
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride

    def forward(self, x: Tensor) -> Tensor:
        """Take the mean of each window, (C, H, W, N) -> (C, OH, OW, N)."""
        expect_axes(self, x, ("C", "H", "W", "N"))
        return ops.avg_pool2d(x, self.kernel_size, self.stride)


class GlobalAvgPool(Module):
    """The mean of each channel over the whole image, (C, H, W, N) -> (C, N).

    Raises
    ------
    ValueError
        At call time: the input is not (C, H, W, N).

    Examples
    --------
    >>> x = Tensor([[[[1.0], [2.0]], [[3.0], [4.0]]]])  # one channel, 2 x 2 pixels, one sample
    >>> GlobalAvgPool()(x).data
    array([[2.5]], dtype=float32)
    """

    def forward(self, x: Tensor) -> Tensor:
        """Take the mean of each channel, (C, H, W, N) -> (C, N)."""
        expect_axes(self, x, ("C", "H", "W", "N"))
        return ops.global_avg_pool(x)
