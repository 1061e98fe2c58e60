"""Every public op, at random points of random shapes: its gradient, its dtype, and that it leaves its inputs alone.

An entry of the table draws one case: a function of Tensors and the arrays to call it with. Values come from a seeded
generator, not from hypothesis, which loves zeros: they hide wrong gradients and sit on kinks.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, mutually_broadcastable_shapes

from minizerofl import Tensor, gradcheck, ops

Draw = Callable[[st.SearchStrategy[Any]], Any]
Case = tuple[Callable[..., Tensor], list[np.ndarray]]

sides = st.integers(1, 4)
CHECKED_ELSEWHERE = {"sparse_conv2d", "sparse_linear"}  # by their surrogates, in tests/sparse/test_swat.py
NOT_DIFFERENTIABLE: set[str] = set()


def generator(draw: Draw) -> np.random.Generator:
    return np.random.default_rng(draw(st.integers(0, 2**32 - 1)))


def normal(draw: Draw, *shape: int) -> np.ndarray:
    return generator(draw).standard_normal(shape)


def positive(draw: Draw, *shape: int) -> np.ndarray:
    return generator(draw).uniform(0.3, 2.0, shape)


def away_from_zero(draw: Draw, *shape: int) -> np.ndarray:
    rng = generator(draw)
    return rng.uniform(0.1, 2.0, shape) * rng.choice([-1.0, 1.0], shape)


def distinct(draw: Draw, *shape: int) -> np.ndarray:
    """Values at least 0.1 apart, so that which of them is the largest does not change within a step."""
    return 0.1 * generator(draw).permutation(int(np.prod(shape))).reshape(shape)


def shape(draw: Draw, min_dims: int = 0) -> tuple[int, ...]:
    return draw(array_shapes(min_dims=min_dims, max_dims=4, max_side=4))


def images(draw: Draw, values: Callable[..., np.ndarray] = normal, channels: int | None = None) -> np.ndarray:
    return values(draw, channels or draw(sides), draw(st.integers(3, 7)), draw(st.integers(3, 7)), draw(sides))


def unary(op: Callable[[Tensor], Tensor], values: Callable[..., np.ndarray] = normal) -> Callable[[Draw], Case]:
    return lambda draw: (op, [values(draw, *shape(draw))])


def binary(op: Callable[..., Tensor], second: Callable[..., np.ndarray] = normal) -> Callable[[Draw], Case]:
    def case(draw: Draw) -> Case:
        a, b = draw(mutually_broadcastable_shapes(num_shapes=2, max_dims=3, max_side=3)).input_shapes
        return op, [normal(draw, *a), second(draw, *b)]

    return case


def reduction(op: Callable[..., Tensor], values: Callable[..., np.ndarray] = normal) -> Callable[[Draw], Case]:
    def case(draw: Draw) -> Case:
        x = values(draw, *shape(draw))
        axes = st.lists(st.integers(-x.ndim, x.ndim - 1), unique_by=lambda a: a % x.ndim) if x.ndim else st.just([])
        axis = draw(st.none() | axes.map(tuple) | (st.integers(-x.ndim, x.ndim - 1) if x.ndim else st.none()))
        keepdims = draw(st.booleans())
        return lambda t: op(t, axis=axis, keepdims=keepdims), [x]

    return case


def power(draw: Draw) -> Case:
    exponent = draw(st.sampled_from([0, 1, 2, 3, 0.5, -1, -1.5]))
    return lambda x: ops.pow(x, exponent), [positive(draw, *shape(draw))]


def reshape(draw: Draw) -> Case:
    x = normal(draw, *shape(draw))
    new = draw(st.sampled_from([(-1,), (x.size,), (1, x.size), (x.size, 1, 1), (1, -1)]))
    return lambda t: ops.reshape(t, new), [x]


def transpose(draw: Draw) -> Case:
    x = normal(draw, *shape(draw, min_dims=1))
    axes = draw(st.none() | st.permutations([a - x.ndim * (a % 2) for a in range(x.ndim)]).map(tuple))
    return lambda t: ops.transpose(t, axes), [x]


def getitem(draw: Draw) -> Case:
    mask = np.array([True, False, True])
    index = draw(
        st.sampled_from(
            [
                1, -1, slice(None, None, -2), (..., 0), (None, 1, slice(1, 3)), (slice(None), -1, None), (1, 2, 3),
                [0, 2, 0], np.array([[1, 1], [0, 2]]), (slice(None), [3, 3, 0]), ([0, 0, 1], slice(1, 3), [1, 1, 1]),
                ([[0], [0]], [1, 1]), mask, (mask, 1), (mask, slice(None), [2, 2]), [True, False, False], np.int64(2),
            ]
        )
    )  # fmt: skip
    return lambda t: ops.getitem(t, index), [normal(draw, 3, 4, 5)]


def concatenate(draw: Draw) -> Case:
    axis, sizes = draw(st.integers(-2, 1)), draw(st.lists(sides, min_size=1, max_size=3))
    shapes = [(n, 3) if axis % 2 == 0 else (3, n) for n in sizes]
    return lambda *tensors: ops.concatenate(tensors, axis=axis), [normal(draw, *s) for s in shapes]


def pad(draw: Draw) -> Case:
    x = normal(draw, *shape(draw, min_dims=1))
    pairs = st.tuples(st.integers(0, 2), st.integers(0, 2))
    widths = draw(st.integers(0, 2) | pairs | st.lists(pairs, min_size=x.ndim, max_size=x.ndim))
    return lambda t: ops.pad(t, widths, value=3.0), [x]


def matmul(draw: Draw) -> Case:
    shapes = draw(mutually_broadcastable_shapes(signature=np.matmul.signature, max_dims=2, max_side=3)).input_shapes
    return ops.matmul, [normal(draw, *s) for s in shapes]


def linear(draw: Draw) -> Case:
    n_out, n_in, N = draw(sides), draw(sides), draw(sides)
    arrays = [normal(draw, n_in, N), normal(draw, n_in, n_out), normal(draw, n_out)]
    return ops.linear, arrays[: draw(st.integers(2, 3))]


def conv2d(draw: Draw) -> Case:
    x, OC = images(draw), draw(sides)
    kernel, stride, padding = draw(st.integers(1, 3)), draw(st.integers(1, 3)), draw(st.integers(0, 2))
    arrays = [x, normal(draw, x.shape[0], kernel, kernel, OC), normal(draw, OC)][: draw(st.integers(2, 3))]
    return lambda *tensors: ops.conv2d(*tensors, stride=stride, padding=padding), arrays


def pooling(op: str, values: Callable[..., np.ndarray]) -> Callable[[Draw], Case]:
    def case(draw: Draw) -> Case:
        kernel, stride = draw(st.integers(1, 3)), draw(st.none() | st.integers(1, 3))
        return lambda x: getattr(ops, op)(x, kernel, stride), [images(draw, values)]

    return case


def avg_pool2d_of_rectangles(draw: Draw) -> Case:
    kernel, stride = draw(st.tuples(st.integers(1, 3), st.integers(1, 3))), draw(st.tuples(sides, sides))
    return lambda x: ops.avg_pool2d(x, kernel, stride), [images(draw)]


def batch_norm(draw: Draw) -> Case:
    x, training = images(draw), draw(st.booleans())
    C = x.shape[0]
    mean, var = normal(draw, C).astype(np.float32), positive(draw, C).astype(np.float32)

    def function(x: Tensor, w: Tensor, b: Tensor) -> Tensor:
        return ops.batch_norm(x, w, b, mean.copy(), var.copy(), training=training)

    return function, [x, normal(draw, C), normal(draw, C)]


def group_norm(draw: Draw) -> Case:
    groups, per_group = draw(sides), draw(sides)
    C = groups * per_group
    return lambda x, w, b: ops.group_norm(x, groups, w, b), [images(draw, channels=C), normal(draw, C), normal(draw, C)]


def dropout(draw: Draw) -> Case:
    p, seed, training = draw(st.sampled_from([0.0, 0.3, 0.9])), draw(st.integers(0, 99)), draw(st.booleans())
    # times two: without training the op is the identity, and would return the input itself
    return lambda x: 2 * ops.dropout(x, p, np.random.default_rng(seed), training), [normal(draw, *shape(draw))]


def cross_entropy(draw: Draw) -> Case:
    classes, N = draw(sides), draw(sides)
    labels = generator(draw).integers(classes, size=N)
    return lambda logits: ops.cross_entropy(logits, labels), [normal(draw, classes, N)]


CASES: dict[str, Callable[[Draw], Case]] = {
    "add": binary(ops.add),
    "avg_pool2d": pooling("avg_pool2d", normal),
    "avg_pool2d, rectangles": avg_pool2d_of_rectangles,
    "batch_norm": batch_norm,
    "concatenate": concatenate,
    "conv2d": conv2d,
    "cross_entropy": cross_entropy,
    "div": binary(ops.div, second=away_from_zero),
    "dropout": dropout,
    "exp": unary(ops.exp),
    "getitem": getitem,
    "global_avg_pool": lambda draw: (ops.global_avg_pool, [images(draw)]),
    "group_norm": group_norm,
    "linear": linear,
    "log": unary(ops.log, positive),
    "log_softmax": lambda draw: (ops.log_softmax, [normal(draw, *shape(draw, min_dims=1))]),
    "matmul": matmul,
    "max": reduction(ops.max, distinct),
    "max_pool2d": pooling("max_pool2d", distinct),
    "mean": reduction(ops.mean),
    "mul": binary(ops.mul),
    "neg": unary(ops.neg),
    "pad": pad,
    "pow": power,
    "relu": unary(ops.relu, away_from_zero),
    "reshape": reshape,
    "sigmoid": unary(ops.sigmoid),
    "sqrt": unary(ops.sqrt, positive),
    "sub": binary(ops.sub),
    "sum": reduction(ops.sum),
    "tanh": unary(ops.tanh),
    "transpose": transpose,
}

every_op = pytest.mark.parametrize("name", sorted(CASES))


def test_every_public_op_is_in_the_table() -> None:
    covered = {name.split(",")[0] for name in CASES}
    assert set(ops.__all__) - NOT_DIFFERENTIABLE - CHECKED_ELSEWHERE == covered


@every_op
@given(data=st.data())
def test_gradient(name: str, data: st.DataObject) -> None:
    function, arrays = CASES[name](data.draw)
    assert gradcheck(function, arrays, seed=data.draw(st.integers(0, 2**16)))


@every_op
@given(data=st.data())
@settings(max_examples=5)
def test_float32_stays_float32_and_inputs_stay_as_they_are(name: str, data: st.DataObject) -> None:
    function, arrays = CASES[name](data.draw)
    tensors = [Tensor(array.astype(np.float32), requires_grad=True) for array in arrays]
    before = [t.numpy() for t in tensors]
    output = function(*tensors)
    assert output.dtype == np.float32
    output.backward(np.ones(output.shape))
    for tensor, old in zip(tensors, before, strict=True):
        assert tensor.grad is not None
        assert (tensor.grad.dtype, tensor.grad.shape) == (np.float32, old.shape)
        np.testing.assert_array_equal(tensor.data, old)


@every_op
@given(data=st.data())
@settings(max_examples=5)
def test_only_the_gradients_that_are_wanted_are_computed_and_they_are_the_same(name: str, data: st.DataObject) -> None:
    function, arrays = CASES[name](data.draw)
    everything = [Tensor(array, requires_grad=True) for array in arrays]
    output = function(*everything)
    output.backward(np.ones(output.shape))
    for i, expected in enumerate(everything):
        tensors = [Tensor(array, requires_grad=i == j) for j, array in enumerate(arrays)]
        output = function(*tensors)
        output.backward(np.ones(output.shape))
        np.testing.assert_array_equal(tensors[i].grad, expected.grad)
        assert all(t.grad is None for j, t in enumerate(tensors) if j != i)
