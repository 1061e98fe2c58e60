"""The networks of the paper, and a registry through which a saved model finds its builder again."""

from __future__ import annotations

import difflib
from collections.abc import Callable

from minizerofl.models.femnist import FemnistCNN, femnist_cnn
from minizerofl.models.resnet import ResNet, resnet18
from minizerofl.nn import Module

__all__ = ["MODELS", "FemnistCNN", "ResNet", "build", "femnist_cnn", "resnet18"]

MODELS: dict[str, Callable[..., Module]] = {"femnist_cnn": femnist_cnn, "resnet18": resnet18}


def build(name: str, **arguments: float) -> Module:
    """Build a model by name; add a builder to `MODELS` to make a new one known.

    Parameters
    ----------
    name : str
        A key of `MODELS`.
    **arguments
        Passed to the builder, such as ``num_classes``, ``sparsity`` and ``seed``.

    Returns
    -------
    Module
        The model.

    Raises
    ------
    ValueError
        No model has that name.
    TypeError
        The builder does not know an argument.

    Examples
    --------
    >>> model = build("femnist_cnn", num_classes=10)
    >>> model.linear2
    Linear(in_features=2048, out_features=10)
    """
    if name not in MODELS:
        near = difflib.get_close_matches(name, MODELS, n=1, cutoff=0.4)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise ValueError(f"build: unknown model {name!r}; {hint}Known models: {', '.join(sorted(MODELS))}")
    return MODELS[name](**arguments)
