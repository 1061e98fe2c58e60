"""Elementwise ops: values, kinks and extremes (gradients at ordinary points: test_gradcheck_table.py)."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minizerofl import Tensor
from minizerofl.autograd import ops

moderate = st.floats(0.125, 8, width=32)


@pytest.mark.parametrize(
    ("op", "reference"),
    [(ops.exp, np.exp), (ops.log, np.log), (ops.sqrt, np.sqrt), (ops.tanh, np.tanh), (ops.relu, lambda x: max(x, 0.0))],
)
@given(x=moderate)
def test_values(op, reference, x) -> None:
    assert op(Tensor(x)).item() == pytest.approx(float(reference(x)), rel=1e-6, abs=1e-7)


def test_relu_has_derivative_zero_at_zero_and_passes_nan() -> None:
    x = Tensor([-1.0, -0.0, 0.0, 1e-30, 2.0], requires_grad=True)
    ops.relu(x).sum().backward()
    assert x.grad.tolist() == [0, 0, 0, 1, 1]
    assert np.isnan(ops.relu(Tensor(np.nan)).item())


@pytest.mark.parametrize("op", [ops.sigmoid, ops.tanh])
def test_squashing_neither_overflows_nor_warns_nor_loses_its_gradient_to_nan(op) -> None:
    x = Tensor([-1e4, -100.0, 0.0, 100.0, 1e4], requires_grad=True)
    y = op(x)
    y.sum().backward()
    assert np.all(np.diff(y.data) >= 0)
    assert y.data[-1] == 1
    assert np.all(np.isfinite(x.grad))


@given(st.floats(-80, 80, width=32))
def test_sigmoid_is_accurate_on_both_sides(x) -> None:
    assert ops.sigmoid(Tensor(x)).item() == pytest.approx(1 / (1 + np.exp(-np.float64(x))), rel=1e-5)
