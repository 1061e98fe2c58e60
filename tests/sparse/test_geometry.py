"""Phases: dealing an image out, and putting it together again."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from minizerofl.autograd.ops.window import Window
from minizerofl.sparse.geometry import prepare_geometry


@given(st.integers(1, 5), st.integers(1, 3), st.integers(0, 3), st.integers(5, 9), st.integers(5, 9), st.integers(1, 3))
def test_every_tap_finds_its_pixel(kernel: int, stride: int, padding: int, H: int, W: int, N: int) -> None:
    down, across = Window(H, kernel, stride, padding), Window(W, kernel, stride, padding)
    geometry = prepare_geometry(down, across, 2, N)
    x = np.arange(2 * H * W * N, dtype=np.float64).reshape(2, H, W, N) + 1
    padded = np.pad(x, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
    flat = geometry.input_planes(x).reshape(-1)
    for column, (c, p, q) in enumerate(np.ndindex(2, kernel, kernel)):
        for i in range(down.out):
            start = geometry.offsets[column] + i * geometry.step
            seen = flat[start : start + across.out * N].reshape(across.out, N)
            expected = padded[c, i * stride + p, q : q + (across.out - 1) * stride + 1 : stride]
            np.testing.assert_array_equal(seen, expected)


@given(st.integers(1, 3), st.integers(3, 8))
def test_merging_the_phases_gives_each_pixel_its_own(stride: int, size: int) -> None:
    window = Window(size, 3, stride, 1)
    geometry = prepare_geometry(window, window, 1, 1)
    length = -(-size // stride)
    planes = np.full((1, stride, stride, length, length, 1), -1.0)
    for h, w in np.ndindex(size, size):
        planes[0, h % stride, w % stride, h // stride, w // stride, 0] = h * size + w
    merged = geometry.image(planes)
    np.testing.assert_array_equal(merged.ravel(), np.arange(size * size))
