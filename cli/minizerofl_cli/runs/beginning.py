"""The weights with which a run begins, where they are not just drawn: those of a file, or the mask of another run."""

from __future__ import annotations

from inspect import signature

import numpy as np

from minizerofl.export.reading import read_weights, weights_file
from minizerofl.fl import load_model
from minizerofl.fl.data import describe
from minizerofl.fl.errors import ConfigError
from minizerofl.fl.measures.masks import model_masks
from minizerofl.fl.payload import State
from minizerofl.fl.settings import Settings
from minizerofl.models import MODELS, build
from minizerofl.sparse.selection import count_kept, keep_at
from minizerofl_cli.runs.plan import Plan
from minizerofl_datasets import FederatedDataset


def given_weights(plan: Plan, data: FederatedDataset, model: str) -> State | None:
    """Return the weights that a plan asks for; None if they are just drawn.

    Raises
    ------
    ModelFileError
        A file cannot be read, or its weights are not those of the model.
    ConfigError
        The mask does not fit the model, or keeps more weights than the sparsity allows.
    """
    if plan.init_from is None and plan.mask_from is None:
        return None
    s = plan.settings
    arguments = {
        "sparsity": s.built_sparsity,
        "seed": s.init_seed,
        **describe(data, signature(MODELS[model]).parameters),
    }
    network = build(model, **arguments)
    s.setup().apply(network)
    state = network.state_dict() if plan.init_from is None else read_weights(plan.init_from, network)
    return state if plan.mask_from is None else with_mask(state, plan, s)


def with_mask(state: State, plan: Plan, settings: Settings) -> State:
    """Return weights with zeros where the mask of the plan's other run has them."""
    assert plan.mask_from is not None
    what = f"--mask-from {plan.mask_from}"
    saved = load_model(weights_file(plan.mask_from))
    masks = model_masks(saved.build())
    if not masks:
        raise ConfigError(f"{what}: its model has no sparse layers; take a run that was trained with --sparsity")
    for name in masks:
        if name not in state or state[name].shape != saved.state[name].shape:
            raise ConfigError(f"{what}: its model is {saved.name}, whose {name} this run's model does not have")
    sizes = {name: state[name].size for name in masks}
    kept = sum(positions.size for positions in masks.values())
    room = sum(count_kept(size, settings.resolved().weight_sparsity or 0.0) for size in sizes.values())
    if kept > room:
        sparsity = int(1000 * (1 - kept / sum(sizes.values()))) / 1000
        raise ConfigError(
            f"{what} keeps {kept:,} weights, but sparsity {settings.sparsity:g} allows {room:,}; "
            f"give --sparsity {sparsity:g} or less"
        )
    return {**state, **{name: keep_at(np.asarray(state[name]), positions) for name, positions in masks.items()}}
