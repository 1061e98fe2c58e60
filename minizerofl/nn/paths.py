"""Which path, sparse or dense, the sparse layers of a model take (see `minizerofl.sparse.breakeven`)."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from minizerofl.nn.module import Module
from minizerofl.nn.swat import SwatModule


def sparse_layers(model: Module) -> dict[str, SwatModule]:
    """Return the sparse layers of a model by dotted name."""
    return {name: module for name, module in model.named_modules() if isinstance(module, SwatModule)}


def choose_paths(model: Module, batch_size: int, measured: Mapping[str, float]) -> dict[str, str]:
    """Fix the path of every sparse layer of a model that is still at "auto", from measured break-evens.

    Parameters
    ----------
    model : Module
        The model. Its layers no longer choose for themselves.
    batch_size : int
        Samples in a mini-batch.
    measured : mapping of str to float
        Break-even densities by `minizerofl.sparse.breakeven.layer_kind`; the built-in ones hold for all others.

    Returns
    -------
    dict of str to str
        The path of each sparse layer by its dotted name, for the configuration: a run must not change its paths.

    Examples
    --------
    >>> from minizerofl import nn
    >>> model = nn.Sequential(nn.SparseLinear(9, 5), nn.ReLU(), nn.Linear(5, 2))
    >>> choose_paths(model, 10, measured={"linear 9x5 batch 10": 0.01})
    {'0': 'dense'}
    """
    layers = sparse_layers(model)
    for layer in layers.values():
        layer.set_path(layer.path_for(batch_size, measured))
    return {name: layer.path for name, layer in layers.items()}


def set_dense_layers(model: Module, names: Collection[str]) -> None:
    """Let the named sparse layers of a model take the dense path, and all others the sparse one.

    Raises
    ------
    ValueError
        The model has no sparse layer of such a name.

    Examples
    --------
    >>> from minizerofl import nn
    >>> model = nn.Sequential(nn.SparseLinear(9, 5), nn.ReLU(), nn.SparseLinear(5, 2))
    >>> set_dense_layers(model, ["2"])
    >>> model
    Sequential(
      (0): SparseLinear(in_features=9, out_features=5, sparsity=0.95, activation_sparsity=None, path='sparse')
      (1): ReLU()
      (2): SparseLinear(in_features=5, out_features=2, sparsity=0.95, activation_sparsity=None, path='dense')
    )
    """
    layers = sparse_layers(model)
    unknown = sorted(set(names) - set(layers))
    if unknown:
        raise ValueError(f"no sparse layer is called {unknown[0]!r}, expected some of {', '.join(layers)}")
    for name, layer in layers.items():
        layer.set_path("dense" if name in names else "sparse")
