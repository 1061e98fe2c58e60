"""Saved models with weights and statistics that are not trivial."""

import inspect
from collections.abc import Callable

import numpy as np
import pytest

from minizerofl.fl import SavedModel
from minizerofl.models import MODELS, build
from minizerofl.models.setup import Setup

SHAPES = {"femnist_cnn": (1, 28, 28), "resnet18": (3, 32, 32)}  # of samples; any will do for the other models
CLASSES = [f"class {i}" for i in range(7)]


@pytest.fixture(scope="session")
def random_model() -> Callable[..., SavedModel]:
    """Make a saved model of the registry: random weights, and statistics as after training."""

    def make(name: str, sparsity: float = 0.9, seed: int = 0, **setup: object) -> SavedModel:
        shape = SHAPES.get(name, (2, 9, 12))
        offered = {"num_classes": len(CLASSES), "in_channels": shape[0], "input_shape": shape}
        known = inspect.signature(MODELS[name]).parameters
        arguments = {key: value for key, value in offered.items() if key in known} | {
            "sparsity": sparsity,
            "seed": seed,
        }
        state, rng = build(name, **arguments).state_dict(), np.random.default_rng(seed)
        for key, value in state.items():
            if value.ndim == 1:
                positive = key.endswith("running_var") or "norm" in key
                drawn = rng.uniform(0.5, 1.5, value.shape) if positive else rng.normal(0, 0.3, value.shape)
                state[key] = drawn.astype(np.float32)
        about = {"dataset": "mine", "source": "synthetic", "class_names": CLASSES, "input_shape": list(shape)}
        about["transform"] = {"formula": "x / 255"}
        return SavedModel(name, arguments, state, about, Setup(**setup))

    return make


@pytest.fixture(scope="session")
def some_samples() -> Callable[[SavedModel], np.ndarray]:
    """Draw samples for a model, (N, C, H, W)."""

    def draw(saved: SavedModel, count: int = 5) -> np.ndarray:
        return np.random.default_rng(1).normal(0, 1, (count, *saved.about["input_shape"])).astype(np.float32)

    return draw
