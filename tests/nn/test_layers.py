"""Every layer passes the conformance check, computes what its name says, and refuses what it cannot use."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minizerofl import Tensor, nn


def make(seed: int = 0) -> dict[str, tuple[nn.Module, tuple[int, ...]]]:
    def rng() -> np.random.Generator:
        return np.random.default_rng(seed)

    return {
        "linear": (nn.Linear(5, 3, rng=rng()), (5, 4)),
        "linear without bias": (nn.Linear(5, 3, bias=False, rng=rng()), (5, 4)),
        "sparse linear": (nn.SparseLinear(9, 8, rng=rng(), sparsity=0.8), (9, 4)),
        "sparse linear at 0": (nn.SparseLinear(9, 8, rng=rng(), sparsity=0.0), (9, 4)),
        "conv": (nn.Conv2d(2, 3, 3, stride=2, padding=1, rng=rng()), (2, 7, 6, 4)),
        "conv without bias": (nn.Conv2d(2, 3, 5, padding=2, bias=False, rng=rng()), (2, 6, 6, 3)),
        "sparse conv": (nn.SparseConv2d(3, 4, 3, padding=1, rng=rng(), sparsity=0.8), (3, 6, 6, 4)),
        "sparse conv at 0": (nn.SparseConv2d(2, 3, 3, stride=2, padding=1, rng=rng(), sparsity=0.0), (2, 6, 6, 4)),
        "batch norm": (nn.BatchNorm2d(3), (3, 4, 4, 5)),
        "group norm": (nn.GroupNorm(2, 4), (4, 3, 3, 5)),
        "max pool": (nn.MaxPool2d(2), (3, 6, 6, 2)),
        "max pool, overlapping": (nn.MaxPool2d(3, stride=2), (2, 7, 7, 2)),
        "average pool": (nn.AvgPool2d(2), (3, 6, 6, 2)),
        "global average pool": (nn.GlobalAvgPool(), (3, 4, 5, 2)),
        "relu": (nn.ReLU(), (3, 4)),
        "dropout": (nn.Dropout(0.4, rng()), (3, 4)),
        "flatten": (nn.Flatten(), (2, 3, 4, 5)),
        "empty sequential": (nn.Sequential(), (3, 4)),
        "a small network": (
            nn.Sequential(
                nn.Conv2d(1, 4, 3, padding=1, rng=rng()),
                nn.BatchNorm2d(4),
                nn.ReLU(),
                nn.MaxPool2d(2),
                nn.Flatten(),
                nn.Dropout(0.2, rng()),
                nn.Linear(4 * 9, 3, rng=rng()),
            ),
            (1, 6, 6, 4),
        ),
    }


@pytest.mark.parametrize("name", list(make()))
def test_conforms(name: str) -> None:
    layer, x_shape = make()[name]
    nn.check_module(layer, x_shape)


def tensor(*shape: int, seed: int = 0) -> Tensor:
    return Tensor(np.random.default_rng(seed).standard_normal(shape, dtype=np.float32))


def test_linear_is_w_x_plus_b() -> None:
    layer, x = nn.Linear(5, 3), tensor(5, 4)
    layer.bias.assign_([1.0, 2.0, 3.0])
    expected = layer.weight.data.T @ x.data + layer.bias.data[:, None]
    np.testing.assert_allclose(layer(x).data, expected, rtol=1e-5, atol=1e-5)


def test_conv_slides_its_kernel_over_the_padded_image() -> None:
    layer, x = nn.Conv2d(2, 3, kernel_size=3, stride=2, padding=1), tensor(2, 5, 7, 4)
    layer.bias.assign_([1.0, 2.0, 3.0])
    padded = np.pad(x.data, ((0, 0), (1, 1), (1, 1), (0, 0)))
    y = layer(x).data
    assert y.shape == (3, 3, 4, 4)
    for i in range(3):
        for j in range(4):
            window = padded[:, 2 * i : 2 * i + 3, 2 * j : 2 * j + 3]
            expected = np.einsum("iklo,ikln->on", layer.weight.data, window) + layer.bias.data[:, None]
            np.testing.assert_allclose(y[:, i, j], expected, rtol=1e-4, atol=1e-5)


def test_pooling_takes_the_largest_or_the_mean_of_each_window() -> None:
    image = np.arange(25, dtype=np.float32).reshape(1, 5, 5, 1)  # rows of 5, growing
    x = Tensor(image)
    assert nn.MaxPool2d(2)(x).data.ravel().tolist() == [6, 8, 16, 18]
    assert nn.AvgPool2d(2)(x).data.ravel().tolist() == [3, 5, 13, 15]
    assert nn.MaxPool2d(3, stride=2)(x).data.ravel().tolist() == [12, 14, 22, 24]
    assert nn.AvgPool2d(3, stride=2)(x).data.ravel().tolist() == [6, 8, 16, 18]
    assert nn.GlobalAvgPool()(x).data.tolist() == [[12]]


def test_flatten_keeps_samples_apart() -> None:
    x = tensor(2, 3, 4, 5)
    y = nn.Flatten()(x).data
    for n in range(5):
        np.testing.assert_array_equal(y[:, n], x.data[..., n].ravel())


@given(sparsity=st.sampled_from([0.0, 0.3, 0.5, 0.8, 0.95]), seed=st.integers(0, 99))
def test_sparse_layers_are_dense_layers_with_the_small_weights_set_to_zero(sparsity: float, seed: int) -> None:
    pairs = (
        (nn.SparseLinear(10, 10, sparsity=sparsity), nn.Linear(10, 10), tensor(10, 4, seed=seed)),
        (nn.SparseConv2d(4, 5, 5, sparsity=sparsity), nn.Conv2d(4, 5, 5), tensor(4, 6, 6, 3, seed=seed)),
        (nn.SparseConv2d(4, 5, 3, 2, 1, sparsity=sparsity), nn.Conv2d(4, 5, 3, 2, 1), tensor(4, 7, 6, 3, seed=seed)),
    )
    for sparse, dense, x in pairs:
        dense.load_state_dict(sparse.state_dict())
        w = sparse.weight.numpy()
        kept = int(np.ceil(round((1 - sparsity) * w.size, 6)))
        threshold = np.sort(np.abs(w), axis=None)[-kept]
        dense.weight.assign_(np.where(np.abs(w) >= threshold, w, 0))
        expected = dense(x).data
        for mode in (True, False):  # evaluation uses the largest weights as well
            np.testing.assert_allclose(sparse.train(mode)(x).data, expected, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize(
    ("make_layer", "shape", "thinned"),
    [
        (lambda **s: nn.SparseLinear(10, 10, sparsity=0.9, **s), (10, 4), 10 * 4),  # 4 of 40 activations, 10 outputs
        (lambda **s: nn.SparseConv2d(4, 5, 3, sparsity=0.9, **s), (4, 3, 3, 1), 5 * 4),  # 4 of 36, 5 output channels
    ],
)
def test_activation_sparsity_thins_the_weight_gradient(make_layer, shape: tuple[int, ...], thinned: int) -> None:
    touched = {}
    for activation_sparsity in (None, 0.9, 0.0):
        layer = make_layer(activation_sparsity=activation_sparsity)
        layer(tensor(*shape)).sum().backward()
        touched[activation_sparsity] = np.count_nonzero(layer.weight.grad)
    assert touched[0.0] == layer.weight.size
    assert 0 < touched[0.9] == touched[None] <= thinned


@pytest.mark.parametrize("value", [-0.1, 1.0, 1.5, float("nan")])
def test_sparsities_are_fractions_below_one(value: float) -> None:
    for make_layer in (lambda **s: nn.SparseLinear(4, 4, **s), lambda **s: nn.SparseConv2d(4, 4, 3, **s)):
        with pytest.raises(ValueError, match=r"Sparse\w+: sparsity is"):
            make_layer(sparsity=value)
        with pytest.raises(ValueError, match=r"Sparse\w+: activation_sparsity is"):
            make_layer(activation_sparsity=value)


def test_batch_norm_keeps_running_statistics_of_training_batches_only() -> None:
    layer, x = nn.BatchNorm2d(3, momentum=0.25), tensor(3, 4, 4, 8)
    layer(x)
    flat = x.data.reshape(3, -1)
    np.testing.assert_allclose(layer.running_mean, 0.25 * flat.mean(1), atol=1e-6)
    np.testing.assert_allclose(layer.running_var, 0.75 + 0.25 * flat.var(1, ddof=1), rtol=1e-5)
    before = layer.state_dict()
    y = layer.eval()(x).data
    expected = (flat - layer.running_mean[:, None]) / np.sqrt(layer.running_var[:, None] + 1e-5)
    np.testing.assert_allclose(y.reshape(3, -1), expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(layer.running_mean, before["running_mean"])


@pytest.mark.parametrize("eps", [1e-5, 0.5])
def test_group_norm_normalises_each_sample_in_groups(eps: float) -> None:
    layer, x = nn.GroupNorm(2, 6, eps), tensor(6, 3, 4, 5)
    layer.weight.assign_(np.arange(6))
    layer.bias.assign_(np.ones(6))
    groups = x.data.reshape(2, 36, 5)
    groups = (groups - groups.mean(1, keepdims=True)) / np.sqrt(groups.var(1, keepdims=True) + eps)
    expected = groups.reshape(x.shape) * np.arange(6)[:, None, None, None] + 1
    np.testing.assert_allclose(layer(x).data, expected, rtol=1e-4, atol=1e-5)


def test_batch_norm_leaves_a_batch_of_one_value_per_channel_to_the_averages() -> None:
    layer = nn.BatchNorm2d(3)
    layer(tensor(3, 4, 4, 8))
    before, x = layer.state_dict(), tensor(3, 1, 1, 1)
    y = layer(x).data
    for name, array in layer.state_dict().items():
        np.testing.assert_array_equal(array, before[name])
    np.testing.assert_array_equal(y, layer.eval()(x).data)


def test_dropout_is_reproducible_and_only_for_training() -> None:
    x = Tensor(np.ones((50, 40), np.float32))
    a, b = (nn.Dropout(0.25, np.random.default_rng(1)) for _ in range(2))
    first = a(x).data
    np.testing.assert_array_equal(first, b(x).data)
    assert (a(x).data != first).any()
    assert abs(float((first == 0).mean()) - 0.25) < 0.05
    np.testing.assert_array_equal(a.eval()(x).data, x.data)
    with pytest.raises(ValueError, match="Dropout: p is 1"):
        nn.Dropout(1.0)


def test_sequential_is_a_sequence() -> None:
    first, second = nn.Linear(2, 3), nn.ReLU()
    model = nn.Sequential(first, second)
    assert list(model) == [first, second]
    assert len(model) == 2
    assert model[-1] is second
    x = tensor(2, 4)
    np.testing.assert_array_equal(model(x).data, second(first(x)).data)
    with pytest.raises(TypeError, match="part 1 is a type, expected a Module"):
        nn.Sequential(nn.ReLU(), nn.ReLU)


@pytest.mark.parametrize(
    ("layer", "shape", "expected"),
    [
        (nn.Linear(5, 3), (4, 5), r"Linear\(in_features=5.*\(4, 5\), expected \(5, N\)"),
        (nn.Linear(5, 3), (5, 2, 2, 1), r"expected \(5, N\)"),
        (nn.SparseLinear(5, 3), (4, 5), r"SparseLinear\(.*expected \(5, N\)"),
        (nn.Conv2d(2, 3, 3), (3, 8, 8, 2), r"Conv2d\(.*\(3, 8, 8, 2\), expected \(2, H, W, N\)"),
        (nn.SparseConv2d(2, 3, 3), (2, 8, 8), r"SparseConv2d\(.*expected \(2, H, W, N\)"),
        (nn.BatchNorm2d(2), (3, 8, 8, 2), r"expected \(2, H, W, N\)"),
        (nn.GroupNorm(2, 4), (2, 8, 8, 2), r"expected \(4, H, W, N\)"),
        (nn.MaxPool2d(2), (8, 8, 2), r"expected \(C, H, W, N\)"),
        (nn.AvgPool2d(2), (8, 8), r"expected \(C, H, W, N\)"),
        (nn.GlobalAvgPool(), (8, 8), r"expected \(C, H, W, N\)"),
        (nn.Flatten(), (8,), r"Flatten: the input has shape \(8,\)"),
    ],
)
def test_inputs_of_the_wrong_shape_are_refused(layer: nn.Module, shape: tuple[int, ...], expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        layer(tensor(*shape))


def test_group_norm_needs_a_divisor() -> None:
    with pytest.raises(ValueError, match="groups is 3, expected a divisor of the 4 channels"):
        nn.GroupNorm(3, 4)
