"""The Op base class: dtypes, broadcasting and messages."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import mutually_broadcastable_shapes

from minizerofl import Tensor
from minizerofl.autograd import Op, ops
from minizerofl.autograd.op import unbroadcast

SCALARS = [2, 2.0, True, np.float64(2), np.float32(2), np.int64(2), np.array(2.0), np.array(2)]
BINARY = [ops.add, ops.sub, ops.mul, ops.div]


@pytest.mark.parametrize("op", BINARY)
@pytest.mark.parametrize("scalar", SCALARS, ids=repr)
@pytest.mark.parametrize("shape", [(), (3,)])
def test_scalars_of_any_kind_leave_float32_alone(op, scalar, shape) -> None:
    for operands in ((0, 1), (1, 0)):
        x = Tensor(np.ones(shape, np.float32), requires_grad=True)
        y = op(*((x, scalar)[i] for i in operands))
        assert y.dtype == np.float32
        y.backward(np.ones(shape))
        assert x.grad.dtype == np.float32
        assert x.grad.shape == shape


@pytest.mark.parametrize("scalar", [s for s in SCALARS if not isinstance(s, bool)], ids=repr)
def test_scalar_operators_leave_float32_alone(scalar) -> None:
    x = Tensor([4.0, 1.0])
    for y in (
        scalar * x,
        x * scalar,
        scalar + x,
        x + scalar,
        scalar - x,
        x - scalar,
        scalar / x,
        x / scalar,
        x**scalar,
    ):
        assert isinstance(y, Tensor)
        assert y.dtype == np.float32


def test_a_list_of_numbers_takes_on_the_dtype() -> None:
    assert (Tensor([1.0, 2.0]) * [1, 2]).dtype == np.float32
    assert (Tensor(np.zeros(2)) * [1, 2]).dtype == np.float64
    assert ops.add(1, 2).dtype == np.float32


@pytest.mark.parametrize("op", [*BINARY, ops.matmul])
def test_an_integer_array_is_refused(op) -> None:
    with pytest.raises(TypeError, match=rf"{op.__name__}: input 1 is an array of int64"):
        op(Tensor([1.0, 2.0]), np.array([1, 2]))
    with pytest.raises(TypeError, match=rf"{op.__name__}: input 0 is an array of int64"):
        op(np.array([1, 2]), Tensor([1.0, 2.0]))


@pytest.mark.parametrize("operand", ["two", 1j, [[1.0], [1.0, 2.0]], object()], ids=lambda o: type(o).__name__)
def test_what_is_no_number_is_refused(operand) -> None:
    with pytest.raises(TypeError, match=f"mul: input 1 is a {type(operand).__name__}, expected a Tensor or floats"):
        ops.mul(Tensor([1.0, 2.0]), operand)


@pytest.mark.parametrize("other", [Tensor(np.ones(2)), np.ones(2)], ids=["tensor", "array"])
def test_float32_and_float64_do_not_mix(other) -> None:
    with pytest.raises(TypeError, match="mul: input 1 is float64, but another is float32"):
        Tensor([1.0, 2.0]) * other


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Tensor([1.0, 2.0]) + Tensor([1.0, 2.0, 3.0]), r"add\(float32\[2\], float32\[3\]\)"),
        (lambda: Tensor([[1.0, 2.0]]) @ Tensor([[1.0]]), r"matmul\(float32\[1, 2\], float32\[1, 1\]\)"),
        (lambda: Tensor([1.0]).reshape(2), r"reshape\(float32\[1\]\)"),
        (lambda: Tensor([1.0]).transpose(1, 0), r"transpose\(float32\[1\]\)"),
        (lambda: Tensor([1.0])[3], r"getitem\(float32\[1\]\)"),
        (lambda: Tensor([1.0])[0.5], r"getitem\(float32\[1\]\)"),
        (lambda: ops.linear(Tensor([[1.0]]), Tensor([[1.0]]), None) @ Tensor(1.0), "matmul"),
        (lambda: ops.concatenate([Tensor([1.0]), Tensor([[1.0]])]), r"concatenate\(float32\[1\], float32\[1, 1\]\)"),
        (lambda: ops.concatenate([]), r"concatenate\(\)"),
        (lambda: ops.pad(Tensor([1.0]), -1), r"pad\(float32\[1\]\)"),
        (lambda: Tensor([1.0]).sum(axis=1), r"sum\(float32\[1\]\): axis is 1, expected axes from -1 to 0"),
    ],
)
def test_errors_name_the_op_and_the_shapes(call, message) -> None:
    with pytest.raises((ValueError, IndexError), match=message):
        call()


def test_an_op_that_changes_the_dtype_is_an_error() -> None:
    class Widening(Op):
        name = "widening"

        @staticmethod
        def forward(node, x):
            return x.astype(np.float64)

    class Narrow(Op):
        name = "narrow"

        @staticmethod
        def forward(node, x):
            return x * 2

        @staticmethod
        def backward(node, grad):
            return (grad.astype(np.float64),)

    with pytest.raises(TypeError, match="widening: the result is float64"):
        Widening.apply(Tensor([1.0]))
    with pytest.raises(RuntimeError, match="narrow: backward returned float64"):
        Narrow.apply(Tensor([1.0], requires_grad=True)).backward()


def test_an_op_without_one_of_its_passes_says_so() -> None:
    class Nothing(Op):
        pass

    class Half(Op):
        @staticmethod
        def forward(node, x):
            return x * 2

    with pytest.raises(NotImplementedError, match=r"Nothing defines no forward\(node, \*arrays\)"):
        Nothing.apply(Tensor([1.0]))
    with pytest.raises(NotImplementedError, match=r"Half defines no backward\(node, grad\)"):
        Half.apply(Tensor([1.0], requires_grad=True)).backward()


def test_an_op_that_returns_the_wrong_number_of_gradients_is_an_error() -> None:
    class Short(Op):
        name = "short"

        @staticmethod
        def forward(node, x, y):
            return x + y

        @staticmethod
        def backward(node, grad):
            return (grad,)

    with pytest.raises(RuntimeError, match="short: backward returned 1 gradients for 2 inputs"):
        Short.apply(Tensor([1.0], requires_grad=True), 1.0).backward()


@given(mutually_broadcastable_shapes(num_shapes=2, max_dims=4, max_side=3))
def test_unbroadcast_is_the_adjoint_of_broadcasting(shapes) -> None:
    small, full = shapes.input_shapes[0], shapes.result_shape
    rng = np.random.default_rng(0)
    x, g = rng.standard_normal(small), rng.standard_normal(full)
    summed = unbroadcast(g, small)
    assert summed.shape == small
    np.testing.assert_allclose(np.vdot(x, summed), np.vdot(np.broadcast_to(x, full), g), rtol=1e-9, atol=1e-12)
