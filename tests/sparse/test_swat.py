"""The SWAT ops against dense ops with the same masks, and against finite differences of their surrogates."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minizerofl import Tensor, gradcheck, nn, ops
from minizerofl.sparse import count_kept

SEEDS = st.integers(0, 2**32 - 1)
SPARSITIES = st.sampled_from([0.0, 0.5, 0.95])
PATHS = st.sampled_from(["sparse", "dense"])  # the fast path, and the definition itself


@st.composite
def convolutions(draw: Callable, max_batch: int = 64) -> tuple[dict, list[np.ndarray]]:
    """Stride and padding, and x, w, b, dY in float64."""
    kernel, stride, padding = draw(st.sampled_from([1, 3, 5])), draw(st.integers(1, 3)), draw(st.integers(0, 3))
    smallest = max(1, kernel - 2 * padding)
    H, W = draw(st.integers(smallest, smallest + 5)), draw(st.integers(smallest, smallest + 5))
    IC, OC, N = draw(st.integers(1, 4)), draw(st.integers(1, 5)), draw(st.integers(1, max_batch))
    rng = np.random.default_rng(draw(SEEDS))
    OH, OW = ((size + 2 * padding - kernel) // stride + 1 for size in (H, W))
    shapes = [(IC, H, W, N), (IC, kernel, kernel, OC), (OC,), (OC, OH, OW, N)]
    return {"stride": stride, "padding": padding}, [rng.standard_normal(shape) for shape in shapes]


def masked(a: np.ndarray, sparsity: float) -> np.ndarray:
    """Set the small entries to zero, by sorting: of equal ones the first are kept."""
    order = np.argsort(-np.abs(a), axis=None, kind="stable")
    result = a.copy()
    result.reshape(-1)[order[count_kept(a.size, sparsity) :]] = 0
    return result


def run(op: Callable[..., Tensor], arrays: list[np.ndarray], dy: np.ndarray) -> list[np.ndarray]:
    """Return the result and the gradients of all inputs."""
    inputs = [Tensor(a, requires_grad=True) for a in arrays]
    y = op(*inputs)
    y.backward(dy)
    return [y.data, *(t.grad for t in inputs)]


def agree(ours: list[np.ndarray], theirs: list[np.ndarray], bound: float) -> None:
    """max|a - b| <= bound * max|b|, as the design has it."""
    for a, b in zip(ours, theirs, strict=True):
        assert a.shape == b.shape
        assert a.dtype == b.dtype
        assert np.abs(a - b).max(initial=0) <= bound * max(np.abs(b).max(initial=0), 1e-30)


@given(convolutions(), SPARSITIES, SPARSITIES, st.sampled_from([np.float32, np.float64]), PATHS)
@settings(max_examples=100)
def test_convolution_is_the_dense_one_with_the_same_masks(
    case: tuple, sparsity: float, activations: float, dtype: type, path: str
) -> None:
    place, arrays = case
    x, w, b, dy = (a.astype(dtype) for a in arrays)
    options = {"sparsity": sparsity, "activation_sparsity": activations, "path": path, **place}
    y, dx, dw, db = run(lambda *t: ops.sparse_conv2d(*t, **options), [x, w, b], dy)
    dense_y, dense_dx, _, dense_db = run(lambda *t: ops.conv2d(*t, **place), [x, masked(w, sparsity), b], dy)
    _, _, dense_dw, _ = run(lambda *t: ops.conv2d(*t, **place), [masked(x, activations), w, b], dy)
    agree([y, dx, dw, db], [dense_y, dense_dx, dense_dw, dense_db], 1e-5 if dtype == np.float32 else 1e-13)


@given(SEEDS, st.tuples(st.integers(1, 40), st.integers(1, 30), st.integers(1, 64)), SPARSITIES, SPARSITIES, PATHS)
def test_linear_is_the_dense_one_with_the_same_masks(
    seed: int, sizes: tuple[int, int, int], sparsity: float, activations: float, path: str
) -> None:
    rng = np.random.default_rng(seed)
    I, O, N = sizes  # noqa: E741
    x, w, b, dy = (rng.standard_normal(s).astype(np.float32) for s in [(I, N), (I, O), (O,), (O, N)])
    options = {"sparsity": sparsity, "activation_sparsity": activations, "path": path}
    y, dx, dw, db = run(lambda *t: ops.sparse_linear(*t, **options), [x, w, b], dy)
    dense_y, dense_dx, _, dense_db = run(ops.linear, [x, masked(w, sparsity), b], dy)
    _, _, dense_dw, _ = run(ops.linear, [masked(x, activations), w, b], dy)
    agree([y, dx, dw, db], [dense_y, dense_dx, dense_dw, dense_db], 1e-5)


@pytest.mark.parametrize("stride", [1, 2])
def test_forced_sparse_at_sparsity_zero_agrees_with_dense_on_a_layer_of_resnet(stride: int) -> None:
    rng = np.random.default_rng(0)
    x, w, b = (rng.standard_normal(s).astype(np.float32) for s in [(64, 16, 16, 8), (64, 3, 3, 128), (128,)])
    place = {"stride": stride, "padding": 1}
    dy = rng.standard_normal((128, 16 // stride, 16 // stride, 8)).astype(np.float32)
    sparse = run(lambda *t: ops.sparse_conv2d(*t, sparsity=0, **place), [x, w, b], dy)
    agree(sparse, run(lambda *t: ops.conv2d(*t, **place), [x, w, b], dy), 1e-5)


@given(convolutions(max_batch=3), SPARSITIES, PATHS)
def test_convolution_passes_the_gradient_check_of_its_surrogate(case: tuple, sparsity: float, path: str) -> None:
    place, (x, w, b, _) = case
    x_top, w_top = masked(x, sparsity), masked(w, sparsity)
    surrogate = {
        0: lambda t: ops.conv2d(t, w_top, b, **place),
        1: lambda t: ops.conv2d(x_top, t, b, **place),
        2: lambda t: ops.conv2d(x, w_top, t, **place),
    }
    assert gradcheck(
        lambda *t: ops.sparse_conv2d(*t, sparsity=sparsity, path=path, **place), [x, w, b], numeric_fn=surrogate
    )


@given(SEEDS, SPARSITIES, PATHS)
def test_linear_passes_the_gradient_check_of_its_surrogate(seed: int, sparsity: float, path: str) -> None:
    rng = np.random.default_rng(seed)
    x, w, b = (rng.standard_normal(s) for s in [(6, 3), (6, 5), (5,)])
    x_top, w_top = masked(x, sparsity), masked(w, sparsity)
    surrogate = {
        0: lambda t: ops.linear(t, w_top, b),
        1: lambda t: ops.linear(x_top, t, b),
        2: lambda t: ops.linear(x, w_top, t),
    }
    assert gradcheck(lambda *t: ops.sparse_linear(*t, sparsity=sparsity, path=path), [x, w, b], numeric_fn=surrogate)


def test_all_weights_are_updated_and_none_overwritten() -> None:
    rng = np.random.default_rng(0)
    layer = nn.SparseLinear(20, 10, sparsity=0.9, activation_sparsity=0, rng=rng)
    before = layer.weight.numpy()
    ops.cross_entropy(layer(Tensor(rng.standard_normal((20, 4)).astype(np.float32))), np.zeros(4, int)).backward()
    np.testing.assert_array_equal(layer.weight.data, before)
    assert np.count_nonzero(layer.weight.grad) == 200


def test_activation_sparsity_follows_the_weights_unless_given() -> None:
    rng = np.random.default_rng(0)
    x, w = (rng.standard_normal(s).astype(np.float32) for s in [(40, 1), (40, 3)])
    dy = np.ones((3, 1), np.float32)
    for given_, kept in ((None, 4), (0.5, 20), (0, 40)):
        _, _, dw = run(lambda *t, a=given_: ops.sparse_linear(*t, sparsity=0.9, activation_sparsity=a), [x, w], dy)
        assert np.count_nonzero(dw.any(axis=1)) == kept


@pytest.mark.parametrize(
    ("shapes", "options", "message"),
    [
        ([(2, 4, 4, 1), (2, 3, 3, 3)], {"sparsity": 1.5}, "sparse_conv2d: sparsity is 1.5"),
        ([(2, 4, 4, 1), (1, 3, 3, 3)], {"sparsity": 0.5}, "x has 2 channels, but w expects 1"),
        ([(2, 4, 4), (2, 3, 3, 3)], {"sparsity": 0.5}, r"expected x \(C, H, W, N\)"),
        ([(2, 4, 4, 1), (2, 7, 7, 3)], {"sparsity": 0.5}, "a window of 7 does not fit into 4 pixels"),
    ],
)
def test_errors_name_the_op_and_the_shapes(shapes: list, options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ops.sparse_conv2d(*(np.zeros(s, np.float32) for s in shapes), **options)
