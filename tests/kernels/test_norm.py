"""The batch-normalisation kernels against the reference kernels."""

from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minizerofl.kernels import norm
from minizerofl.kernels.reference import norm as reference

SEEDS = st.integers(0, 2**32 - 1)
DTYPES = st.sampled_from([np.float32, np.float64])
SHAPES = st.tuples(st.integers(1, 3), st.sampled_from([1, 2, 63, 64, 200]))


def draw(seed: int, shape: tuple[int, int], dtype: type) -> list[np.ndarray]:
    """x, dy (C, M) and four vectors (C,), all different."""
    rng = np.random.default_rng(seed)
    matrices = [(3 + rng.standard_normal(shape)).astype(dtype) for _ in range(2)]
    return matrices + [rng.uniform(0.5, 2, shape[0]).astype(dtype) for _ in range(4)]


def close(ours: np.ndarray, theirs: np.ndarray) -> None:
    assert ours.dtype == theirs.dtype
    scale = max(1.0, float(np.abs(theirs).max(initial=0)))
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=500 * np.finfo(ours.dtype).eps * scale)


@given(SEEDS, SHAPES, DTYPES, st.booleans(), st.booleans(), st.booleans())
def test_batch_norm_equals_its_reference(
    seed: int, shape: tuple[int, int], dtype: type, training: bool, adds: bool, relu: bool
) -> None:
    x, residual, *vectors = draw(seed, shape, dtype)
    added = residual - 3 if adds else np.empty((shape[0], 0), dtype)
    results = []
    for module in (norm, reference):
        weight, bias, mean, var = (vector.copy() for vector in vectors)
        line, y = np.empty((2, shape[0]), dtype), np.empty_like(x)
        channels = norm.Channels(weight, -bias, mean, var)
        module.batch_norm(x, channels, training, 1e-5, added, relu, line, y)
        results.append((mean, var, line, y))
    for ours, theirs in zip(*results, strict=True):
        close(ours, theirs)


@pytest.mark.parametrize("module", [norm, reference])
@pytest.mark.parametrize("size", [3, norm.LANES + 3])
def test_nan_is_not_rectified_away(module: ModuleType, size: int) -> None:
    x = np.resize(np.array([np.nan, -1, 1], np.float32), (1, size))
    one, zero, y, line = np.ones(1, np.float32), np.zeros(1, np.float32), np.empty_like(x), np.empty((2, 1), np.float32)
    module.batch_norm(x, norm.Channels(one, zero, zero, one), False, 0.0, x[:, :0], True, line, y)
    np.testing.assert_array_equal(y, np.maximum(x, 0))


@given(SEEDS, SHAPES, DTYPES, st.booleans(), st.booleans())
def test_batch_norm_gradient_equals_its_reference(
    seed: int, shape: tuple[int, int], dtype: type, relu: bool, residual: bool
) -> None:
    x, dy, weight, *moments, _ = draw(seed, shape, dtype)
    z = np.ascontiguousarray(x[::-1])
    line = np.repeat([[2], [-6]] if relu else [[0], [1]], len(x), axis=1).astype(dtype)
    results = []
    for module in (norm, reference):
        dx, passed = np.empty_like(x), np.empty((len(x), x.shape[1] if residual else 0), dtype)
        parameters = np.empty((2, len(x)), dtype)
        module.batch_norm_gradient(x, norm.Gate(z, line), dy, weight, tuple(moments), passed, dx, parameters)
        results.append((dx, passed, parameters))
    for ours, theirs in zip(*results, strict=True):
        close(ours, theirs)
