"""Dropout: what is kept is scaled, what is dropped gets no gradient, and nothing happens in evaluation."""

import numpy as np
import pytest

from minizerofl import Tensor
from minizerofl.autograd import ops


def test_kept_values_are_scaled_and_the_gradient_has_the_same_mask() -> None:
    x = Tensor(np.full((100, 100), 3, np.float32), requires_grad=True)
    y = ops.dropout(x, 0.25, np.random.default_rng(0))
    y.sum().backward()
    kept = y.data != 0
    assert 0.73 < kept.mean() < 0.77
    assert kept.any(axis=0).all()  # no row or column is dropped as a whole
    assert kept.any(axis=1).all()
    np.testing.assert_array_equal(y.data[kept], np.float32(4))
    np.testing.assert_array_equal(x.grad, kept / np.float32(0.75))


def test_the_generator_decides() -> None:
    x = Tensor(np.ones(100, np.float32))
    one, two, other = (ops.dropout(x, 0.5, np.random.default_rng(seed)).data for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, two)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize(("p", "training"), [(0.5, False), (0.0, True)])
def test_without_anything_to_drop_the_input_comes_back_and_no_number_is_drawn(p, training) -> None:
    x, rng = Tensor([1.0, 2.0]), np.random.default_rng(0)
    assert ops.dropout(x, p, rng, training=training) is x
    assert rng.random() == np.random.default_rng(0).random()


@pytest.mark.parametrize("p", [1.0, -0.1, np.nan])
@pytest.mark.parametrize("training", [True, False])
def test_a_probability_out_of_range_is_an_error(p, training) -> None:
    with pytest.raises(ValueError, match=r"dropout: p is .*, expected 0 <= p < 1"):
        ops.dropout(Tensor([1.0]), p, np.random.default_rng(0), training=training)
