"""Layouts: what is turned comes back, and a product is the same in both."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from minizerofl import Tensor, nn
from minizerofl.export.layout import axes_of, inputs_first, kept_layouts, outputs_first

SIZES = st.integers(1, 4)


@given(SIZES, SIZES, SIZES, st.integers(0, 100))
def test_what_is_turned_comes_back(ic, oc, kernel, seed):
    rng = np.random.default_rng(seed)
    model = nn.Sequential(
        nn.Conv2d(ic, oc, kernel, rng=rng), nn.BatchNorm2d(oc), nn.Flatten(), nn.Linear(oc, 3, rng=rng)
    )
    state = model.state_dict()
    turned = outputs_first(model, state)
    assert turned["0.weight"].shape == (oc, ic, kernel, kernel)
    assert turned["3.weight"].shape == (3, oc)
    assert all(value.flags.c_contiguous for value in turned.values())
    back = inputs_first(model, turned)
    assert list(back) == list(state)
    assert all(np.array_equal(back[name], state[name]) for name in state)


@given(SIZES, SIZES, SIZES, st.integers(0, 100))
def test_the_first_linear_layer_after_a_flatten_needs_no_other_order(channels, height, width, seed):
    rng = np.random.default_rng(seed)
    model = nn.Sequential(nn.Flatten(), nn.Linear(channels * height * width, 2, rng=rng))
    x = rng.normal(size=(3, channels, height, width)).astype(np.float32)
    ours = model(Tensor(np.moveaxis(x, 0, -1))).data
    weight = outputs_first(model, model.state_dict())["1.weight"]
    assert np.allclose(x.reshape(3, -1) @ weight.T, ours.T, atol=1e-5)


def test_a_weight_of_a_layer_of_ones_own_is_named():
    class Scale(nn.Module):
        def __init__(self):
            self.gain = Tensor(np.ones((3, 1), np.float32), requires_grad=True)

    model = nn.Sequential(nn.Linear(4, 3), Scale())
    assert kept_layouts(model) == ["1.gain"]
    assert list(axes_of(model)) == ["0.weight"]
    assert outputs_first(model, model.state_dict())["1.gain"].shape == (3, 1)
