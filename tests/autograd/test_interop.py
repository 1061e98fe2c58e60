"""A Tensor in the hands of NumPy and Matplotlib."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from minizerofl import Tensor, ops

FLOATS = arrays.arrays(
    st.sampled_from([np.float32, np.float64]),
    arrays.array_shapes(min_dims=0, max_dims=3, max_side=4),
    elements=st.floats(-100, 100, width=32),
)
FUNCTIONS = [np.mean, np.sum, np.max, np.std, np.median, np.ravel, np.transpose, np.argmax, np.shape, np.cumsum]


@given(FLOATS)
def test_it_is_read_as_the_array_that_it_holds(values: np.ndarray) -> None:
    x = Tensor(values)
    assert np.asarray(x).dtype == values.dtype
    np.testing.assert_array_equal(np.asarray(x), values)
    assert np.asarray(x, np.float64).dtype == np.float64
    for function in FUNCTIONS:
        result = function(x)
        assert type(result) is type(function(values))
        np.testing.assert_array_equal(result, function(values))
    np.testing.assert_array_equal(np.stack([x, x]), np.stack([values, values]))
    np.testing.assert_array_equal(np.array([x, x]), np.array([values, values]))
    np.testing.assert_array_equal(np.where(values > 0, x, 0), np.where(values > 0, values, 0))


def test_a_list_of_losses_is_an_array_of_numbers() -> None:
    loss = Tensor([1.0, 2.0], requires_grad=True).sum()
    assert float(loss) == 3
    assert np.array([loss.detach(), Tensor(4.0)]).tolist() == [3, 4]
    with pytest.raises(RuntimeError, match="detach"):
        np.array([loss, loss])
    with pytest.raises(ValueError, match="size 1"):
        float(Tensor([1.0, 2.0]))


def test_asarray_is_a_read_only_view_and_array_a_copy() -> None:
    x = Tensor([1.0, 2.0])
    view, copy = np.asarray(x), np.array(x)
    x.assign_([3.0, 4.0])
    assert view.tolist() == [3, 4]
    with pytest.raises(ValueError, match="read-only"):
        view[0] = 5
    copy[0] = 5
    assert (copy.tolist(), x.data.tolist()) == ([5, 2], [3, 4])
    assert x.__array__(copy=True).flags.writeable
    assert x.__array__(copy=False).tolist() == [3, 4]
    with pytest.raises(ValueError, match="float32 needs a copy to become float64"):
        x.__array__(np.float64, copy=False)  # as NumPy 2 does for np.array(x, np.float64, copy=False)


@pytest.mark.parametrize(
    "read", [np.asarray, np.array, np.mean, lambda x: np.stack([x, x]), lambda x: np.mean(np.ones(2), where=x)]
)
def test_a_gradient_is_not_lost_in_silence(read) -> None:
    weight = Tensor([1.0, 2.0], requires_grad=True)
    for x in (weight, weight * 2):
        with pytest.raises(RuntimeError, match=r"requires a gradient, which NumPy would lose; use \.data or \.detach"):
            read(x)
        assert np.asarray(x.detach()).tolist() == x.data.tolist()


def test_operators_are_still_ops_and_functions_of_an_element_refuse() -> None:
    x = Tensor([1.0, 2.0], requires_grad=True)
    total = (np.ones(2, np.float32) + x).sum()
    total.backward()
    assert x.grad.tolist() == [1, 1]
    with pytest.raises(TypeError, match="ufunc"):
        np.exp(x)
    assert isinstance(ops.exp(x), Tensor)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # an old matplotlib with a new pyparsing
def test_matplotlib_draws_it() -> None:
    from matplotlib.figure import Figure

    values = np.arange(12, dtype=np.float32).reshape(3, 4)
    axes = Figure().subplots(3)
    image = axes[0].imshow(Tensor(values))
    np.testing.assert_array_equal(image.get_array(), values)
    (line,) = axes[1].plot(Tensor(values[0]))
    np.testing.assert_array_equal(line.get_ydata(), values[0])
    counts, _, _ = axes[2].hist(Tensor(values[:, 0]))
    assert counts.sum() == 3
