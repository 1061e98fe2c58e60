"""gradcheck is only worth something if it rejects wrong gradients: each test here plants a bug."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from minizerofl import gradcheck
from minizerofl.autograd import GradcheckError, Op, Tensor, ops, sweep
from minizerofl.autograd.ops.arithmetic import Mul
from minizerofl.autograd.ops.average import AvgPool2d
from minizerofl.autograd.ops.elementwise import ReLU, Tanh
from minizerofl.autograd.ops.linear import Linear, MatMul
from minizerofl.autograd.ops.reductions import Max, Mean, Sum
from minizerofl.autograd.ops.shape import Concatenate, GetItem, Pad

RNG = np.random.default_rng(0)
IMAGES = RNG.standard_normal((2, 4, 4, 3))
MATRIX = RNG.standard_normal((3, 3))


def with_bug(op: type[Op], backward: Callable[..., Any]) -> type[Op]:
    """Return the op with its derivative replaced; ``backward(right_answer, node, grad)`` gives the wrong one."""

    class Buggy(op):  # type: ignore[misc, valid-type]
        @staticmethod
        def backward(node: Any, grad: Any) -> Any:
            return backward(op.backward(node, grad), node, grad)

    return Buggy


def rejects(op: type[Op], bug: Callable[..., Any], arrays: list[np.ndarray], message: str, **options: Any) -> None:
    assert gradcheck(lambda *tensors: op.apply(*tensors, **options), arrays)
    with pytest.raises(GradcheckError, match=message):
        gradcheck(lambda *tensors: with_bug(op, bug).apply(*tensors, **options), arrays)


def test_accepts_a_right_gradient_of_any_shape_and_of_tensors() -> None:
    assert gradcheck(lambda x: x * x, [MATRIX.astype(np.float32)])
    assert gradcheck(lambda x, y: (x * y).sum(), [Tensor(MATRIX), Tensor([2.0])])


@pytest.mark.parametrize("factor", [2.0, 0.5, -1.0, 1.001, 0.0, np.nan])
def test_rejects_a_wrong_factor_or_sign(factor: float) -> None:
    rejects(Tanh, lambda right, node, grad: (right[0] * factor,), [MATRIX], "input 0 of shape")


def test_rejects_one_wrong_element_in_a_thousand() -> None:
    def bug(right: Any, node: Any, grad: Any) -> Any:
        right[0][7] *= 2
        return right

    rejects(Tanh, bug, [RNG.standard_normal(1000)], "input 0")


def test_names_the_input_that_is_wrong() -> None:
    rejects(Mul, lambda right, node, grad: (right[0], 2 * right[1]), [MATRIX, MATRIX + 1], "input 1 of shape")


def test_rejects_swapped_gradients() -> None:
    rejects(Mul, lambda right, node, grad: right[::-1], [MATRIX, MATRIX + 1], "input 0 of shape")


def test_rejects_a_transposed_matrix_product() -> None:
    rejects(MatMul, lambda right, node, grad: (right[0].T, right[1]), [MATRIX, MATRIX + 1], "input 0")
    rejects(MatMul, lambda right, node, grad: (right[0], right[1].T), [MATRIX, MATRIX + 1], "input 1")
    rejects(
        Linear,
        lambda right, node, dy: (node.saved[1].T @ dy, *right[1:]),
        [MATRIX, MATRIX + 1, MATRIX[0]],
        "input 0",
    )


def test_rejects_a_sum_over_the_wrong_axis() -> None:
    rejects(Linear, lambda right, node, grad: (*right[:2], grad.sum(axis=0)), [MATRIX, MATRIX, MATRIX[0]], "input 2")
    rejects(Sum, lambda right, node, grad: (right[0].T.copy(),), [MATRIX], "input 0", axis=0, keepdims=False)


def test_rejects_a_mean_divided_by_the_wrong_count() -> None:
    rejects(Mean, lambda right, node, grad: (right[0] * 4 / 3,), [IMAGES], "input 0", axis=(1, 3), keepdims=False)


def test_rejects_padding_that_is_off_by_one() -> None:
    rejects(Pad, lambda right, node, grad: (grad[:-2],), [MATRIX[0]], "input 0", widths=(1, 1), value=0.0)


def test_rejects_a_window_that_is_off_by_one() -> None:
    rejects(
        AvgPool2d,
        lambda right, node, grad: (np.roll(right[0], 1, axis=2),),
        [IMAGES],
        "input 0",
        kernel=(2, 2),
        stride=(2, 2),
    )


def test_rejects_joined_parts_in_the_wrong_order() -> None:
    rejects(Concatenate, lambda right, node, grad: right[::-1], [MATRIX, MATRIX], "input 0", axis=0)


def test_rejects_an_index_that_overwrites_instead_of_accumulating() -> None:
    def bug(right: Any, node: Any, grad: Any) -> Any:
        dx = np.zeros_like(right[0])
        dx[node.saved[1]] = grad
        return (dx,)

    rejects(GetItem, bug, [MATRIX], "input 0", index=(np.array([0, 0, 2]),))


def test_rejects_a_maximum_that_pays_its_neighbour() -> None:
    rejects(Max, lambda right, node, grad: (np.roll(right[0], 1),), [MATRIX[0]], "input 0", axis=None, keepdims=False)


def test_rejects_a_stale_mask() -> None:
    first_mask: list[np.ndarray] = []

    class Stale(ReLU):
        @staticmethod
        def backward(node: Any, grad: Any) -> Any:
            return (grad * first_mask[0],)

    def function(x: Tensor) -> Tensor:
        first_mask.append(x.data > 0)
        return Stale.apply(-x)

    with pytest.raises(GradcheckError, match="input 0"):
        gradcheck(function, [MATRIX])


def test_rejects_a_broadcast_whose_gradient_is_not_summed() -> None:
    class FirstRowOnly(Mul):
        @classmethod
        def gradients(cls, node: Any, grad: Any) -> Any:
            da, db = cls.backward(node, grad)
            return da, db[0]

    with pytest.raises(GradcheckError, match="input 1"):
        gradcheck(FirstRowOnly.apply, [MATRIX, MATRIX[0]])


def test_rejects_a_gradient_of_the_wrong_shape_or_dtype() -> None:
    class Unsummed(Mul):
        @classmethod
        def gradients(cls, node: Any, grad: Any) -> Any:
            return cls.backward(node, grad)

    class Narrow(Mul):
        @classmethod
        def gradients(cls, node: Any, grad: Any) -> Any:
            return tuple(g.astype(np.float32) for g in cls.backward(node, grad))

    with pytest.raises(GradcheckError, match=r"gradient of input 1 .* shape \(3, 3\), expected .* \(3,\)"):
        gradcheck(Unsummed.apply, [MATRIX, MATRIX[0]])
    with pytest.raises(GradcheckError, match="gradient of input 0 is float32"):
        gradcheck(Narrow.apply, [MATRIX, MATRIX])


def test_rejects_a_sweep_that_does_not_accumulate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep, "_plus", lambda total, share: share)
    with pytest.raises(GradcheckError, match="repeated use"):
        gradcheck(ops.exp, [MATRIX])


def test_rejects_a_silent_zero() -> None:
    with pytest.raises(GradcheckError, match=r"input 1 of shape .* got no gradient"):
        gradcheck(lambda x, y: x * y.detach(), [MATRIX, MATRIX])
    with pytest.raises(GradcheckError, match="does not depend on its inputs"):
        gradcheck(lambda x: x.detach() * 2, [MATRIX])


def test_rejects_a_function_with_a_will_of_its_own() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(GradcheckError, match="two results at one point"):
        gradcheck(lambda x: ops.dropout(x, 0.5, rng), [MATRIX])


def test_rejects_inputs_that_are_no_floats() -> None:
    with pytest.raises(TypeError, match="input 1 is an array of int64"):
        gradcheck(ops.mul, [MATRIX, np.arange(3)])


def test_a_surrogate_is_checked_against_the_functions_it_names() -> None:
    class Surrogate(Op):
        """Computes w x, but its gradients are those of w x_0 and w_0 x, with w_0 = 2 w and x_0 = 3 x held fixed."""

        name = "surrogate"

        @staticmethod
        def forward(node: Any, w: Any, x: Any) -> Any:
            node.save(w, x)
            return w * x

        @staticmethod
        def backward(node: Any, grad: Any) -> Any:
            w, x = node.saved
            return grad * (3 * x), grad * (2 * w)

    w, x = MATRIX, MATRIX + 1
    right = {0: lambda t: t * Tensor(3 * x), 1: lambda t: Tensor(2 * w) * t}
    assert gradcheck(Surrogate.apply, [w, x], numeric_fn=right)
    with pytest.raises(GradcheckError, match="input 0"):
        gradcheck(Surrogate.apply, [w, x])
    with pytest.raises(GradcheckError, match="input 1"):
        gradcheck(Surrogate.apply, [w, x], numeric_fn={0: right[0]})
    assert gradcheck(ops.exp, [x], numeric_fn=lambda t: ops.exp(t) + 1)
