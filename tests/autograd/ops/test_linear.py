"""Matrix products: values against NumPy and errors that say what fits."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import mutually_broadcastable_shapes

from minizerofl import Tensor
from minizerofl.autograd import ops


@given(mutually_broadcastable_shapes(signature=np.matmul.signature, max_dims=2, max_side=3))
def test_matmul_is_numpys(shapes) -> None:
    rng = np.random.default_rng(0)
    a, b = (rng.standard_normal(shape) for shape in shapes.input_shapes)
    result = ops.matmul(Tensor(a), Tensor(b)).data
    assert result.shape == shapes.result_shape
    np.testing.assert_allclose(result, np.matmul(a, b), rtol=1e-12)


def test_linear_is_the_textbook_equation() -> None:
    rng = np.random.default_rng(0)
    x, w, b = rng.standard_normal((4, 5)), rng.standard_normal((4, 3)), rng.standard_normal(3)
    result = ops.linear(Tensor(x), Tensor(w), Tensor(b)).data
    for n in range(5):
        np.testing.assert_allclose(result[:, n], w.T @ x[:, n] + b, rtol=1e-12)


@pytest.mark.parametrize(
    ("x", "w", "b", "message"),
    [
        ((5, 2), (4, 3), (3,), r"x has shape \(5, 2\), expected \(4, N\)"),
        ((1, 2, 2, 2), (4, 3), (3,), r"x has shape \(1, 2, 2, 2\), expected \(4, N\).*flatten"),
        ((4, 2), (4,), None, r"w has shape \(4,\), expected \(in, out\)"),
        ((4, 2), (4, 3), (4,), r"b has shape \(4,\), expected \(3,\)"),
        ((4, 2), (4, 3), (3, 1), r"b has shape \(3, 1\), expected \(3,\)"),
    ],
)
def test_errors(x, w, b, message) -> None:
    with pytest.raises(ValueError, match=rf"linear\(.*\): {message}"):
        ops.linear(Tensor(np.ones(x)), Tensor(np.ones(w)), None if b is None else Tensor(np.ones(b)))
