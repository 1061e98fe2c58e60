"""Dense convolution against its definition, written as loops."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minizerofl import Tensor, ops
from minizerofl.autograd.ops import conv


def by_definition(x: np.ndarray, w: np.ndarray, b: np.ndarray, stride: int, padding: int) -> np.ndarray:
    """Sum over the window at each place."""
    _, KH, KW, OC = w.shape
    padded = np.pad(x, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
    OH, OW = (padded.shape[1] - KH) // stride + 1, (padded.shape[2] - KW) // stride + 1
    y = np.empty((OC, OH, OW, x.shape[3]))
    for o, i, j in np.ndindex(OC, OH, OW):
        seen = padded[:, i * stride : i * stride + KH, j * stride : j * stride + KW]
        y[o, i, j] = np.tensordot(w[..., o], seen, axes=3) + b[o]
    return y


@st.composite
def cases(draw: Callable) -> tuple[list[np.ndarray], int, int]:
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    KH, KW, stride, padding = (draw(st.integers(low, high)) for low, high in ((1, 5), (1, 5), (1, 3), (0, 4)))
    H, W = (draw(st.integers(max(1, K - 2 * padding), 8)) for K in (KH, KW))
    IC, OC, N = (draw(st.integers(1, 4)) for _ in range(3))
    return [rng.standard_normal(s) for s in [(IC, H, W, N), (IC, KH, KW, OC), (OC,)]], stride, padding


@given(cases(), st.sampled_from([1, conv.BLOCK_BYTES]))
def test_forward_is_the_definition_in_blocks_of_any_size(case: tuple, block_bytes: int) -> None:
    arrays, stride, padding = case
    kept, conv.BLOCK_BYTES = conv.BLOCK_BYTES, block_bytes
    try:
        y = ops.conv2d(*arrays, stride=stride, padding=padding)
    finally:
        conv.BLOCK_BYTES = kept
    np.testing.assert_allclose(y.data, by_definition(*arrays, stride, padding), atol=1e-12)


def test_a_block_at_a_time_gives_the_same_gradients() -> None:
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal(s) for s in [(3, 9, 9, 2), (3, 3, 3, 4), (4,)]]
    grads = []
    kept = conv.BLOCK_BYTES
    for block_bytes in (1, kept):
        conv.BLOCK_BYTES = block_bytes
        inputs = [Tensor(a, requires_grad=True) for a in arrays]
        (ops.conv2d(*inputs, stride=2, padding=1) ** 2).sum().backward()
        grads.append([t.grad for t in inputs])
    assert kept == conv.BLOCK_BYTES
    for a, b in zip(*grads, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-12)


@pytest.mark.parametrize(
    ("shapes", "options", "message"),
    [
        ([(3, 8, 8, 2), (2, 3, 3, 4)], {}, r"conv2d\(float32\[3, 8, 8, 2\], float32\[2, 3, 3, 4\]"),
        ([(3, 8, 8), (3, 3, 3, 4)], {}, r"expected x \(C, H, W, N\)"),
        ([(3, 8, 8, 2), (3, 3, 3, 4), (3,)], {}, r"b has shape \(3,\), expected \(4,\)"),
        ([(3, 2, 8, 2), (3, 3, 3, 4)], {}, "does not fit into 2 pixels"),
        ([(3, 8, 8, 2), (3, 3, 3, 4)], {"stride": 0}, "stride 0"),
        ([(3, 8, 8, 2), (3, 3, 3, 4)], {"padding": -1}, "padding -1"),
    ],
)
def test_errors_say_what_does_not_fit(shapes: list, options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ops.conv2d(*(np.zeros(s, np.float32) for s in shapes), **options)
