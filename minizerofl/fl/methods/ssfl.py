"""SSFL: one mask for the whole run, from the gradients of all clients at the initial weights (TMLR 2026).

1. Every client takes one mini-batch at the initial weights w_0 and computes s_k = |dL/dw * w_0|, the saliency of each
   weight (as SNIP does).
2. The server averages: s = sum_k (n_k / n) s_k.
3. The largest s of all layers together are the mask. Only its weights are trained and sent, values only.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from minizerofl.autograd.tensor import Array
from minizerofl.fl.data import FederatedData
from minizerofl.fl.gradients import gradients
from minizerofl.fl.methods.method import Method
from minizerofl.fl.payload import State
from minizerofl.fl.seeds import Purpose, generator
from minizerofl.fl.survey import Survey
from minizerofl.nn import Module
from minizerofl.sparse.rules import GlobalTopK, Selection
from minizerofl.sparse.selection import Positions

BATCH = 16  # samples from which a client computes saliencies

SSFL = Method(
    paper="SSFL, TMLR 2026",
    settings={
        "selection": "ssfl",
        "sparsity": 0.5,
        "activation_sparsity": 0.0,
        "uplink": "topk-weights",
        "mask_ratio": 0.0,
        "local_epochs": 5,
        "batch_size": 16,
        "weight_decay": 0.0005,
        "lr_start": 0.1,
        "lr_end": 0.0135,  # 0.1 * 0.998^999
        "schedule_rounds": 999,
    },
)


class Salient(Selection):
    """The weights of largest saliency, over all layers together.

    A model that was saved has no saliencies. There the weights that are not zero are kept: no others were sent.
    """

    fixed = known = static = True

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._saliency: Mapping[str, Array] = {}
        self._chosen: dict[tuple[tuple[str, int], ...], dict[str, Positions]] = {}

    def begin(self, weights: Mapping[str, Array], survey: Survey | None = None) -> None:
        """Compute the saliencies, if there are clients to compute them."""
        self._saliency = {}
        if survey is not None:
            survey.need_samples()
            self._saliency = saliency(survey.dense_model(), survey.state, survey.data, survey.settings.seed)
        self._chosen.clear()

    def select(self, values: Mapping[str, Array], budget: Mapping[str, int]) -> dict[str, Positions]:
        """Return the positions of the largest saliencies; only the sum of the budgets counts."""
        if not values.keys() <= self._saliency.keys():
            return GlobalTopK().select(values, budget)
        key = tuple(budget.items())
        if key not in self._chosen:
            self._chosen[key] = GlobalTopK().select({name: self._saliency[name] for name in values}, budget)
        return self._chosen[key]


def saliency(model: Module, state: State, data: FederatedData, seed: int) -> dict[str, Array]:
    """Compute the mean saliency of each parameter over all clients, weighted by their samples.

    Parameters
    ----------
    model : Module
        The dense model; it computes as in evaluation.
    state : dict of str to array
        Its initial weights.
    data : FederatedData
        The clients.
    seed : int
        Draws each client's mini-batch.
    """
    model.load_state_dict(state)
    model.eval()
    parameters = dict(model.named_parameters())
    sums = {name: np.zeros(parameter.shape) for name, parameter in parameters.items()}
    for client in data.clients:
        x, y = data.train(client)
        batch = generator(seed, 0, client, Purpose.SALIENCY).permutation(y.size)[:BATCH]
        for name, gradient in gradients(model, x[batch], y[batch]).items():
            sums[name] += y.size * np.abs(gradient * parameters[name].data)
    total = sum(data.num_train(client) for client in data.clients)
    return {name: (each / total).astype(np.float32) for name, each in sums.items()}
