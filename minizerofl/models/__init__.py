"""The networks of the paper, and a registry through which a saved model finds its builder again.

Reading order: `femnist` (five layers), `resnet` (residual blocks), `setup` (what a run sets on a model).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from minizerofl.choices import MODELS
from minizerofl.lazy import lazy

if TYPE_CHECKING:
    from minizerofl.models.femnist import FemnistCNN, femnist_cnn
    from minizerofl.models.resnet import ResNet, resnet18
    from minizerofl.nn import Module

__all__ = ["MODELS", "FemnistCNN", "ResNet", "build", "femnist_cnn", "resnet18"]

__getattr__, __dir__ = lazy(
    __name__,
    {
        "FemnistCNN": "minizerofl.models.femnist",
        "ResNet": "minizerofl.models.resnet",
        "femnist_cnn": "minizerofl.models.femnist",
        "resnet18": "minizerofl.models.resnet",
    },
)


def build(name: str, **arguments: float) -> Module:
    """Build a model by name; add a builder to `MODELS` to make a new one known.

    Parameters
    ----------
    name : str
        A key of `MODELS`, or "package.module:builder": a function of your own with the parameters `sparsity` and
        `seed`, among others.
    **arguments
        Passed to the builder, such as ``num_classes``, ``sparsity`` and ``seed``.

    Returns
    -------
    Module
        The model.

    Raises
    ------
    ChoiceError
        No model has that name, or a builder of your own cannot be imported or used.
    TypeError
        The builder does not know an argument.

    Examples
    --------
    >>> model = build("femnist_cnn", num_classes=10)
    >>> model.linear2
    Linear(in_features=2048, out_features=10)
    """
    MODELS.check(name)
    return MODELS[name](**arguments)
