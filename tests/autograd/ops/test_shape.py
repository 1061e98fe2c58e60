"""Ops that only move elements: values, views, repeated indices."""

import numpy as np
import pytest

from minizerofl import Tensor
from minizerofl.autograd import ops

X = np.arange(24, dtype=np.float32).reshape(2, 3, 4)


def test_values() -> None:
    x = Tensor(X)
    for result, expected in [
        (ops.reshape(x, (4, -1)), X.reshape(4, 6)),
        (ops.transpose(x, (2, 0, 1)), X.transpose(2, 0, 1)),
        (ops.transpose(x, (-1, 0, 1)), X.transpose(2, 0, 1)),
        (ops.transpose(x), X.T),
        (ops.concatenate([x, x * 2], axis=-1), np.concatenate([X, X * 2], axis=-1)),
        (ops.pad(x, [(0, 0), (1, 0), (0, 2)], value=9), np.pad(X, [(0, 0), (1, 0), (0, 2)], constant_values=9)),
        (ops.pad(x, 1), np.pad(X, 1)),
        (ops.pad(x, (1, 2)), np.pad(X, (1, 2))),
        (x[1, [0, 2]], X[1, [0, 2]]),
        (x[X > 5], X[X > 5]),
    ]:
        np.testing.assert_array_equal(result.data, expected)


def test_an_element_picked_twice_gets_both_gradients() -> None:
    x = Tensor([1.0, 2.0, 3.0], requires_grad=True)
    x[[0, 0, 2]].backward([1.0, 10.0, 100.0])
    assert x.grad.tolist() == [11, 0, 100]


def test_an_index_array_may_be_used_again_before_backward() -> None:
    x, index = Tensor([1.0, 2.0], requires_grad=True), np.array([0])
    y = x[index]
    index[0] = 1
    y.backward()
    assert x.grad.tolist() == [1, 0]


def test_an_integer_index_and_a_slice_have_a_gradient() -> None:
    x = Tensor(X, requires_grad=True)
    (x[1, 2, 3] + x[0].sum() + x[..., 0].sum()).backward()
    expected = np.zeros_like(X)
    expected[1, 2, 3] += 1
    expected[0] += 1
    expected[..., 0] += 1
    np.testing.assert_array_equal(x.grad, expected)


def test_mixed_dtypes_cannot_be_joined() -> None:
    with pytest.raises(TypeError, match="concatenate: input 1 is float64"):
        ops.concatenate([Tensor([1.0]), Tensor(np.ones(1))])


def test_the_axis_of_a_concatenation_is_an_integer() -> None:
    with pytest.raises(TypeError, match="NoneType"):
        ops.concatenate([Tensor([1.0])], axis=None)


def test_what_cannot_be_reshaped_says_so() -> None:
    with pytest.raises(ValueError, match=r"reshape\(float32\[2, 3, 4\]\)"):
        Tensor(X).reshape(5, 5)
