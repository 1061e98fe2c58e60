"""Group normalisation: moments of its result, and its two limits."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minizerofl import Tensor
from minizerofl.autograd import ops

RNG = np.random.default_rng(0)
X = RNG.standard_normal((6, 4, 5, 3)) * 3 + 1
ONE, ZERO = Tensor(np.ones(6)), Tensor(np.zeros(6))


@pytest.mark.parametrize("groups", [1, 2, 3, 6])
def test_each_group_of_each_sample_has_mean_zero_and_variance_one(groups) -> None:
    y = ops.group_norm(Tensor(X), groups, ONE, ZERO).data.reshape(groups, -1, 3)
    np.testing.assert_allclose(y.mean(axis=1), 0, atol=1e-12)
    np.testing.assert_allclose(y.var(axis=1), 1, rtol=1e-4)


def test_scale_and_shift_are_per_channel() -> None:
    w, b = RNG.standard_normal(6), RNG.standard_normal(6)
    plain = ops.group_norm(Tensor(X), 2, ONE, ZERO).data
    expected = plain * w[:, None, None, None] + b[:, None, None, None]
    np.testing.assert_allclose(ops.group_norm(Tensor(X), 2, Tensor(w), Tensor(b)).data, expected, rtol=1e-9)


def test_a_sample_does_not_see_its_batch() -> None:
    whole = ops.group_norm(Tensor(X), 3, ONE, ZERO).data
    alone = ops.group_norm(Tensor(X[..., 1:2]), 3, ONE, ZERO).data
    np.testing.assert_allclose(whole[..., 1:2], alone, rtol=1e-9, atol=1e-12)


@settings(max_examples=10)
@given(
    shape=st.sampled_from([(4, 250, 250, 4), (2, 700, 700, 1), (1000, 10, 10, 10)]),
    groups=st.sampled_from([1, 2]),
    mean=st.sampled_from([0.0, 100.0, -1e4]),
    seed=st.integers(0, 99),
)
def test_a_million_float32_numbers_far_from_zero_give_what_float64_gives(shape, groups, mean, seed) -> None:
    rng = np.random.default_rng(seed)
    x = (mean + rng.standard_normal(shape)).astype(np.float32)
    w, b = (rng.uniform(0.5, 2, shape[0]).astype(np.float32) for _ in range(2))
    dy = (1 + rng.standard_normal(shape)).astype(np.float32)
    results = []
    for dtype in (np.float32, np.float64):
        inputs = [Tensor(a.astype(dtype), requires_grad=True) for a in (x, w, b)]
        y = ops.group_norm(inputs[0], groups, *inputs[1:])
        y.backward(dy.astype(dtype))
        results.append([y.data, *(t.grad for t in inputs)])
    for ours, exact in zip(*results, strict=True):
        assert ours.dtype == np.float32
        terms = 1 if exact.ndim > 1 else x[0].size  # those of a parameter's gradient may nearly cancel
        np.testing.assert_allclose(ours, exact, rtol=1e-6, atol=max(2e-6 * np.abs(exact).max(), 2e-7 * terms))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ops.group_norm(Tensor(X), 4, ONE, ZERO), "groups is 4, expected a divisor of the 6 channels"),
        (lambda: ops.group_norm(Tensor(X), 0, ONE, ZERO), "groups is 0"),
        (lambda: ops.group_norm(Tensor(X[0]), 2, ONE, ZERO), r"expected \(C, H, W, N\)"),
        (lambda: ops.group_norm(Tensor(X), 2, ONE[:5], ZERO), r"w has shape \(5,\), expected \(6,\)"),
        (lambda: ops.group_norm(Tensor(X), 2, ONE, ZERO[:5]), r"b has shape \(5,\), expected \(6,\)"),
    ],
)
def test_errors(call, message) -> None:
    with pytest.raises(ValueError, match=message):
        call()
