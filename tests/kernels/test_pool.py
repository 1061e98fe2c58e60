"""The max-pooling kernels against the reference kernels."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from minizerofl.kernels import pool
from minizerofl.kernels.reference import pool as reference

IMAGES = hnp.arrays(
    np.float32,
    st.tuples(st.integers(1, 2), st.integers(3, 6), st.integers(3, 6), st.integers(1, 20)),
    elements=st.sampled_from([-1.0, 0.0, 1.0, 2.0, np.nan]),
)


@given(IMAGES, st.integers(1, 3), st.integers(1, 3))
def test_pooling_and_its_gradient_equal_their_references(x: np.ndarray, size: int, stride: int) -> None:
    C, H, W, N = x.shape
    shape = (C, (H - size) // stride + 1, (W - size) // stride + 1, N)
    results = []
    for module in (pool, reference):
        y, argmax, dx = np.empty(shape, np.float32), np.empty(shape, np.uint8), np.zeros_like(x)
        if size == 2:
            module.max_pool_2x2(x, stride, y, argmax)
        else:
            module.max_pool(x, size, stride, y, argmax)
        dy = np.arange(1, y.size + 1, dtype=np.float32).reshape(shape)
        if size == stride == 2:
            module.max_pool_2x2_gradient(dy, argmax, dx)
        else:
            module.max_pool_gradient(dy, argmax, size, stride, dx)
        # With two NaN in a window the last one is found, NumPy finds the first: the value is what counts.
        results.append((y, argmax, dx) if not np.isnan(x).any() else (y,))
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@given(IMAGES, st.integers(1, 3))
def test_windows_of_four_pixels_are_as_all_others(x: np.ndarray, stride: int) -> None:
    C, H, W, N = x.shape
    shape = (C, (H - 2) // stride + 1, (W - 2) // stride + 1, N)
    ours, ours_at = np.empty(shape, np.float32), np.empty(shape, np.uint8)
    general, general_at = ours.copy(), ours_at.copy()
    pool.max_pool_2x2(x, stride, ours, ours_at)
    pool.max_pool(x, 2, stride, general, general_at)
    np.testing.assert_array_equal(ours, general)
    np.testing.assert_array_equal(ours_at, general_at)


def test_the_first_of_equal_pixels_takes_the_gradient() -> None:
    x = np.ones((1, 2, 2, 1), np.float32)
    y, argmax, dx = np.empty((1, 1, 1, 1), np.float32), np.empty((1, 1, 1, 1), np.uint8), np.zeros_like(x)
    pool.max_pool_2x2(x, 2, y, argmax)
    for gradient in (pool.max_pool_2x2_gradient, lambda *arrays: pool.max_pool_gradient(*arrays[:2], 2, 2, dx)):
        dx[:] = 0
        gradient(np.ones_like(y), argmax, dx)
        np.testing.assert_array_equal(dx.ravel(), [1, 0, 0, 0])
