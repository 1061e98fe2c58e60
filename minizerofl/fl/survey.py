"""What a rule of selection may ask the clients for at the beginning of a run, see `Selection.begin`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from minizerofl.fl.data import FederatedData
from minizerofl.fl.errors import ConfigError
from minizerofl.fl.payload import State
from minizerofl.fl.settings import Settings
from minizerofl.models.setup import Setup
from minizerofl.nn import Module
from minizerofl.sparse.rules import Selection


@dataclass(frozen=True)
class Survey:
    """The clients, and models to send them, before the first round.

    What is asked here is not part of any round: `history.csv` has neither its bytes nor its time. It depends on the
    settings alone, so a run that is resumed asks again and gets the same answer.

    Attributes
    ----------
    construct : callable
        Builds the model of the run; keywords replace arguments of its builder.
    setup : Setup
        What is set on it.
    state : dict of str to array
        Its initial weights.
    data : FederatedData
        The clients.
    settings : Settings
        The settings of the run.
    """

    construct: Callable[..., Module]
    setup: Setup
    state: State
    data: FederatedData
    settings: Settings

    def dense_model(self) -> Module:
        """Build the model with all weights taking part, and give it the initial weights."""
        return self._begun(self.construct(sparsity=0.0))

    def sparse_model(self, rule: Selection) -> Module:
        """Build the model with a rule of its own, and give it the initial weights."""
        model = self.construct()
        self.setup.apply(model, rule)
        return self._begun(model)

    def need_samples(self) -> None:
        """Make sure that the clients can be asked here: devices keep their samples to themselves.

        Raises
        ------
        ConfigError
            They cannot.
        """
        if any(self.data.train(client)[1].size < self.data.num_train(client) for client in self.data.clients[:1]):
            raise ConfigError(
                f"selection {self.settings.selection!r} asks clients before the first round, but their samples are on "
                "other devices; take another rule"
            )

    def _begun(self, model: Module) -> Module:
        model.load_state_dict(self.state)
        return model
