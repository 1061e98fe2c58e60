"""The loss: against its definition, at extreme logits, and with bad labels."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minizerofl import Tensor
from minizerofl.autograd import ops


@given(st.integers(1, 5), st.integers(1, 5), st.integers(0, 999))
def test_cross_entropy_is_its_definition(classes, N, seed) -> None:
    rng = np.random.default_rng(seed)
    x, labels = rng.standard_normal((classes, N)), rng.integers(classes, size=N)
    probabilities = np.exp(x) / np.exp(x).sum(axis=0)
    expected = -np.mean([np.log(probabilities[labels[n], n]) for n in range(N)])
    assert ops.cross_entropy(Tensor(x), labels).item() == pytest.approx(expected, abs=1e-12)
    np.testing.assert_allclose(np.exp(ops.log_softmax(Tensor(x)).data), probabilities, rtol=1e-9)


def test_the_gradient_is_softmax_minus_one_hot() -> None:
    x = Tensor(np.zeros((4, 2), np.float32), requires_grad=True)
    ops.cross_entropy(x, np.array([0, 3])).backward()
    expected = np.full((4, 2), 0.25)
    expected[0, 0] -= 1
    expected[3, 1] -= 1
    np.testing.assert_allclose(x.grad, expected / 2)


def test_huge_logits_neither_overflow_nor_warn() -> None:
    x = Tensor([[1e30, -1e30], [-1e30, 1e30]], requires_grad=True)
    loss = ops.cross_entropy(x, np.array([0, 0]))
    loss.backward()
    assert loss.item() == pytest.approx(1e30, rel=1e-6)
    assert x.grad.tolist() == [[0, -0.5], [0, 0.5]]


def test_a_uniform_guess_costs_log_classes() -> None:
    loss = ops.cross_entropy(Tensor(np.zeros((62, 10), np.float32)), np.arange(10))
    assert loss.shape == ()
    assert loss.item() == pytest.approx(np.log(62), rel=1e-6)


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.int64])
def test_labels_of_any_integer_kind_will_do_and_are_copied(dtype) -> None:
    labels = np.array([1, 0], dtype)
    x = Tensor([[0.0, 1.0], [2.0, 3.0]], requires_grad=True)
    loss = ops.cross_entropy(x, labels)
    labels[:] = 0
    loss.backward()
    assert x.grad[1, 0] < 0 < x.grad[0, 0]


@pytest.mark.parametrize(
    ("labels", "error", "message"),
    [
        (np.array([0, 2, 5]), ValueError, "label 2 at position 1 is out of range, expected 0 to 1"),
        (np.array([0, 1, -1]), ValueError, "label -1 at position 2 is out of range"),
        (np.array([0, 1]), ValueError, r"labels have shape \(2,\), expected \(3,\)"),
        (np.eye(3, dtype=int), ValueError, r"labels have shape \(3, 3\)"),
        (np.array([0.0, 1.0, 1.0]), TypeError, "labels are float64, expected a NumPy array of integers"),
        (np.array([True, False, True]), TypeError, "labels are bool"),
        ([0, 1, 1], TypeError, "labels are list"),
        (Tensor([0.0, 1.0, 1.0]), TypeError, "labels are Tensor"),
    ],
)
def test_bad_labels(labels, error, message) -> None:
    with pytest.raises(error, match=rf"cross_entropy\(float32\[2, 3\]\): {message}"):
        ops.cross_entropy(Tensor(np.zeros((2, 3), np.float32)), labels)


@pytest.mark.parametrize("shape", [(3,), (2, 3, 1), (2, 0)])
def test_bad_logits(shape) -> None:
    with pytest.raises(ValueError, match=r"expected \(classes, N\)"):
        ops.cross_entropy(Tensor(np.zeros(shape, np.float32)), np.zeros(shape[-1], int))


def test_log_softmax_needs_an_axis() -> None:
    with pytest.raises(ValueError, match="single number"):
        ops.log_softmax(Tensor(1.0))
