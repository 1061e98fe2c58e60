"""The settings of a model beyond its builder's arguments: initial weights, sparsities, and the rule of selection."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from minizerofl.autograd.tensor import Array
from minizerofl.choices import INITS, RULES
from minizerofl.nn import BatchNorm2d, Conv2d, Linear, Module
from minizerofl.nn.paths import sparse_layers
from minizerofl.nn.rule import set_selection
from minizerofl.registry import unknown
from minizerofl.sparse.fixed import Initial
from minizerofl.sparse.rules import Selection


@dataclass(frozen=True)
class Setup:
    """The part of a run's settings that belongs to the model itself; a saved model keeps it.

    Attributes
    ----------
    weight_sparsity, activation_sparsity : float or None
        The shares of the weights, and of the activations, that the sparse layers leave out; None: as they were built.
    selection : str
        The rule that chooses the weights, a name of `minizerofl.choices.RULES`.
    selection_period : int
        The number of training steps from one selection to the next; see `minizerofl.nn.rule.set_selection`.
    seed : int
        The seed of the rule.
    init : str
        How the initial weights are drawn, a name of `minizerofl.choices.INITS`.
    init_seed : int
        Draws them.

    Examples
    --------
    >>> from minizerofl.models import femnist_cnn
    >>> model = femnist_cnn(sparsity=0.95)
    >>> Setup(activation_sparsity=0.0).apply(model)
    >>> model.conv2.sparsity, model.conv2.activation_sparsity
    (0.95, 0.0)
    """

    weight_sparsity: float | None = None
    activation_sparsity: float | None = None
    selection: str = "top-k"
    selection_period: int = 1
    seed: int = 0
    init: str = "he-normal"
    init_seed: int = 0

    def rule(self) -> Selection:
        """Make the rule of selection."""
        return RULES[self.selection](self.seed)

    def apply(self, model: Module, rule: Selection | None = None) -> None:
        """Set all of this on a model. `rule` is a rule that exists already; None makes one, see `Setup.rule`."""
        initialise(model, self.init, self.init_seed)
        for layer in sparse_layers(model).values():
            weights = layer.sparsity if self.weight_sparsity is None else self.weight_sparsity
            activations = layer.activation_sparsity if self.activation_sparsity is None else self.activation_sparsity
            layer.set_sparsity(weights, activations)
        self.choose_rule(model, rule)

    def choose_rule(self, model: Module, rule: Selection | None = None) -> None:
        """Set the rule alone; one that is made here takes the weights of the model as the initial ones."""
        if rule is None:
            rule = self.rule()
            rule.begin(initial_weights(model))
        set_selection(model, rule, self.selection_period)


def begin_with(model: Module, initial: Mapping[str, Array] | None, rule: Selection) -> None:
    """Give a model the weights that a run begins with; None for those it has.

    Raises
    ------
    TypeError, ValueError
        The weights are not those of such a model, or the rule needs weights that `Setup.init` draws.
    """
    if initial is not None:
        if isinstance(rule, Initial):
            raise ValueError(
                "the rule 'fixed' keeps the weights that are largest as drawn, and a saved model must find them again; "
                "take another rule, or begin with weights that are drawn"
            )
        model.load_state_dict(initial)


def initial_weights(model: Module) -> dict[str, Array]:
    """Return the weights of the sparse layers of a model by dotted name, for `Selection.begin`."""
    return {f"{name}.weight" if name else "weight": layer.weight.data for name, layer in sparse_layers(model).items()}


def initialise(model: Module, name: str, seed: int) -> None:
    """Draw the initial weights of a model's linear and convolutional layers again.

    ============  ==========================================================================
    name          weights, and biases
    ============  ==========================================================================
    `he-normal`   N(0, 2 / fan_in), and 0: the builders draw this, so nothing changes
    `he-uniform`  uniform with the same variance: between plus and minus sqrt(6 / fan_in), and 0
    `torch`       PyTorch's default: both uniform between plus and minus 1 / sqrt(fan_in)
    ============  ==========================================================================

    The two others are there to show their effect on sparse training.

    Parameters
    ----------
    model : Module
        The model.
    name : str
        One of `INITS`.
    seed : int
        Draws the weights.

    Raises
    ------
    ValueError
        No initialisation has that name.

    Examples
    --------
    >>> from minizerofl import nn
    >>> layer = nn.Linear(100, 50)
    >>> initialise(layer, "torch", seed=0)
    >>> bool(abs(layer.weight.data).max() <= 0.1)
    True
    """
    if name not in INITS:
        raise ValueError(f"init {unknown(name, INITS)}")
    if name == "he-normal":
        return
    rng = np.random.default_rng(seed)
    for layer in model.modules():
        if isinstance(layer, Conv2d | Linear):
            fan_in = layer.weight.size // layer.weight.shape[-1]
            bound = math.sqrt((6 if name == "he-uniform" else 1) / fan_in)
            layer.weight.assign_(rng.uniform(-bound, bound, layer.weight.shape))
            if name == "torch" and layer.bias is not None:
                layer.bias.assign_(rng.uniform(-bound, bound, layer.bias.shape))


def batch_norm_names(model: Module) -> frozenset[str]:
    """Name the parameters and running statistics of all BatchNorm layers.

    Examples
    --------
    >>> from minizerofl import nn
    >>> sorted(batch_norm_names(nn.Sequential(nn.BatchNorm2d(2))))
    ['0.bias', '0.running_mean', '0.running_var', '0.weight']
    """
    layers = [(prefix, layer) for prefix, layer in model.named_modules() if isinstance(layer, BatchNorm2d)]
    return frozenset(f"{prefix}.{name}" if prefix else name for prefix, layer in layers for name in layer.state_dict())
