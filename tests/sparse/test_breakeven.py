"""The choice of the path: below the break-even sparse, above it dense."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minizerofl import nn
from minizerofl.models import femnist_cnn
from minizerofl.nn.paths import choose_paths
from minizerofl.sparse.breakeven import BREAK_EVEN, choose, layer_kind

SHAPES = st.sampled_from([(32, 5, 5, 64), (512, 3, 3, 512), (3136, 2048), (10, 512)])


@given(SHAPES, st.floats(0, 1), st.floats(0, 1))
def test_what_was_measured_goes_before_what_is_built_in(shape: tuple, density: float, break_even: float) -> None:
    kind = layer_kind(shape, 1, 32)
    assert choose(kind, density, {kind: break_even}) == ("sparse" if density <= break_even else "dense")
    assert choose(kind, density, {"conv 1x1x1x1 stride 1 batch 1": break_even}) == choose(kind, density)


@given(SHAPES, st.floats(0, 1))
def test_built_in_densities_are_by_operation(shape: tuple, density: float) -> None:
    expected = "sparse" if density <= BREAK_EVEN["conv" if len(shape) == 4 else "linear"] else "dense"
    assert choose(layer_kind(shape, 2, 10), density) == expected


def test_the_papers_sparsities_are_sparse_and_no_sparsity_is_dense() -> None:
    for shape in ((64, 3, 3, 64), (3136, 2048)):
        kind = layer_kind(shape, 1, 32)
        assert choose(kind, 0.05) == choose(kind, 0.1) == "sparse"
        assert choose(kind, 1.0) == "dense"


def test_a_model_settles_on_what_was_measured() -> None:
    model = femnist_cnn(sparsity=0.95)
    model.linear1.set_path("sparse")
    measured = {"conv 32x5x5x64 stride 1 batch 10": 0.01, "linear 3136x2048 batch 10": 0.01}
    paths = choose_paths(model, 10, measured)
    assert paths == {"conv1": "sparse", "conv2": "dense", "linear1": "sparse"}  # what was set by hand stays
    assert choose_paths(model, 10, {}) == paths  # settled for good
    assert [model.conv2.path_for(n) for n in (1, 10, 256)] == ["dense"] * 3


@pytest.mark.parametrize(
    ("sparsity", "activation_sparsity", "path"),
    [(0.95, 0.0, "sparse"), (0.5, 0.5, "sparse"), (0.0, 0.95, "dense"), (0.0, 0.0, "dense")],
)
def test_two_of_three_products_compute_with_the_weights(sparsity: float, activation_sparsity: float, path: str) -> None:
    layer = nn.SparseConv2d(64, 64, 3, sparsity=sparsity, activation_sparsity=activation_sparsity)
    assert layer.path_for(32) == path


def test_other_batch_sizes_are_other_kinds() -> None:
    measured = {"linear 9x4 batch 10": 0.0}
    layer = nn.SparseLinear(9, 4)
    assert (layer.path_for(10, measured), layer.path_for(32, measured)) == ("dense", "sparse")
