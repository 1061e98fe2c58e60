"""The models: sizes, shapes, which layers are sparse, and the registry."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minizerofl import Tensor, models, no_grad, ops
from minizerofl.nn import check_module, sparse_weights
from minizerofl.optim import SGD

MODELS = {
    "femnist_cnn": {"parameters": 6_603_710, "x": (1, 28, 28), "sparse": 3, "classes": 62},
    "resnet18": {"parameters": 11_173_962, "x": (3, 32, 32), "sparse": 16, "classes": 10},
    "mlp": {"parameters": 235_146, "x": (1, 28, 28), "sparse": 2, "classes": 10},
    "small_cnn": {"parameters": 115_114, "x": (1, 28, 28), "sparse": 3, "classes": 10},
}
ANY_SHAPE = st.tuples(st.integers(1, 3), st.integers(1, 13), st.integers(1, 13))


@pytest.fixture(params=MODELS)
def name(request: pytest.FixtureRequest) -> str:
    return request.param


def test_every_model_is_tested() -> None:
    assert set(models.MODELS) == set(MODELS)


@pytest.mark.parametrize("sparsity", [0.0, 0.9])
def test_sizes(name: str, sparsity: float) -> None:
    model = models.build(name, sparsity=sparsity)
    assert sum(p.size for p in model.parameters()) == MODELS[name]["parameters"]
    expected = MODELS[name]["sparse"] if sparsity else 0
    assert list(sparse_weights(model).values()) == [sparsity] * expected
    assert all(p.dtype == np.float32 for p in model.parameters())


def test_resnet_has_the_papers_dense_parts() -> None:
    model = models.resnet18(sparsity=0.95)
    sparse = sparse_weights(model)
    shapes = {n: p.shape for n, p in model.named_parameters() if n not in sparse}
    assert shapes.pop("stem.weight") == (3, 3, 3, 64)
    assert shapes.pop("classifier.weight") == (512, 10)
    assert shapes.pop("classifier.bias") == (10,)
    assert sum(np.prod(s) for s in shapes.values() if len(s) == 4) == 172_032  # the 1x1 shortcuts
    assert sum(np.prod(s) for s in shapes.values() if len(s) == 1) == 9_600  # BatchNorm's scales and shifts
    assert sum(b.size for b in model.buffers()) == 9_600
    assert all(shape[1:3] == (3, 3) for n, shape in ((n, p.shape) for n, p in model.named_parameters()) if n in sparse)


def test_femnist_classifier_is_dense() -> None:
    assert list(sparse_weights(models.femnist_cnn(sparsity=0.5))) == ["conv1.weight", "conv2.weight", "linear1.weight"]


def test_the_seed_alone_decides_the_weights(name: str) -> None:
    dense, sparse = models.build(name, seed=3), models.build(name, seed=3, sparsity=0.95)
    other = models.build(name, seed=4)
    for (n, a), b, c in zip(dense.named_parameters(), sparse.parameters(), other.parameters(), strict=True):
        np.testing.assert_array_equal(a.data, b.data)
        assert n.endswith("bias") or "norm" in n or n.startswith("blocks") or (a.data != c.data).any()
    sparse.load_state_dict(dense.state_dict())  # and the names are the same


@pytest.mark.parametrize("sparsity", [0.0, 0.95])
def test_one_step_reaches_every_parameter(name: str, sparsity: float) -> None:
    model = models.build(name, sparsity=sparsity)
    x = Tensor(np.random.default_rng(0).standard_normal((*MODELS[name]["x"], 2), dtype=np.float32))
    logits = model(x)
    assert logits.shape == (MODELS[name]["classes"], 2)
    ops.cross_entropy(logits, np.array([1, 5])).backward()
    before = model.state_dict()
    SGD(model.parameters(), lr=0.1).step()
    after = model.state_dict()
    unchanged = [n for n, _ in model.named_parameters() if np.array_equal(before[n], after[n])]
    assert unchanged == []


def test_residual_blocks_conform() -> None:
    rng = np.random.default_rng(0)
    check_module(models.resnet.BasicBlock(4, 4, 1, 0.0, rng), (4, 6, 6, 3))
    check_module(models.resnet.BasicBlock(4, 6, 2, 0.0, rng), (4, 6, 6, 3))
    check_module(models.resnet.BasicBlock(4, 6, 2, 0.8, rng), (4, 6, 6, 3))


def test_channels_and_classes_are_arguments() -> None:
    with no_grad():
        x = Tensor(np.ones((1, 32, 32, 2), np.float32))
        assert models.resnet18(in_channels=1, num_classes=12)(x).shape == (12, 2)


@given(st.sampled_from(["mlp", "small_cnn", "femnist_cnn"]), ANY_SHAPE, st.integers(2, 7), st.sampled_from([0.0, 0.8]))
def test_an_image_may_have_any_shape(name: str, shape: tuple[int, int, int], classes: int, sparsity: float) -> None:
    arguments = {"num_classes": classes, "input_shape": shape, "sparsity": sparsity}
    if name == "femnist_cnn" and min(shape[1:]) < 4:
        with pytest.raises(ValueError, match=r"input_shape is .* at least 4 pixels; take another model, such as mlp"):
            models.build(name, **arguments)
        return
    model = models.build(name, **arguments)
    x = Tensor(np.ones((*shape, 2), np.float32))
    logits = model(x)
    assert logits.shape == (classes, 2)
    ops.cross_entropy(logits, np.array([0, 1])).backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


@pytest.mark.parametrize("sparsity", [0.0, 0.8])
@pytest.mark.parametrize("build", [models.mlp, models.small_cnn])
def test_the_small_models_conform(build, sparsity: float) -> None:
    check_module(build(3, (2, 5, 3), sparsity), (2, 5, 3, 4))


def test_unknown_names_and_arguments() -> None:
    with pytest.raises(
        ValueError, match=r"model 'resnet-18' is unknown; did you mean 'resnet18'\? Known: femnist_cnn,"
    ):
        models.build("resnet-18")
    with pytest.raises(ValueError, match=r"model 'zzz' is unknown\. Known"):
        models.build("zzz")
    with pytest.raises(TypeError, match="no parameter 'depth'; it has in_channels, num_classes, sparsity, seed"):
        models.build("resnet18", depth=50)
    with pytest.raises(ValueError, match=r"sparsity is 1\.5"):
        models.femnist_cnn(sparsity=1.5)


def test_nothing_needs_pytorch() -> None:
    code = (
        "import importlib, pkgutil, sys\n"
        "sys.modules['torch'] = None  # from now on its import is an error\n"
        "import minizerofl\n"
        "for module in pkgutil.walk_packages(minizerofl.__path__, 'minizerofl.'):\n"
        "    if module.name != 'minizerofl.fl.engines.flower':  # it needs an extra of its own\n"
        "        importlib.import_module(module.name)\n"
        "model = minizerofl.models.femnist_cnn(sparsity=0.95)\n"
        "minizerofl.optim.SGD(model.parameters(), lr=0.1)\n"
        "print('done')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr
