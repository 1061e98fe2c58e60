"""Group normalisation: moments of its result, and its two limits."""

import numpy as np
import pytest

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
