"""Max pooling: values, ties and what it refuses."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minizerofl import Tensor, ops


@given(st.integers(0, 2**32 - 1), st.integers(1, 3), st.integers(1, 3), st.tuples(*[st.integers(3, 7)] * 2))
def test_values_are_the_maxima_of_the_windows(seed: int, size: int, stride: int, image: tuple[int, int]) -> None:
    x = np.random.default_rng(seed).standard_normal((2, *image, 3)).astype(np.float32)
    y = ops.max_pool2d(x, size, stride).data
    for i, j in np.ndindex(*y.shape[1:3]):
        window = x[:, i * stride : i * stride + size, j * stride : j * stride + size]
        np.testing.assert_array_equal(y[:, i, j], window.max(axis=(1, 2)))


def test_the_first_of_equal_values_takes_the_gradient() -> None:
    x = Tensor(np.zeros((1, 2, 4, 1), np.float32), requires_grad=True)
    ops.max_pool2d(x, 2).sum().backward()
    np.testing.assert_array_equal(x.grad[0, :, :, 0], [[1, 0, 1, 0], [0, 0, 0, 0]])


@pytest.mark.parametrize(
    ("shape", "size", "message"),
    [
        ((1, 4, 4), 2, r"expected x \(C, H, W, N\)"),
        ((1, 4, 4, 1), 5, "does not fit"),
        ((1, 20, 20, 1), 16, "at most 15"),
    ],
)
def test_errors_say_what_does_not_fit(shape: tuple[int, ...], size: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ops.max_pool2d(np.zeros(shape, np.float32), size)
