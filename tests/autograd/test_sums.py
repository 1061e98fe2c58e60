"""Sums and means of up to a million float32 numbers keep their digits, over whatever axes they are taken."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minizerofl import Tensor, ops
from minizerofl.autograd.op import unbroadcast

SHAPES = st.sampled_from([(1_000_000,), (500_000, 2), (2, 500_000), (1000, 1000), (5, 200_000, 1), (4, 250, 250, 4)])


@st.composite
def arrays(draw: st.DrawFn) -> tuple[np.ndarray, tuple[int, ...]]:
    """A million numbers far from zero, whole, transposed or with gaps in memory, and the axes to reduce."""
    shape, seed, mean = draw(SHAPES), draw(st.integers(0, 99)), draw(st.sampled_from([1.0, 1e3, -1e6]))
    x = (mean + np.random.default_rng(seed).uniform(0, 1, shape)).astype(np.float32)
    x = draw(st.sampled_from([x, x.T, np.asfortranarray(x), x[::2], x[..., : max(1, shape[-1] // 2)]]))
    every = [axes for n in range(1, x.ndim + 1) for axes in itertools.combinations(range(x.ndim), n)]
    return x, draw(st.sampled_from(every))


@pytest.mark.parametrize(("op", "exact"), [(ops.sum, np.sum), (ops.mean, np.mean)])
@settings(max_examples=30)
@given(case=arrays(), keepdims=st.booleans())
def test_sums_and_means_over_any_axes(op, exact, case, keepdims) -> None:
    x, axes = case
    result = op(Tensor(x), axis=axes, keepdims=keepdims).data
    np.testing.assert_allclose(result, exact(x.astype(np.float64), axis=axes, keepdims=keepdims), rtol=1e-6)
    assert result.dtype == np.float32


@settings(max_examples=30)
@given(arrays())
def test_the_gradient_of_what_was_broadcast(case) -> None:
    x, axes = case
    shape = tuple(1 if a in axes else n for a, n in enumerate(x.shape))
    np.testing.assert_allclose(unbroadcast(x, shape), x.astype(np.float64).sum(axis=axes, keepdims=True), rtol=1e-6)


def test_a_softmax_over_many_classes() -> None:
    logits = np.zeros((1_000_000, 2), np.float32)
    logits[0] = 5
    expected = np.log(np.exp(5.0) + 999_999) - 5
    assert ops.cross_entropy(Tensor(logits), np.array([0, 0])).item() == pytest.approx(expected, rel=1e-6)
    x, dy = Tensor(logits, requires_grad=True), np.full(logits.shape, 0.1, np.float32)
    ops.log_softmax(x).backward(dy)
    np.testing.assert_allclose(x.grad[0], 0.1 - 1e5 * np.exp(-expected), rtol=1e-5)


def test_averages_over_large_images() -> None:
    x = (1000 + np.random.default_rng(0).uniform(0, 1, (2, 500, 500, 2))).astype(np.float32)
    exact = x.astype(np.float64).mean(axis=(1, 2))
    np.testing.assert_allclose(ops.global_avg_pool(x).data, exact, rtol=1e-6)
    whole = ops.avg_pool2d(x[:, :100, :100], 100).data[:, 0, 0]
    np.testing.assert_allclose(whole, x[:, :100, :100].astype(np.float64).mean(axis=(1, 2)), rtol=1e-6)


def test_the_gradient_of_a_bias_that_lies_column_by_column() -> None:
    dy = (1 + np.random.default_rng(0).uniform(0, 1, (500_000, 2))).astype(np.float32)
    one, w = np.ones((1, 500_000), np.float32), np.ones((1, 2), np.float32)
    for linear in (ops.linear, lambda x, w, b: ops.sparse_linear(x, w, b, sparsity=0.5, path="dense")):
        b = Tensor(np.zeros(2, np.float32), requires_grad=True)
        ops.transpose(linear(one, w, b)).backward(dy)
        np.testing.assert_allclose(b.grad, dy.astype(np.float64).sum(axis=0), rtol=1e-6)
