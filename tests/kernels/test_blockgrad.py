"""The weight gradient of kept blocks against the reference kernel."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minizerofl.autograd.ops.window import Window
from minizerofl.kernels.reference import blockgrad as reference
from minizerofl.sparse.blocks import bsr_at
from minizerofl.sparse.fast_blocks import block_gradient
from minizerofl.sparse.geometry import prepare_geometry


@pytest.mark.parametrize(("stride", "K"), [(1, 1), (1, 3), (2, 3), (3, 2)])
@given(
    seed=st.integers(0, 2**32 - 1),
    N=st.sampled_from([4, 8, 16]),
    OC=st.sampled_from([16, 32, 48, 80]),
    batch=st.sampled_from([(1, 1.0), (5, 0.0), (5, 0.5), (32, 0.2), (65, 0.1)]),
    density=st.sampled_from([0.0, 0.2, 1.0]),
)
def test_block_gradient_equals_its_reference(
    stride: int, K: int, seed: int, N: int, OC: int, batch: tuple[int, float], density: float
) -> None:
    rng = np.random.default_rng(seed)
    down, across = Window(7, K, stride, K // 2), Window(6, K, stride, 1)
    x = rng.standard_normal((2, 7, 6, batch[0])).astype(np.float32)
    x[rng.random(x.shape) >= batch[1]] = 0
    dy = rng.standard_normal((OC, down.out, across.out, batch[0])).astype(np.float32)
    positions = np.flatnonzero(x).astype(np.int32)
    rows = 2 * K * K
    chosen = np.flatnonzero(rng.random(rows * OC // N) < density).astype(np.int32)
    w_top = bsr_at(np.zeros((rows, OC), np.float32), chosen, N)
    geometry = prepare_geometry(down, across, 2, batch[0])
    ours = block_gradient(dy, positions, x.reshape(-1)[positions], geometry, x.shape, w_top)
    theirs = np.empty_like(ours)
    padding = down.padding, across.padding
    reference.block_gradient(x, dy, stride, padding, (w_top.indptr, w_top.indices), theirs)
    scale = max(1.0, float(np.abs(theirs).max(initial=0)))
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=64 * np.finfo(np.float32).eps * scale)
