"""Arithmetic: values against NumPy, and the corners of pow."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import mutually_broadcastable_shapes

from minizerofl import Tensor
from minizerofl.autograd import ops


@pytest.mark.parametrize(
    ("op", "reference"), [(ops.add, np.add), (ops.sub, np.subtract), (ops.mul, np.multiply), (ops.div, np.divide)]
)
@given(shapes=mutually_broadcastable_shapes(num_shapes=2, max_dims=3, max_side=3))
def test_values_broadcast_as_in_numpy(op, reference, shapes) -> None:
    rng = np.random.default_rng(0)
    a, b = (rng.uniform(1, 2, shape).astype(np.float32) for shape in shapes.input_shapes)
    np.testing.assert_array_equal(op(Tensor(a), b).data, reference(a, b))


@pytest.mark.parametrize(("exponent", "gradient"), [(0, 0), (1, 1), (2, 0), (3, 0)])
def test_whole_powers_have_a_finite_gradient_at_zero(exponent, gradient) -> None:
    x = Tensor(0.0, requires_grad=True)
    ops.pow(x, exponent).backward()
    assert x.grad == gradient


def test_whole_powers_of_negative_numbers_have_the_right_sign() -> None:
    x = Tensor([-2.0], requires_grad=True)
    y = x**3
    y.backward()
    assert y.item() == -8
    assert x.grad.tolist() == [12]


def test_an_exponent_that_is_no_number_is_refused() -> None:
    with pytest.raises(TypeError, match="the exponent is a Tensor, expected a number"):
        ops.pow(Tensor([1.0]), Tensor([2.0]))
    with pytest.raises(TypeError, match=r"float\(\) argument"):
        ops.pow(Tensor([1.0]), [2.0])
