"""He-normal initialisation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from minizerofl.nn import Conv2d, Linear, SparseConv2d, SparseLinear, he_normal


@given(seed=st.integers(0, 999), fan_in=st.integers(1, 5000))
def test_weights_are_gaussian_with_variance_2_over_fan_in(seed: int, fan_in: int) -> None:
    w = he_normal((50, 40), fan_in, np.random.default_rng(seed))
    assert w.dtype == np.float32
    assert w.shape == (50, 40)
    scaled = w.ravel().astype(np.float64) / np.sqrt(2 / fan_in)
    assert stats.kstest(scaled, "norm").pvalue > 1e-5
    assert np.abs(scaled).max() > 2.5  # a uniform distribution of this variance would end at 1.73


def test_fan_in_must_be_positive() -> None:
    with pytest.raises(ValueError, match="fan_in is 0"):
        he_normal((2, 0), 0, np.random.default_rng(0))


@pytest.mark.parametrize(
    ("dense", "sparse", "arguments", "fan_in"),
    [(Linear, SparseLinear, (300, 200), 300), (Conv2d, SparseConv2d, (40, 50, 3), 40 * 9)],
)
def test_layers_use_the_dense_fan_in_and_zero_biases(dense, sparse, arguments: tuple, fan_in: int) -> None:
    a, b = dense(*arguments, rng=np.random.default_rng(7)), sparse(*arguments, rng=np.random.default_rng(7))
    np.testing.assert_array_equal(a.weight.data, b.weight.data)
    assert abs(a.weight.data.std() * np.sqrt(fan_in / 2) - 1) < 0.03
    assert not a.bias.data.any()
    assert a.bias.requires_grad
    assert dense(*arguments, bias=False).bias is None


def test_without_a_generator_no_two_layers_are_alike() -> None:
    assert (Linear(4, 4).weight.data != Linear(4, 4).weight.data).any()
