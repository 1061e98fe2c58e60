"""Batch normalisation: moments, running moments and the two modes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minizerofl import Tensor, gradcheck, ops


def vectors(channels: int, seed: int = 0, dtype: type = np.float32) -> list[np.ndarray]:
    """w, b, running_mean, running_var."""
    rng = np.random.default_rng(seed)
    return [rng.uniform(0.5, 2, channels).astype(dtype) for _ in range(4)]


@given(st.integers(0, 2**32 - 1), st.tuples(*[st.integers(1, 4)] * 3, st.integers(2, 6)))
def test_training_normalises_and_moves_the_running_moments(seed: int, shape: tuple[int, ...]) -> None:
    x = (5 + 3 * np.random.default_rng(seed).standard_normal(shape)).astype(np.float32)
    w, b, mean, var = vectors(shape[0], seed)
    old_mean, old_var = mean.copy(), var.copy()
    y = ops.batch_norm(x, w, b, mean, var, training=True, momentum=0.25).data
    axes = (1, 2, 3)
    batch_mean, batch_var = x.mean(axis=axes), x.var(axis=axes)
    column = (slice(None), None, None, None)
    expected = w[column] * (x - batch_mean[column]) / np.sqrt(batch_var[column] + 1e-5) + b[column]
    np.testing.assert_allclose(y, expected, rtol=1e-3, atol=1e-3)
    count = x[0].size
    np.testing.assert_allclose(mean, 0.75 * old_mean + 0.25 * batch_mean, rtol=1e-4)
    np.testing.assert_allclose(var, 0.75 * old_var + 0.25 * batch_var * count / (count - 1), rtol=1e-3)
    assert mean.dtype == var.dtype == np.float32


def test_evaluation_uses_the_running_moments_and_leaves_them() -> None:
    x = np.random.default_rng(0).standard_normal((3, 2, 2, 4)).astype(np.float32)
    w, b, mean, var = vectors(3)
    old = mean.copy(), var.copy()
    y = ops.batch_norm(x, w, b, mean, var, training=False).data
    column = (slice(None), None, None, None)
    expected = w[column] * (x - mean[column]) / np.sqrt(var[column] + 1e-5) + b[column]
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(old, (mean, var))


def test_evaluation_has_a_gradient_too() -> None:
    x = np.random.default_rng(0).standard_normal((3, 2, 2, 4))
    w, b, mean, var = vectors(3, dtype=np.float64)
    assert gradcheck(lambda *t: ops.batch_norm(*t, mean, var, training=False), [x, w, b])


@pytest.mark.parametrize("training", [True, False])
@given(seed=st.integers(0, 2**32 - 1))
def test_the_gradient_passes_where_the_relu_let_something_pass(training: bool, seed: int) -> None:
    rng = np.random.default_rng(seed)
    w, b, mean, var = vectors(4, seed)
    kink = (mean - b * np.sqrt(var + np.float32(1e-5)) / w)[:, None, None, None]  # where y is zero but for rounding
    x = kink * (1 + rng.integers(-4, 5, (4, 8, 8, 4)) * 2.0**-24).astype(np.float32)
    if training:  # the moments of the batch are those of the running ones, almost
        x = np.concatenate([x, rng.normal(mean, np.sqrt(var), (64, 8, 8, 4)).transpose(3, 1, 2, 0)], axis=3)
    inputs = [Tensor(a.astype(np.float32), requires_grad=True) for a in (x, w, b, np.zeros_like(x))]
    for residual in (None, inputs[3]):
        y = ops.batch_norm(*inputs[:3], mean.copy(), var.copy(), training=training, residual=residual, relu=True)
        y.backward(np.ones(x.shape, np.float32))
        np.testing.assert_array_equal(inputs[2].grad, np.count_nonzero(y.data > 0, axis=(1, 2, 3)))
        inputs[2].zero_grad()


def test_a_large_mean_costs_no_precision() -> None:
    x = (1e4 + np.random.default_rng(0).standard_normal((1, 8, 8, 64))).astype(np.float32)
    one = np.ones(1, np.float32)
    y = ops.batch_norm(x, one, 0 * one, 0 * one, one.copy()).data
    assert abs(y.std() - 1) < 1e-2


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("relu", [True, False])
@pytest.mark.parametrize("adds", [True, False])
def test_a_residual_and_a_relu_in_the_same_pass_are_what_they_are_apart(training: bool, relu: bool, adds: bool) -> None:
    rng = np.random.default_rng(0)
    w, b, mean, var = vectors(3, dtype=np.float64)
    arrays = [rng.standard_normal((3, 4, 4, 5)), w, b, rng.standard_normal((3, 4, 4, 5))]
    dy = rng.standard_normal((3, 4, 4, 5))

    def together(x: Tensor, w: Tensor, b: Tensor, r: Tensor) -> Tensor:
        extra = r if adds else None
        return ops.batch_norm(x, w, b, mean.copy(), var.copy(), training=training, residual=extra, relu=relu)

    def apart(x: Tensor, w: Tensor, b: Tensor, r: Tensor) -> Tensor:
        y = ops.batch_norm(x, w, b, mean.copy(), var.copy(), training=training)
        y = y + r if adds else y
        return ops.relu(y) if relu else y

    results = []
    for function in (together, apart):
        inputs = [Tensor(a, requires_grad=True) for a in arrays]
        y = function(*inputs)
        y.backward(dy)
        results.append([y.data, *(t.grad for t in inputs if t.grad is not None)])
    assert len(results[0]) == len(results[1]) == 4 + adds
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-12)


def test_a_residual_of_another_shape_is_refused() -> None:
    with pytest.raises(ValueError, match="residual has shape"):
        ops.batch_norm(np.zeros((3, 2, 2, 2), np.float32), *vectors(3), residual=np.zeros((3, 2, 2, 1), np.float32))


@pytest.mark.parametrize("wrong", range(4))
def test_errors_name_the_vector_that_does_not_fit(wrong: int) -> None:
    arguments = vectors(3)
    arguments[wrong] = np.ones(2, np.float32)
    name = ("w", "b", "running_mean", "running_var")[wrong]
    with pytest.raises(ValueError, match=rf"batch_norm.*{name} has shape \(2,\), expected \(3,\)"):
        ops.batch_norm(Tensor(np.zeros((3, 2, 2, 2), np.float32)), *arguments)
