"""The reverse sweep: every node once, deep and wide graphs alike."""

import numpy as np
import pytest

from minizerofl import Tensor
from minizerofl.autograd import Op, ops
from minizerofl.autograd.sweep import topological_order


def test_a_sum_doubled_thirty_times_is_swept_once_per_node() -> None:
    x = Tensor(1.0, requires_grad=True)
    y = x
    for _ in range(30):
        y = y + y
    assert len(topological_order(y)) == 31
    y.backward()
    assert x.grad == 2.0**30
    assert x.grad.dtype == np.float32


def test_a_chain_of_ten_thousand_nodes_breaks_no_recursion() -> None:
    x = Tensor([1.0], requires_grad=True)
    y = x
    for _ in range(10_000):
        y = y + 1
    y.backward()
    assert x.grad.tolist() == [1]
    for _ in range(10_000):
        y = x + y
    del y  # and so is a graph that was never swept


def test_inputs_come_before_what_is_made_from_them() -> None:
    x = Tensor([2.0], requires_grad=True)
    a = x * 3
    b = a * x
    c = a + b
    order = topological_order(c)
    assert [id(t) for t in order] == [id(x), id(a), id(b), id(c)]


def test_a_diamond_adds_both_ways() -> None:
    x = Tensor([2.0], requires_grad=True)
    a = x * x
    (a * a + a).sum().backward()  # x^4 + x^2
    assert x.grad.tolist() == [4 * 8 + 2 * 2]


def test_one_tensor_twice_in_one_op() -> None:
    x = Tensor([1.0, 2.0], requires_grad=True)
    ops.concatenate([x, x * 2, x]).sum().backward()
    assert x.grad.tolist() == [4, 4]


def test_two_leaves_that_are_handed_one_array_do_not_share_a_total() -> None:
    x, y = Tensor([1.0], requires_grad=True), Tensor([1.0], requires_grad=True)
    (x + y).backward()
    (x * 5).backward()
    assert x.grad.tolist() == [6]
    assert y.grad.tolist() == [1]


def test_a_second_backward_is_an_error_that_names_the_op() -> None:
    x = Tensor([1.0], requires_grad=True)
    y = ops.tanh(x)
    z = y * 2
    z.backward()
    with pytest.raises(RuntimeError, match="mul: backward was called a second time"):
        z.backward()
    with pytest.raises(RuntimeError, match="tanh: backward was called a second time"):
        (y + 1).backward()
    assert x.grad is not None


def test_what_needs_no_gradient_gets_none() -> None:
    x, w = Tensor([1.0]), Tensor([2.0], requires_grad=True)
    (x * w).backward()
    assert x.grad is None
    assert w.grad.tolist() == [1]
    with pytest.raises(RuntimeError, match="nothing that requires a gradient"):
        (x * x).backward()


def test_an_op_that_forgets_a_gradient_is_an_error() -> None:
    class Forgetful(Op):
        name = "forgetful"

        @staticmethod
        def forward(node, x, y):
            return x + y

        @staticmethod
        def backward(node, grad):
            return grad, None

    x = Tensor([1.0], requires_grad=True)
    Forgetful.apply(x, Tensor([1.0])).backward()
    with pytest.raises(RuntimeError, match="forgetful: backward returned None"):
        Forgetful.apply(x, x * 2).backward()
