"""The fast path against the definition of SWAT: same masks, same gradients, same counts."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minizerofl import Tensor, nn, ops
from minizerofl.sparse.selection import count_kept, keep_largest, top_k
from minizerofl.sparse.swat import SwatConv2d, SwatLinear

SEEDS = st.integers(0, 2**32 - 1)
SPARSITIES = st.sampled_from([0.0, 0.4, 0.9])


def run(op: Callable[..., Tensor], arrays: list[np.ndarray], dy: np.ndarray, **options: object) -> list[np.ndarray]:
    """Return the result, the gradients of all inputs and the multiply-adds."""
    inputs = [Tensor(a, requires_grad=True) for a in arrays]
    y = op(*inputs, **options)
    macs = y.node.op.macs(y.node, y.shape)
    y.backward(dy)
    return [y.data, *(t.grad for t in inputs), np.array(macs, np.float32)]


def agree(ours: list[np.ndarray], theirs: list[np.ndarray]) -> None:
    """max|a - b| <= 1e-5 max|b|, as the design has it."""
    for a, b in zip(ours, theirs, strict=True):
        assert a.shape == b.shape
        assert a.dtype == b.dtype == np.float32
        assert np.abs(a - b).max(initial=0) <= 1e-5 * max(np.abs(b).max(initial=0), 1e-30)


@given(
    SEEDS, st.sampled_from([1, 3, 5]), st.integers(1, 3), st.integers(0, 2), st.integers(1, 20), SPARSITIES, SPARSITIES
)
def test_convolution(seed: int, K: int, stride: int, padding: int, N: int, sparsity: float, activations: float) -> None:
    rng = np.random.default_rng(seed)
    OH, OW = ((size + 2 * padding - K) // stride + 1 for size in (6, 7))
    shapes = [(3, 6, 7, N), (3, K, K, 4), (4,), (4, OH, OW, N)]
    *arrays, dy = (rng.standard_normal(shape).astype(np.float32) for shape in shapes)
    options = {"sparsity": sparsity, "activation_sparsity": activations, "stride": stride, "padding": padding}
    agree(*(run(ops.sparse_conv2d, arrays, dy, **options, path=path) for path in ("sparse", "dense")))


@given(SEEDS, st.tuples(st.integers(1, 40), st.integers(1, 30), st.integers(1, 30)), SPARSITIES, SPARSITIES)
def test_linear(seed: int, sizes: tuple[int, int, int], sparsity: float, activations: float) -> None:
    rng = np.random.default_rng(seed)
    I, O, N = sizes  # noqa: E741
    *arrays, dy = (rng.standard_normal(s).astype(np.float32) for s in [(I, N), (I, O), (O,), (O, N)])
    options = {"sparsity": sparsity, "activation_sparsity": activations}
    agree(*(run(ops.sparse_linear, arrays, dy, **options, path=path) for path in ("sparse", "dense")))


@pytest.mark.parametrize("path", ["sparse", "dense"])
@pytest.mark.parametrize("wanted", [(True, False), (False, True)])
def test_only_what_is_wanted_is_computed(wanted: tuple[bool, bool], path: str) -> None:
    rng = np.random.default_rng(0)
    x, w = (
        Tensor(rng.standard_normal(shape).astype(np.float32), requires_grad=wants)
        for shape, wants in zip([(6, 3), (6, 5)], wanted, strict=True)
    )
    ops.sparse_linear(x, w, sparsity=0.5, path=path).sum().backward()
    assert (x.grad is not None, w.grad is not None) == wanted


def test_a_write_between_forward_and_backward_is_an_error() -> None:
    x, w = Tensor(np.ones((6, 3), np.float32)), Tensor(np.ones((6, 5), np.float32), requires_grad=True)
    y = ops.sparse_linear(x, w, sparsity=0, path="dense").sum()
    x.assign_(np.zeros((6, 3)))
    with pytest.raises(RuntimeError, match="was written to between forward and backward"):
        y.backward()


@given(SEEDS, st.integers(1, 50), st.sampled_from([0.0, 0.5, 0.98]))
def test_masks_keep_the_largest(seed: int, size: int, sparsity: float) -> None:
    a = np.random.default_rng(seed).standard_normal(size)
    k = count_kept(size, sparsity)
    result = keep_largest(a, k)
    kept = top_k(a, k)
    np.testing.assert_array_equal(result[kept], a[kept])
    assert np.count_nonzero(result) == kept.size


def test_the_message_names_the_public_op() -> None:
    arrays = np.ones((2, 4, 4, 1), np.float32), np.ones((1, 3, 3, 3), np.float32)
    for path in ("sparse", "dense"):
        with pytest.raises(ValueError, match=r"sparse_conv2d\(.*x has 2 channels, but w expects 1"):
            ops.sparse_conv2d(*arrays, sparsity=0.5, path=path)


@pytest.mark.parametrize("path", ["auto", "fast"])
def test_ops_take_a_path_that_is_resolved(path: str) -> None:
    with pytest.raises(ValueError, match="expected 'sparse' or 'dense'"):
        ops.sparse_linear(np.ones((2, 1), np.float32), np.ones((2, 1), np.float32), sparsity=0.5, path=path)


@pytest.mark.parametrize(
    ("path", "sparsity", "dense"), [("auto", 0.95, 0), ("auto", 0.1, 1), ("dense", 0.95, 1), ("sparse", 0.1, 0)]
)
def test_layers_take_the_path_they_are_told(path: str, sparsity: float, dense: bool) -> None:
    x = Tensor(np.random.default_rng(0).random((2, 5, 5, 3), np.float32), requires_grad=True)
    convolution = nn.SparseConv2d(2, 3, 3, sparsity=sparsity)
    linear = nn.SparseLinear(27, 4, sparsity=sparsity)
    for layer in (convolution, linear):
        layer.set_path(path)
    y = convolution(x)
    z = linear(nn.Flatten()(y))
    assert (y.node.op is SwatConv2d) == (z.node.op is SwatLinear) == dense


def test_a_layer_refuses_an_unknown_path() -> None:
    with pytest.raises(ValueError, match="SparseLinear: path is 'fast', expected one of auto, sparse, dense"):
        nn.SparseLinear(2, 2).set_path("fast")
