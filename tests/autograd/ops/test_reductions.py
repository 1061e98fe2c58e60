"""Reductions: values against NumPy, and to whom a tie pays."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minizerofl import Tensor
from minizerofl.autograd import ops

axes = st.none() | st.integers(-3, 2) | st.lists(st.integers(0, 2), unique=True).map(tuple)


@pytest.mark.parametrize(("op", "reference"), [(ops.sum, np.sum), (ops.mean, np.mean), (ops.max, np.max)])
@given(axis=axes, keepdims=st.booleans(), seed=st.integers(0, 99))
def test_values(op, reference, axis, keepdims, seed) -> None:
    x = np.random.default_rng(seed).standard_normal((2, 3, 4))
    expected = reference(x, axis=axis, keepdims=keepdims)
    result = op(Tensor(x), axis=axis, keepdims=keepdims).data
    assert result.shape == np.shape(expected)
    np.testing.assert_allclose(result, expected, rtol=1e-12, atol=1e-14)


@given(
    axis=axes,
    x=st.lists(st.integers(0, 2), min_size=24, max_size=24).map(lambda v: np.array(v, np.float32).reshape(2, 3, 4)),
)
def test_of_equal_maxima_the_first_one_gets_the_whole_gradient(axis, x) -> None:
    t = Tensor(x, requires_grad=True)
    ops.max(t, axis=axis).sum().backward()
    reduced = {a % 3 for a in (range(3) if axis is None else np.atleast_1d(np.array(axis, int)))}
    expected = np.zeros_like(x)
    for kept in np.ndindex(*(1 if a in reduced else n for a, n in enumerate(x.shape))):
        group = [p for p in np.ndindex(x.shape) if all(a in reduced or p[a] == kept[a] for a in range(3))]
        expected[max(group, key=lambda p: x[p])] = 1  # max() takes the first; ndindex walks in C order
    np.testing.assert_array_equal(t.grad, expected)


def test_a_maximum_passes_nan_on() -> None:
    assert np.isnan(ops.max(Tensor([1.0, np.nan, 3.0])).item())


def test_a_mean_over_two_axes_has_no_silent_zero() -> None:
    x = Tensor(np.ones((2, 3, 4), np.float32), requires_grad=True)
    x.mean(axis=(0, 2)).sum().backward()
    np.testing.assert_array_equal(x.grad, np.full((2, 3, 4), np.float32(1 / 8)))


def test_float32_sums_over_the_batch_stay_accurate() -> None:
    x = np.random.default_rng(0).uniform(size=(2, 100_000)).astype(np.float32)
    np.testing.assert_allclose(Tensor(x).sum(axis=1).data, x.astype(np.float64).sum(axis=1), rtol=1e-6)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: x.sum(axis=2), "axis is 2, expected axes from -2 to 1"),
        (lambda x: x.mean(axis=(0, -2)), r"axis \(0, -2\) names an axis twice"),
        (lambda x: x.max(axis=(0, 5)), r"axis is \(0, 5\)"),
        (lambda x: x[:0].mean(), "mean of no values"),
        (lambda x: x[:0].max(), "empty sequence"),
    ],
)
def test_errors(call, message) -> None:
    with pytest.raises(ValueError, match=message):
        call(Tensor([[1.0, 2.0]]))
