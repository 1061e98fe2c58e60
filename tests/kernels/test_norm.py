"""The batch-normalisation kernels against their twins."""

import numpy as np
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
    scale = max(1.0, float(np.abs(theirs).max()))
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=500 * np.finfo(ours.dtype).eps * scale)


@given(SEEDS, SHAPES, DTYPES)
def test_lane_sums_are_their_twins(seed: int, shape: tuple[int, int], dtype: type) -> None:
    x, y, *_ = draw(seed, shape, dtype)
    a, b = x[0], y[0]
    np.testing.assert_allclose(norm.lane_sum(a), reference.lane_sum(a), rtol=1e-5)
    shift = dtype(3)
    np.testing.assert_allclose(norm.lane_dot(a, shift, b, shift), reference.lane_dot(a, shift, b, shift), atol=1e-3)


@given(SEEDS, SHAPES, DTYPES, st.booleans(), st.booleans(), st.booleans())
def test_batch_norm_is_its_twin(
    seed: int, shape: tuple[int, int], dtype: type, training: bool, adds: bool, relu: bool
) -> None:
    x, residual, *vectors = draw(seed, shape, dtype)
    added = residual - 3 if adds else np.empty((shape[0], 0), dtype)
    results = []
    for module in (norm, reference):
        weight, bias, mean, var = (vector.copy() for vector in vectors)
        line, y = np.empty((2, shape[0]), dtype), np.empty_like(x)
        module.batch_norm(x, (weight, -bias), (mean, var), training, 1e-5, added, relu, line, y)
        results.append((mean, var, y))
    for ours, theirs in zip(*results, strict=True):
        close(ours, theirs)


@given(SEEDS, SHAPES, DTYPES)
def test_scaling_and_rectifying_a_channel_are_their_twins(seed: int, shape: tuple[int, int], dtype: type) -> None:
    x, dy, *_ = draw(seed, shape, dtype)
    results = []
    for module in (norm, reference):
        y, g = np.empty_like(x[0]), np.empty_like(x[0])
        module.scale_channel(x[0], dtype(2), dtype(-6), dy[0], True, y)
        module.relu_gradient(x[0], dtype(2), dtype(-6), dy[0], g)
        results.append((y, g))
    close(results[0][0], results[1][0])
    np.testing.assert_array_equal(results[0][1], results[1][1])


@given(SEEDS, SHAPES, DTYPES, st.booleans(), st.booleans())
def test_batch_norm_gradient_is_its_twin(
    seed: int, shape: tuple[int, int], dtype: type, relu: bool, residual: bool
) -> None:
    x, dy, weight, *moments, _ = draw(seed, shape, dtype)
    z = np.ascontiguousarray(x[::-1]) if relu else np.empty((shape[0], 0), dtype)
    line = np.repeat([[2], [-6]], len(x), axis=1).astype(dtype)
    results = []
    for module in (norm, reference):
        dx, passed, parameters = (
            np.empty_like(x),
            np.empty_like(x[: len(x) if residual else 1]),
            np.empty((2, len(x)), dtype),
        )
        passed[:] = 7
        module.batch_norm_gradient(x, z, line, dy, weight, tuple(moments), passed, dx, parameters)
        results.append((dx, passed, parameters))
    for ours, theirs in zip(*results, strict=True):
        close(ours, theirs)
