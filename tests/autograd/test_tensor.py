"""Tensor: what it accepts, who may write to it, and how long it lives."""

import threading
import weakref
from collections.abc import Callable

import numpy as np
import pytest

from minizerofl import Tensor, no_grad
from minizerofl.autograd import ops


def leaf(*values: float) -> Tensor:
    return Tensor(list(values), requires_grad=True)


def test_numbers_become_float32_and_float_arrays_keep_their_dtype() -> None:
    assert Tensor([1, 2]).dtype == np.float32
    assert Tensor(3.0).shape == ()
    assert Tensor(np.zeros(2)).dtype == np.float64
    assert Tensor(np.float32(1)).dtype == np.float32


@pytest.mark.parametrize("data", [np.arange(3), np.array([True]), np.array(["a"]), np.float16(1)])
def test_other_arrays_are_refused_with_advice(data: np.ndarray) -> None:
    with pytest.raises(TypeError, match=rf"dtype {data.dtype}.*expected float32 or float64.*astype"):
        Tensor(data)


def test_a_tensor_of_a_tensor_is_refused() -> None:
    with pytest.raises(TypeError, match="detach"):
        Tensor(Tensor([1.0]))


def test_data_is_copied_and_both_data_and_grad_are_read_only() -> None:
    array = np.ones(2, np.float32)
    x = Tensor(array, requires_grad=True)
    array[:] = 7
    assert x.data.tolist() == [1, 1]
    (x * 2).sum().backward()
    assert x.grad is not None
    for view in (x.data, x.grad):
        with pytest.raises(ValueError, match="read-only"):
            view[0] = 5
    x.numpy()[0] = 5  # a copy
    assert x.data.tolist() == [1, 1]


def test_assign_writes_in_place_and_checks_the_shape() -> None:
    x = leaf(1, 2)
    view = x.data
    x.assign_(np.array([3, 4]))
    assert view.tolist() == [3, 4]
    assert x.dtype == np.float32
    x.assign_(Tensor([5.0, 6.0]))
    assert view.tolist() == [5, 6]
    with pytest.raises(ValueError, match=r"\(1,\), expected \(2,\)"):
        x.assign_([1.0])
    with pytest.raises(RuntimeError, match="only leaves"):
        (x * 2).assign_([1.0, 2.0])


@pytest.mark.parametrize("use", [lambda x: x * x, lambda x: ops.linear(x, Tensor([[1.0]])), lambda x: ops.log(x)])
def test_a_write_between_forward_and_backward_is_an_error(use) -> None:
    x = Tensor([[1.0, 2.0]], requires_grad=True)
    loss = use(x).sum()
    x.assign_([[3.0, 4.0]])
    with pytest.raises(RuntimeError, match=r"(mul|linear|log): an input of shape \(1, 2\) was written to"):
        loss.backward()


def test_a_write_to_what_no_derivative_needs_is_allowed() -> None:
    x = leaf(1, 2)
    loss = (x + x).sum()
    x.assign_([3.0, 4.0])
    loss.backward()
    assert x.grad.tolist() == [2, 2]


@pytest.mark.parametrize(
    "view",
    [
        lambda x: x.reshape(4),
        lambda x: x.reshape(1, -1),
        lambda x: x.transpose(),
        lambda x: x.T,
        lambda x: x[0],
        lambda x: x[:, ::-1],
        lambda x: x.detach(),
        lambda x: x.detach().reshape((4, 1))[2:],
    ],
)
def test_a_view_shares_the_guard(view) -> None:
    x = Tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    looking = view(x)
    assert np.may_share_memory(looking.data, x.data)
    scale = Tensor(2.0, requires_grad=True)
    loss = (looking * scale).sum()
    x.assign_(np.zeros((2, 2)))
    with pytest.raises(RuntimeError, match=r"mul: .* was written to"):
        loss.backward()


def test_an_array_saved_as_a_view_of_an_input_is_guarded_too() -> None:
    x, one, zero = Tensor(np.ones((1, 1, 2, 2)), requires_grad=True), Tensor(np.ones(1)), Tensor(np.zeros(1))
    loss = ops.batch_norm(x, one, zero, np.zeros(1), np.ones(1)).sum()
    x.assign_(np.zeros(x.shape))
    with pytest.raises(RuntimeError, match=r"batch_norm: .* was written to"):
        loss.backward()


def test_a_write_through_a_detached_tensor_is_seen() -> None:
    x = leaf(1, 2)
    loss = (x * x).sum()
    x.detach().assign_([3.0, 4.0])
    assert x.data.tolist() == [3, 4]
    with pytest.raises(RuntimeError, match="written to"):
        loss.backward()


def test_gradients_add_up_over_backward_calls_until_they_are_zeroed() -> None:
    x = leaf(1)
    for expected in (2.0, 4.0):
        (x * x).backward()
        assert x.grad.tolist() == [expected]
    x.zero_grad()
    assert x.grad is None


def test_backward_needs_a_gradient_for_many_elements_and_checks_its_shape() -> None:
    x = leaf(1, 2)
    with pytest.raises(ValueError, match=r"shape \(2,\) needs a gradient"):
        (x * x).backward()
    with pytest.raises(ValueError, match=r"\(3,\), expected \(2,\)"):
        (x * x).backward([1.0, 2.0, 3.0])
    (x * x).backward([1.0, 10.0])
    (x * x).backward(Tensor([1.0, 10.0]))
    assert x.grad.tolist() == [4, 80]


def test_operators_and_methods_are_the_ops() -> None:
    a, b = Tensor([[1.0, 2.0], [3.0, 4.0]]), np.array([[2.0, 0.0], [1.0, 2.0]], np.float32)
    A = a.data
    for tensor, expected in [
        (a + b, A + b), (b + a, A + b), (a - 1, A - 1), (1 - a, 1 - A), (b - a, b - A), (a * b, A * b), (b * a, A * b),
        (a / 2, A / 2), (b / a, b / A), (a @ b, A @ b), (b @ a, b @ A), (-a, -A), (a**2, A**2),
        (a.sum(axis=0), A.sum(axis=0)), (a.mean(), A.mean()), (a.max(axis=-1), A.max(axis=-1)),
        (a[0, ::-1], A[0, ::-1]),
        (a.reshape(4), A.ravel()), (a.reshape((1, -1)), A.reshape(1, 4)), (a.transpose(1, 0), A.T), (a.T, A.T),
        (a.reshape(1, 2, 2).transpose((2, 0, 1)), A.reshape(1, 2, 2).transpose(2, 0, 1)),
    ]:  # fmt: skip
        assert isinstance(tensor, Tensor)
        np.testing.assert_array_equal(tensor.data, expected)
    assert [row.data.tolist() for row in a] == A.tolist()
    assert len(a) == 2


def test_no_grad_records_nothing_and_ends_with_its_block() -> None:
    x = leaf(1)
    with no_grad():
        with no_grad():
            pass
        y = x * x
    assert not y.requires_grad
    assert (x * x).requires_grad
    with pytest.raises(RuntimeError, match="nothing that requires a gradient"):
        y.backward()


def test_no_grad_of_one_thread_is_not_that_of_another() -> None:
    x, recorded = leaf(1), []
    inside, checked = threading.Event(), threading.Event()

    def evaluate() -> None:
        with no_grad():
            inside.set()
            checked.wait(timeout=60)
            recorded.append((x * x).requires_grad)

    thread = threading.Thread(target=evaluate)
    thread.start()
    inside.wait(timeout=60)
    recorded.append((x * x).requires_grad)
    checked.set()
    thread.join()
    assert recorded == [True, False]


def test_training_steps_leave_no_tensor_behind_and_a_kept_loss_holds_no_graph(alive: Callable[[], int]) -> None:
    rng = np.random.default_rng(0)
    w, b = Tensor(rng.standard_normal((4, 3)), requires_grad=True), Tensor(np.zeros(3), requires_grad=True)
    before, losses = alive(), []
    for step in range(1, 4):
        x = Tensor(rng.standard_normal((4, 5)))
        hidden = ops.relu(ops.linear(x, w, b))
        loss = ops.cross_entropy(hidden, np.arange(5) % 3)
        loss.backward()
        losses.append(loss)
        watched = weakref.ref(hidden)
        del x, hidden, loss
        assert watched() is None
        assert alive() == before + step  # the losses kept, and nothing that they were made from
    losses.clear()
    assert alive() == before


def test_interior_tensors_have_no_gradient() -> None:
    x = leaf(2)
    y = x * x
    (y * 3).backward()
    assert y.grad is None
    assert not y.is_leaf


def test_item_repr_and_bool() -> None:
    assert Tensor([[2.5]]).item() == 2.5
    assert repr(leaf(1)) == "Tensor([1.], dtype=float32, requires_grad=True)"
    assert not Tensor(0.0)
    assert Tensor([1.0, 2.0]).size == 2
    assert Tensor([1.0, 2.0]).ndim == 1
