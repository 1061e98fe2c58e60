"""The networks of the paper, two smaller ones, and a registry through which a saved model finds its builder again.

Reading order: `femnist` (five layers), `resnet` (residual blocks), `small` (an MLP and a small CNN for any image),
`builder` (what a function of your own needs to build a model), `setup` (what a run sets on a model).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from minizerofl.choices import MODELS
from minizerofl.lazy import lazy

if TYPE_CHECKING:
    from minizerofl.models.builder import Argument
    from minizerofl.models.femnist import FemnistCNN, femnist_cnn
    from minizerofl.models.resnet import ResNet, resnet18
    from minizerofl.models.small import MLP, SmallCNN, mlp, small_cnn
    from minizerofl.nn import Module

__all__ = ["MLP", "MODELS", "FemnistCNN", "ResNet", "SmallCNN", "build", "femnist_cnn", "mlp", "resnet18", "small_cnn"]

__getattr__, __dir__ = lazy(
    __name__,
    {
        "FemnistCNN": "minizerofl.models.femnist",
        "MLP": "minizerofl.models.small",
        "ResNet": "minizerofl.models.resnet",
        "SmallCNN": "minizerofl.models.small",
        "femnist_cnn": "minizerofl.models.femnist",
        "mlp": "minizerofl.models.small",
        "resnet18": "minizerofl.models.resnet",
        "small_cnn": "minizerofl.models.small",
    },
)


def build(name: str, **arguments: Argument) -> Module:
    """Build a model by name; add a builder to `MODELS` to make a new one known.

    Parameters
    ----------
    name : str
        A key of `MODELS`, or "package.module:builder": a function of your own with the parameters `sparsity` and
        `seed`, among others.
    **arguments
        Passed to the builder, such as ``num_classes``, ``input_shape``, ``sparsity`` and ``seed``.

    Returns
    -------
    Module
        The model.

    Raises
    ------
    ChoiceError
        No model has that name, a builder of your own cannot be imported or used, or it fails.
    TypeError
        The builder does not know an argument.

    Examples
    --------
    >>> model = build("femnist_cnn", num_classes=10)
    >>> model.linear2
    Linear(in_features=2048, out_features=10)
    """
    from minizerofl.models.builder import construct, find

    return construct(*find(name), arguments)
