"""FLASH-SPDST: random masks, whose layer densities a few clients find out before the first round (TMLR 2023).

1. Some clients train the initial model for `EPOCHS` epochs with random masks. After each epoch but the last they prune
   the smallest weights of each layer, and as many others grow at random positions: more of them in layers whose
   remaining weights are larger on average. So the number of weights moves to the layers where weights are large.
2. The server averages the layer densities over these clients, by samples.
3. It draws a mask at random with these densities, and training begins again from the initial weights. From here on the
   method is `random-mask`: only weights of the mask are trained and sent, values only.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from minizerofl import ops
from minizerofl.autograd.tensor import Array, Tensor
from minizerofl.fl.data import batch_last
from minizerofl.fl.methods.method import Method
from minizerofl.fl.sampling import sample_clients
from minizerofl.fl.seeds import Purpose, generator
from minizerofl.fl.survey import Survey
from minizerofl.nn.paths import sparse_layers
from minizerofl.nn.rule import restart_selection
from minizerofl.optim import SGD
from minizerofl.sparse.fixed import Given
from minizerofl.sparse.rules import GlobalTopK, RandomK
from minizerofl.sparse.selection import Positions, count_kept, keep_at, top_k

EPOCHS = 10  # of the first stage
PRUNED = 0.25  # share of a layer's weights that is pruned after an epoch; it falls to 0 over the epochs

FLASH_SPDST = Method(
    paper="Babakniya, Kundu et al., Revisiting Sparsity Hunting in Federated Learning, TMLR 2023",
    settings={
        "selection": "flash",
        "activation_sparsity": 0.0,
        "uplink": "topk-weights",
        "mask_ratio": 0.0,
        "lr_start": 0.1,
        "lr_end": 0.001,
    },
)


class LearnedDensities(RandomK):
    """Random weights, drawn once, with the layer densities that some clients have learned.

    A model that was saved has no clients. There the weights that are not zero are kept: no others were sent.
    """

    fixed = known = static = True

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._counts: dict[str, int] = {}

    def begin(self, weights: Mapping[str, Array], survey: Survey | None = None) -> None:
        """Let clients learn the densities, if there are any."""
        densities = learn_densities(survey) if survey is not None else {}
        self._counts = {name: int(densities[name] * weights[name].size) for name in densities}

    def select(self, values: Mapping[str, Array], budget: Mapping[str, int]) -> dict[str, Positions]:
        """Return the drawn positions; only the sum of the budgets counts."""
        if not values.keys() <= self._counts.keys():
            return GlobalTopK().select(values, budget)
        wish = {name: float(self._counts[name]) for name in values}
        room = {name: value.size for name, value in values.items()}
        return super().select(values, share_out(sum(budget.values()), wish, room))


def learn_densities(survey: Survey) -> dict[str, float]:
    """Let as many clients as take part in a round learn layer densities; return their mean, weighted by samples."""
    survey.need_samples()
    s, data = survey.settings, survey.data
    clients = sample_clients(data, s.clients_per_round, generator(s.seed, 0, "", Purpose.DENSITIES))
    samples = np.array([data.num_train(client) for client in clients])
    found = [learn_masks(survey, client) for client in clients]
    shapes = {name: survey.state[name].size for name in found[0]}
    return {
        name: float(np.average([masks[name].size for masks in found], weights=samples)) / size
        for name, size in shapes.items()
    }


def learn_masks(survey: Survey, client: str) -> dict[str, Positions]:
    """Train one client with pruning and growing; return the positions of the weights that it ends with, by layer."""
    s, rule = survey.settings, Given()
    model = survey.sparse_model(rule)
    model.train()
    weights = {f"{name}.weight" if name else "weight": layer.weight for name, layer in sparse_layers(model).items()}
    budget = {name: count_kept(weight.size, s.resolved().weight_sparsity or 0.0) for name, weight in weights.items()}
    masks = rule.positions = RandomK(s.seed).select({name: weight.data for name, weight in weights.items()}, budget)
    for name, weight in weights.items():
        weight.assign_(keep_at(weight.numpy(), masks[name]))
    rng = generator(s.seed, 0, client, Purpose.DENSITIES)
    optimiser = SGD(model.parameters(), s.lr_start, s.momentum, s.nesterov, s.weight_decay)
    x, y = survey.data.train(client)
    for epoch in range(1, EPOCHS + 1):
        restart_selection(model)
        order = rng.permutation(y.size)
        for first in range(0, y.size, s.batch_size):
            batch = order[first : first + s.batch_size]
            optimiser.zero_grad()
            ops.cross_entropy(model(Tensor(batch_last(x[batch]))), y[batch]).backward()
            optimiser.step()
        if epoch < EPOCHS:
            now = {name: weight.numpy() for name, weight in weights.items()}
            masks = rule.positions = prune_and_grow(now, masks, PRUNED * (1 - epoch / EPOCHS), rng)
            for name, weight in weights.items():
                weight.assign_(keep_at(now[name], masks[name]))
    return masks


def prune_and_grow(
    weights: Mapping[str, Array], masks: Mapping[str, Positions], share: float, rng: np.random.Generator
) -> dict[str, Positions]:
    """Prune a share of each layer's weights by magnitude; let as many grow at random, where weights are large.

    Parameters
    ----------
    weights : mapping of str to array
        The weights of each layer.
    masks : mapping of str to (k,) int32
        The positions of those that are trained.
    share : float
        The share of them that is pruned.
    rng : numpy.random.Generator
        Draws the positions that grow.

    Returns
    -------
    dict of str to (k,) int32
        The new positions, ascending; as many as before in all layers together.
    """
    kept, wish, room = {}, {}, {}
    for name, at in masks.items():
        values = weights[name].reshape(-1)[at]
        kept[name] = at[top_k(values, at.size - math.ceil(share * at.size))]
        wish[name] = float(np.abs(values).mean()) if at.size else 0.0
        room[name] = weights[name].size - kept[name].size
    total = sum(at.size for at in masks.values()) - sum(at.size for at in kept.values())
    grown = share_out(total, wish, room)
    new = {}
    for name, at in kept.items():
        free = np.setdiff1d(np.arange(weights[name].size, dtype=np.int32), at, assume_unique=True)
        new[name] = np.sort(np.concatenate([at, rng.choice(free, grown[name], replace=False)])).astype(np.int32)
    return new


def share_out(total: int, wish: Mapping[str, float], room: Mapping[str, int]) -> dict[str, int]:
    """Divide a number in proportion to wishes; a layer without room for its share leaves the rest to the others.

    Examples
    --------
    >>> share_out(10, {"a": 1.0, "b": 1.0, "c": 2.0}, {"a": 9, "b": 9, "c": 3})
    {'a': 4, 'b': 3, 'c': 3}
    """
    given, total = dict.fromkeys(wish, 0), min(total, sum(room.values()))
    while (left := total - sum(given.values())) > 0:
        able = [name for name in wish if given[name] < room[name]]
        whole = sum(wish[name] for name in able)
        shares = {name: int(left * wish[name] / whole) if whole else 0 for name in able}
        if not any(shares.values()):  # less than one for each
            shares = {max(able, key=wish.__getitem__): 1}
        for name, share in shares.items():
            given[name] += min(share, room[name] - given[name])
    return given
