"""The settings of a model beyond its builder's arguments: initial weights, sparsities, and the rule of selection."""

from __future__ import annotations

from dataclasses import dataclass

from minizerofl.choices import RULES
from minizerofl.nn import Module
from minizerofl.nn.init import initialise
from minizerofl.nn.paths import sparse_layers
from minizerofl.nn.rule import set_selection
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
        set_selection(model, rule or self.rule(), self.selection_period)
