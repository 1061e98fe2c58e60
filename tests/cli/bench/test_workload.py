"""What is measured: real steps on images of the data set, with trained weights."""

import numpy as np
import pytest

from minizerofl.fl import ConfigError, SavedModel, load_model, save_model
from minizerofl.models import build
from minizerofl.models.setup import Setup
from minizerofl.nn import sparse_weights
from minizerofl_cli.bench import workload
from minizerofl_cli.bench.workload import batches, prepare


def test_weights_of_a_run(paper_run) -> None:
    work = prepare(None, paper_run.path, None, 5)
    assert work.name == "femnist_cnn"
    assert str(paper_run.path) in work.opening[-1]
    assert "SYNTHETIC" in work.opening[0]
    state = load_model(paper_run.path / "model.h5").state
    step = work.step(0.8, 5)
    assert set(sparse_weights(step.model).values()) == {0.8}
    for name, value in step.model.state_dict().items():
        np.testing.assert_array_equal(value, state[name])
    step()
    assert any((value != state[name]).any() for name, value in step.model.state_dict().items())


def test_without_wishes_a_step_is_that_of_the_run(tmp_path) -> None:
    setup = Setup(weight_sparsity=0.8, activation_sparsity=0.0, selection="erk")
    model = build("femnist_cnn", num_classes=62, sparsity=0.9)
    saved = SavedModel("femnist_cnn", {"num_classes": 62, "sparsity": 0.9}, model.state_dict(), setup=setup)
    save_model(tmp_path / "a.h5", saved)
    work = prepare(None, tmp_path / "a.h5", None, 5)
    assert work.setting(None, None) == (0.8, "erk")
    assert work.setting(0.7, None) == (0.7, "erk")
    own, other = (work.step(None, 5, rule).model.conv2 for rule in (None, "top-k"))
    assert (own.sparsity, own.activation_sparsity, own.support() is None) == (0.8, 0.0, False)
    assert (other.sparsity, other.activation_sparsity, other.support() is None) == (0.8, None, True)


def test_a_run_of_another_model_is_refused(paper_run) -> None:
    with pytest.raises(ConfigError, match="holds a femnist_cnn, but --model is resnet18"):
        prepare("resnet18", paper_run.path, None, 5)


def test_without_a_run_the_weights_are_trained_first(monkeypatch) -> None:
    monkeypatch.setattr(workload, "TRAINING_STEPS", 2)
    work = prepare(None, None, None, 3)
    assert "trained here for 20 steps" not in work.opening[-1]
    first, second = work.steps(0.9, 3, workers=2)
    initial = workload.build(work.name, **work.arguments, sparsity=0.9).state_dict()
    for name, value in first.model.state_dict().items():
        assert (value != initial[name]).any(), name
        np.testing.assert_array_equal(value, second.model.state_dict()[name])
    assert first.model is not second.model


def test_colour_images_come_with_their_network() -> None:
    work = prepare("resnet18", None, None, 2)
    assert work.arguments == {"num_classes": 10, "in_channels": 3}
    assert work.samples[0].shape == (2 * workload.BATCHES, 3, 32, 32)


def test_batches_are_all_of_one_size() -> None:
    x, y = np.arange(10, dtype=np.float32)[:, None], np.arange(10)
    assert [part.tolist() for _, part in batches((x, y), 4)] == [[0, 1, 2, 3], [4, 5, 6, 7]]
