"""Where a sliding window stands: the arithmetic that convolutions and poolings share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minizerofl.autograd.tensor import Array


@dataclass(frozen=True)
class Window:
    """A window of ``kernel`` pixels that moves over an image of ``size`` pixels, along one axis.

    Parameters
    ----------
    size : int
        The length of the image along this axis, in pixels.
    kernel : int
        The length of the window.
    stride : int
        How far the window moves at a time.
    padding : int
        The number of zeros at each end of the image.

    Raises
    ------
    ValueError
        The window does not fit into the padded image, or a number is out of range.

    Examples
    --------
    >>> Window(size=32, kernel=3, stride=2, padding=1).out
    16
    """

    size: int
    kernel: int
    stride: int
    padding: int

    def __post_init__(self) -> None:
        if self.kernel < 1 or self.stride < 1 or self.padding < 0:
            raise ValueError(
                f"kernel size {self.kernel}, stride {self.stride}, padding {self.padding}: "
                "expected at least 1, at least 1 and at least 0"
            )
        if self.size + 2 * self.padding < self.kernel:
            raise ValueError(
                f"a window of {self.kernel} does not fit into {self.size} pixels with a padding of {self.padding}"
            )

    @property
    def out(self) -> int:
        """The number of outputs along this axis, OH or OW: one for each position of the window."""
        return (self.size + 2 * self.padding - self.kernel) // self.stride + 1

    def overlap(self, tap: int, first: int, last: int) -> tuple[slice, slice]:
        """Match the outputs [first, last) with the pixels that the entry `tap` of the window sees there.

        Returns
        -------
        tuple of slice
            The outputs, counted from `first`, at which the tap sees a pixel and no padding; and those pixels.
        """
        start = max(first, -(-(self.padding - tap) // self.stride))
        stop = max(start, min(last, (self.size - 1 + self.padding - tap) // self.stride + 1))
        pixel = start * self.stride + tap - self.padding
        step = self.stride
        return slice(start - first, stop - first), slice(
            pixel, pixel + (stop - start - 1) * step + 1 if stop > start else pixel, step
        )


def windows(x: Array, w: Array, b: Array | None, stride: int, padding: int) -> tuple[Window, Window]:
    """Check the shapes of a convolution and return its windows along H and W.

    Raises
    ------
    ValueError
        A rank, a channel count or the size of the image does not fit.
    """
    if x.ndim != 4 or w.ndim != 4:
        raise ValueError(f"expected x (C, H, W, N) and w (IC, KH, KW, OC), got {x.ndim} and {w.ndim} axes")
    if x.shape[0] != w.shape[0]:
        raise ValueError(f"x has {x.shape[0]} channels, but w expects {w.shape[0]}")
    if b is not None and b.shape != w.shape[3:]:
        raise ValueError(f"b has shape {b.shape}, expected {w.shape[3:]}, one number for each output channel")
    return Window(x.shape[1], w.shape[1], stride, padding), Window(x.shape[2], w.shape[2], stride, padding)


def count_taps(positions: NDArray[np.integer[Any]], x_shape: tuple[int, ...], down: Window, across: Window) -> int:
    """Count the pairs of a listed pixel and a tap that meets it; borders count like the inside of the image.

    Parameters
    ----------
    positions : (k,) integer array
        Flat C-order positions of pixels in an image of shape `x_shape`, (C, H, W, N).
    x_shape : tuple of int
        The shape of the image.
    down, across : Window
        The windows along H and W.

    Examples
    --------
    >>> window = Window(size=4, kernel=3, stride=2, padding=1)
    >>> count_taps(np.array([0, 5], np.int32), (1, 4, 4, 1), window, window)  # pixels (0, 0) and (1, 1)
    5
    """
    if down.stride == 1:
        return positions.size * down.kernel * across.kernel
    _, H, W, N = x_shape
    pixels = positions // N
    lines, columns = (
        (np.subtract.outer(np.arange(each.size) + each.padding, np.arange(each.kernel)) % each.stride == 0).sum(axis=1)
        for each in (down, across)
    )  # for each line and each column, the number of taps that meet it
    return int(lines[pixels // W % H] @ columns[pixels % W])


def count_pairs(
    positions: NDArray[np.integer[Any]],
    x_shape: tuple[int, ...],
    weights: NDArray[np.integer[Any]],
    w_shape: tuple[int, ...],
    down: Window,
    across: Window,
) -> int:
    """Count the pairs of a listed pixel and a listed weight that meets it; borders count like the inside of the image.

    Parameters
    ----------
    positions, x_shape, down, across
        As in `count_taps`.
    weights : (n,) integer array
        Flat C-order positions of weights.
    w_shape : tuple of int
        The shape of all weights, (C, KH, KW, OC).

    Examples
    --------
    >>> window = Window(size=4, kernel=3, stride=2, padding=1)
    >>> everywhere = np.arange(2 * 9)
    >>> count_pairs(np.array([0, 5]), (1, 4, 4, 1), everywhere, (1, 3, 3, 2), window, window)  # twice as many as taps
    10
    """
    (C, H, W, N), (_, KH, KW, OC), S = x_shape, w_shape, down.stride
    channel, pixel = np.divmod(positions // N, H * W)
    phase = (pixel // W + down.padding) % S * S + (pixel % W + across.padding) % S
    pixels = np.bincount(channel * (S * S) + phase, minlength=C * S * S).reshape(C, S, S)
    outputs = np.bincount(weights // OC, minlength=C * KH * KW).reshape(C, KH, KW)
    met = pixels[:, np.arange(KH)[:, None] % S, np.arange(KW) % S]  # (C, KH, KW): the pixels that each tap meets
    return int((met * outputs).sum())


def write_padded(image: Array, lines: slice, columns: slice, out: Array) -> None:
    """Write an image into a larger array and zeros around it: ``out[:, lines, columns] = image``, both (C, H, W, N)."""
    out[:, : lines.start] = 0
    out[:, lines.stop :] = 0
    out[:, lines, : columns.start] = 0
    out[:, lines, columns.stop :] = 0
    out[:, lines, columns] = image
