"""Convolutions over images (C, H, W, N)."""

from __future__ import annotations

import numpy as np

from minizerofl import ops
from minizerofl.autograd.tensor import Tensor
from minizerofl.nn.init import he_normal
from minizerofl.nn.module import Module, expect_axes


class Conv2d(Module):
    """A dense two-dimensional convolution, (IC, H, W, N) -> (OC, OH, OW, N).

    The output has OH = (H + 2 padding - KH) // stride + 1 rows, and columns likewise.

    Parameters
    ----------
    in_channels, out_channels : int
        IC and OC.
    kernel_size : int
        KH = KW, pixels.
    stride : int
        The step between windows, pixels.
    padding : int
        The width of the border of zeros on each side, pixels.
    bias : bool
        Whether to add a learned number to each output channel, 0 at first.
    rng : numpy.random.Generator, optional
        Draws the weights, see `he_normal`; None takes fresh entropy, so that no two layers are the same.

    Attributes
    ----------
    weight : (IC, KH, KW, OC) Tensor
        The filters.
    bias : (OC,) Tensor or None
        One number for each output channel.

    Raises
    ------
    ValueError
        At call time: the input is not (IC, H, W, N), or too small for the kernel.

    Examples
    --------
    >>> layer = Conv2d(3, 8, kernel_size=5, padding=2, rng=np.random.default_rng(0))
    >>> layer(Tensor(np.ones((3, 6, 6, 2), np.float32))).shape
    (8, 6, 6, 2)
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        padding: int = 0,
        bias: bool = True,
        rng: np.random.Generator | None = None,
    ) -> None:
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.kernel_size = kernel_size
        self.stride = stride
        self.padding = padding
        shape = (in_channels, kernel_size, kernel_size, out_channels)
        weight = he_normal(shape, in_channels * kernel_size**2, np.random.default_rng(rng))
        self.weight = Tensor(weight, requires_grad=True)
        self.bias = Tensor(np.zeros(out_channels, np.float32), requires_grad=True) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        """Convolve, (IC, H, W, N) -> (OC, OH, OW, N)."""
        expect_axes(self, x, (self.in_channels, "H", "W", "N"))
        return ops.conv2d(x, self.weight, self.bias, self.stride, self.padding)
