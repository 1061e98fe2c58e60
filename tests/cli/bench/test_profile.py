"""The profile: it changes nothing, counts what is there, and leaves no trace."""

from collections.abc import Callable

import numpy as np
import pytest

from minizerofl import Tensor, nn, ops, optim
from minizerofl.models import femnist_cnn, resnet18
from minizerofl_cli.bench.hooks import hooked
from minizerofl_cli.bench.profile import BETWEEN, UPDATE, profile_step

IMAGES = np.random.default_rng(0).random((1, 28, 28, 3), np.float32)
LABELS = np.array([0, 5, 61])


def test_a_profiled_step_is_the_step() -> None:
    plain, watched = femnist_cnn(sparsity=0.9), femnist_cnn(sparsity=0.9)
    optimiser = optim.SGD(plain.parameters(), 0.1)
    ops.cross_entropy(plain(Tensor(IMAGES)), LABELS).backward()
    optimiser.step()
    profile_step(watched, optim.SGD(watched.parameters(), 0.1), IMAGES, LABELS)
    state = watched.state_dict()
    for name, value in plain.state_dict().items():
        np.testing.assert_array_equal(value, state[name])


def test_nothing_stays_behind(alive: Callable[[], int]) -> None:
    model = femnist_cnn(sparsity=0.9)
    optimiser = optim.SGD(model.parameters(), 0.1)
    before = alive()
    profile_step(model, optimiser, IMAGES, LABELS)
    assert alive() == before
    assert not any("forward" in vars(module) for module in model.modules())


def test_hooks_go_even_if_the_model_fails() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    with pytest.raises(ValueError, match="expected"), hooked(model, lambda name, layer, forward: forward):
        model(Tensor(np.ones((3, 1), np.float32)))
    assert not any("forward" in vars(module) for module in model.modules())


def test_rows_of_the_femnist_network() -> None:
    model = femnist_cnn(sparsity=0.9)
    rows = profile_step(model, optim.SGD(model.parameters(), 0.1), IMAGES, LABELS)
    names = ["conv1", "pool", "conv2", "pool", "flatten", "linear1", "linear2", BETWEEN, UPDATE]
    assert [row.name for row in rows] == names
    by_name = {row.name: row for row in rows}
    conv1, conv2, linear1, linear2 = (by_name[name] for name in ("conv1", "conv2", "linear1", "linear2"))
    assert conv1.macs.dense == 32 * 25 * 28 * 28 * 3
    assert conv1.macs.done[1] == 0  # images need no gradient
    assert conv2.macs.done[:2] == (64 * 32 * 25 // 10 * 14 * 14 * 3,) * 2
    assert (linear1.weight_density, linear2.weight_density) == (pytest.approx(0.1, abs=1e-6), 1)
    assert 0 < linear1.activation_density <= 0.1001
    assert linear2.macs.done == (linear2.macs.dense,) * 3
    assert all(row.forward_seconds > 0 for row in rows[:-1])
    assert all(row.backward_seconds > 0 for row in rows)


def test_kept_bytes_are_counted_once_and_without_parameters() -> None:
    model = nn.Sequential(nn.Linear(10, 6), nn.ReLU(), nn.Linear(6, 2))
    rows = profile_step(model, optim.SGD(model.parameters(), 0.1), np.ones((10, 4), np.float32), LABELS[:1].repeat(4))
    assert rows[0].kept_bytes == 4 * 10 * 4  # its input
    assert rows[2].kept_bytes <= 4 * 6 * 4
    sparse = nn.Sequential(nn.SparseLinear(100, 60, sparsity=0.9))
    kept = profile_step(
        sparse, optim.SGD(sparse.parameters(), 0.1), np.ones((100, 4), np.float32), LABELS[:1].repeat(4)
    )
    assert 600 * 8 <= kept[0].kept_bytes < 4 * 100 * 60  # values and indices of the weights, less than all weights


def test_shared_layers_have_a_row_for_each_call() -> None:
    layer = nn.Linear(4, 4)
    model = nn.Sequential(layer, nn.ReLU(), layer)
    rows = profile_step(model, optim.SGD(model.parameters(), 0.1), np.ones((4, 2), np.float32), LABELS[:2] % 4)
    assert [row.kind for row in rows[:3]] == ["Linear", "ReLU", "Linear"]
    assert rows[2].macs.done[1] == rows[2].macs.dense


def test_every_node_of_a_residual_network_belongs_to_one_row() -> None:
    model = resnet18(sparsity=0.95)
    images = np.random.default_rng(0).random((3, 32, 32, 2), np.float32)
    rows = profile_step(model, optim.SGD(model.parameters(), 0.1), images, LABELS[:2])
    nodes = [id(node) for row in rows for node in row.nodes]
    assert len(nodes) == len(set(nodes))
    convolutions = [row for row in rows if row.kind in ("Conv2d", "SparseConv2d")]
    assert len(convolutions) == 20
    assert all(len(row.nodes) == 1 for row in convolutions)
    assert sum(row.weight_density < 0.06 for row in convolutions) == 16
