"""Average pooling against a loop over windows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minizerofl import Tensor
from minizerofl.autograd import ops


@given(
    st.tuples(st.integers(1, 3), st.integers(3, 7), st.integers(3, 7), st.integers(1, 3)),
    st.tuples(st.integers(1, 3), st.integers(1, 3)),
    st.none() | st.tuples(st.integers(1, 4), st.integers(1, 4)),
)
def test_each_output_is_the_mean_of_its_window(shape, kernel, stride) -> None:
    x = np.random.default_rng(0).standard_normal(shape)
    result = ops.avg_pool2d(Tensor(x), kernel, stride).data
    step = stride or kernel
    rows = range(0, shape[1] - kernel[0] + 1, step[0])
    columns = range(0, shape[2] - kernel[1] + 1, step[1])
    assert result.shape == (shape[0], len(rows), len(columns), shape[3])
    for i, r in enumerate(rows):
        for j, c in enumerate(columns):
            window = x[:, r : r + kernel[0], c : c + kernel[1]]
            np.testing.assert_allclose(result[:, i, j], window.mean(axis=(1, 2)), rtol=1e-9, atol=1e-12)


def test_the_global_average_is_one_number_for_each_channel_and_sample() -> None:
    x = np.random.default_rng(0).standard_normal((3, 4, 5, 2))
    np.testing.assert_allclose(ops.global_avg_pool(Tensor(x)).data, x.mean(axis=(1, 2)), rtol=1e-12)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: ops.avg_pool2d(x[0], 2), r"avg_pool2d\(float32\[2, 3, 1\]\): .*expected \(C, H, W, N\)"),
        (lambda x: ops.global_avg_pool(x[0]), r"x has shape \(2, 3, 1\), expected \(C, H, W, N\)"),
        (lambda x: ops.avg_pool2d(x, 3), r"window \(3, 3\) does not fit into images of 2 x 3"),
        (lambda x: ops.avg_pool2d(x, 0), "kernel_size is 0, expected a positive integer"),
        (lambda x: ops.avg_pool2d(x, 2, stride=(1, -1)), r"stride is \(1, -1\), expected a positive integer"),
        (lambda x: ops.avg_pool2d(x, (2, 2, 2)), "or a pair"),
    ],
)
def test_errors(call, message) -> None:
    with pytest.raises(ValueError, match=message):
        call(Tensor(np.ones((1, 2, 3, 1), np.float32)))
