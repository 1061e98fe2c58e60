"""The offsets of a sparse convolution: they turn any stride and padding into plain sums of rows.

The kernels know only ``x[offset + s * step]``. A stride of 1 gives that directly: moving the window down by one moves
what a tap sees down by one. With stride S, the image is dealt out to S*S planes, its *phases* (space-to-depth): pixel
(h, w) goes to plane (h mod S, w mod S). What a tap sees then lies in one plane, where the window moves by one again.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from minizerofl.autograd.ops.window import Window
from minizerofl.kernels.layout import CHANNEL_TILE, Grid, depth_to_space, space_to_depth
from minizerofl.kernels.memory import empty
from minizerofl.kernels.simd import MAX_LANES
from minizerofl.kernels.types import Array, Indices

CACHE = 12 * 2**10  # float32 values that fit into the first-level cache (L1, 48 KB)
CACHE_ROWS = CACHE // CHANNEL_TILE  # rows of CHANNEL_TILE output gradients that fit into it


@dataclass(frozen=True)
class Axis:
    """The phases of a convolution along one axis, with lengths in pixels.

    Attributes
    ----------
    window : Window
        The convolution along this axis.
    planes : int
        The length of one plane of the padded input.
    grad_planes : int
        The length of one plane of the input gradient.
    border : int
        The number of zeros before the output gradient.
    grad_size : int
        The length of the output gradient with its border.
    """

    window: Window
    planes: int
    grad_planes: int
    border: int
    grad_size: int

    @classmethod
    def of(cls, window: Window) -> Axis:
        """Derive the lengths from a window."""
        K, S, P = window.kernel, window.stride, window.padding
        grad_planes = -(-window.size // S)
        border = max(0, (K - 1 - P) // S)
        last = (S * grad_planes - 1 + P) // S  # the last output that a pixel can contribute to
        return cls(window, window.out + (K - 1) // S, grad_planes, border, border + max(window.out, last + 1))

    def phase(self, tap: int) -> int:
        """Return the phase of the input pixels that `tap` meets."""
        return (tap - self.window.padding) % self.window.stride

    def first(self, phase: int) -> tuple[int, int]:
        """Return the first pixel of the image in a phase of the padded input, and its place in the plane."""
        pixel = (phase - self.window.padding) % self.window.stride
        return pixel, (pixel + self.window.padding) // self.window.stride

    def shift(self, tap: int) -> int:
        """Return the distance from pixel i of phase ``phase(tap)`` to the output at which `tap` meets it."""
        return (self.phase(tap) + self.window.padding - tap) // self.window.stride + self.border


@dataclass(frozen=True)
class Geometry:
    """The offsets of one sparse convolution; T = KH*KW taps, numbered row by row.

    Attributes
    ----------
    down, across : Axis
        The convolution along H and along W.
    batch : int
        N.
    offsets : (IC * T,) int32
        For each row of the weight matrix (input channel, tap), where the pixels that it meets start in `input_planes`.
    step : int
        From one output row to the next, in the planes of the input.
    phases, shifts : (T,) int32
        The phase of the pixels that each tap meets, and where their output gradient starts in a plane of `bordered`.
    runs : (number, 6) int64
        Taps side by side that meet the same phase, see `minizerofl.kernels.conv.Run`.
    taps : (T, 3) int32
        For each tap its phase, and how far below and to the right of an activation the output gradient that it needs.
    """

    down: Axis
    across: Axis
    batch: int
    offsets: Indices
    step: int
    phases: Indices
    shifts: Indices
    runs: NDArray[np.int64]
    taps: Indices

    @property
    def stride(self) -> int:
        """The stride along both axes."""
        return self.down.window.stride

    @property
    def grad_pixels(self) -> int:
        """The number of pixels of one channel of the output gradient with its border."""
        return self.down.grad_size * self.across.grad_size

    def grid(self, share: float) -> tuple[Grid, int]:
        """Divide kept activations into cells for dW; return also the height of a band of the output gradient, in lines.

        A band must fit into L1, yet be tall enough that about 32 kept activations of a channel fall into it. If not
        even one line fits, the activations of a line are divided into several cells.

        Parameters
        ----------
        share : float
            The share of the activations that are kept, above 0.
        """
        wanted = max(CACHE_ROWS, round(32 / share))
        line = self.across.window.out * self.batch
        lines, columns = self.down.grad_planes, self.across.grad_planes
        cell_columns = -(-columns // -(-line // wanted))
        grid = Grid(
            height=self.down.window.size,
            width=self.across.window.size,
            batch=self.batch,
            stride=self.stride,
            columns=self.across.grad_size,
            lines=lines,
            line_cells=-(-columns // cell_columns),
            cell_columns=cell_columns,
        )
        return grid, max(1, min(self.down.window.out, wanted // line))

    def input_planes(self, x: Array) -> Array:
        """Pad an image and deal it out to its phases: (IC, H, W, N) -> (IC*S*S, planes*planes*N)."""
        S = self.stride
        planes = empty((x.shape[0], S, S, self.down.planes, self.across.planes, self.batch), x.dtype)
        space_to_depth(np.ascontiguousarray(x), self.down.window.padding, self.across.window.padding, planes)
        return planes.reshape(x.shape[0] * S * S, -1)

    def bordered(self, dy: Array) -> Array:
        """Put an output gradient into a border of zeros: (OC, OH, OW, N) -> (OC, grad_size*grad_size*N)."""
        g = empty((dy.shape[0], 1, 1, self.down.grad_size, self.across.grad_size, self.batch), dy.dtype)
        space_to_depth(np.ascontiguousarray(dy), self.down.border, self.across.border, g)
        return g.reshape(len(g), -1)

    def image(self, planes: Array) -> Array:
        """Put the phases of an input gradient together: (IC, S, S, planes, planes, N) -> (IC, H, W, N)."""
        if self.stride == 1:
            return planes[:, 0, 0]
        dx = empty((planes.shape[0], self.down.window.size, self.across.window.size, self.batch), planes.dtype)
        depth_to_space(planes, dx)
        return dx

    def cut(self, planes: Array) -> Array:
        """Put phases of a padded image together without its padding, the inverse of `input_planes`.

        (IC, S, S, planes, planes, N) -> (IC, H, W, N); pixels that no output needs are zero.
        """
        S, (v, h) = self.stride, (self.down, self.across)
        if S == 1 and planes.shape[3:5] == (v.window.size, h.window.size):
            return planes[:, 0, 0]
        x = empty((planes.shape[0], v.window.size, h.window.size, self.batch), planes.dtype)
        if v.planes * S < v.window.size + v.window.padding or h.planes * S < h.window.size + h.window.padding:
            x.fill(0)
        for a, b in np.ndindex(S, S):
            (top, above), (left, before) = v.first(a), h.first(b)
            part = planes[:, a, b, above : above + -(-(v.window.size - top) // S), before:]
            into = x[:, top::S, left::S][:, : part.shape[1]]
            width = min(part.shape[2], into.shape[2])
            into[:, :, :width] = part[:, :, :width]
        return x


@lru_cache(maxsize=256)
def prepare_geometry(down: Window, across: Window, channels: int, batch: int) -> Geometry:
    """Prepare the offsets of a sparse convolution with `channels` input channels and `batch` samples."""
    S, KH, KW, N = down.stride, down.kernel, across.kernel, batch
    v, h = Axis.of(down), Axis.of(across)  # vertical, horizontal
    p, q = np.divmod(np.arange(KH * KW), KW)  # each tap's row and column in the window
    plane_size = v.planes * h.planes
    taps_at = ((p % S) * S + q % S) * plane_size + (p // S) * h.planes + q // S
    offsets = (np.arange(channels)[:, None] * S * S * plane_size + taps_at) * N
    phases = np.array([v.phase(i) * S + h.phase(j) for i, j in zip(p, q, strict=True)])
    shifts = np.array([v.shift(i) * h.grad_size + h.shift(j) for i, j in zip(p, q, strict=True)]) * N
    runs = [
        (phases[i * KW + j], v.shift(i) - v.border, h.shift(j), i * KW + j, S, -(-(KW - j) // S))
        for i in range(KH)
        for j in range(min(S, KW))
    ]
    taps = [(phases[i * KW + j], v.shift(i) - v.border, h.shift(j)) for i, j in np.ndindex(KH, KW)]
    return Geometry(
        down=v,
        across=h,
        batch=N,
        offsets=offsets.reshape(-1).astype(np.int32),
        step=h.planes * N,
        phases=phases.astype(np.int32),
        shifts=shifts.astype(np.int32),
        runs=np.array(runs, np.int64),
        taps=np.array(taps, np.int32),
    )


@dataclass(frozen=True)
class Order:
    """How kept weights are grouped for `sum_rows`: by block of source channels and, in a block, by row of `out`.

    Attributes
    ----------
    groups : int
        The number of groups.
    by_row, by_column : (2, IC * T) int32, (2, OC) int32
        The group and the offset of an entry of the weight matrix, see `minizerofl.kernels.layout.group_weights`.
    """

    groups: int
    by_row: Indices
    by_column: Indices


@lru_cache(maxsize=256)
def prepare_orders(
    down: Window, across: Window, channels: tuple[int, int], batch: int, density: float
) -> tuple[Order, Order]:
    """Prepare the order of kept weights for the forward product and for the input gradient.

    Parameters
    ----------
    down, across : Window
        The windows of the convolution along H and W.
    channels : (int, int)
        IC and OC.
    batch : int
        The number of samples.
    density : float
        The share of the weights that is kept.
    """
    IC, OC = channels
    geometry = prepare_geometry(down, across, IC, batch)
    T, phases, block = geometry.phases.size, geometry.stride**2, _block(geometry, density)
    channel, tap = np.divmod(np.arange(IC * T), T)
    output = np.arange(OC)
    forward = Order(
        -(-IC // block) * OC,
        np.stack([channel // block * OC, geometry.offsets]).astype(np.int32),
        np.stack([output, 0 * output]).astype(np.int32),
    )
    backward = Order(
        -(-OC // block) * IC * phases,
        np.stack([channel * phases + geometry.phases[tap], geometry.shifts[tap]]).astype(np.int32),
        np.stack([output // block * (IC * phases), output * geometry.grad_pixels * batch]).astype(np.int32),
    )
    return forward, backward


def _block(geometry: Geometry, density: float) -> int:
    """Return how many source channels make a block: what a tile of the result needs of them fits into L1.

    But keep about ten entries a row and block: starting a row costs as much as adding five entries.
    """
    down, across = geometry.down.window, geometry.across.window
    needed = down.kernel * (min(MAX_LANES, across.out * geometry.batch) + (across.kernel - 1) * geometry.batch)
    return max(1, CACHE // needed, math.ceil(10 / (density * down.kernel * across.kernel)))
