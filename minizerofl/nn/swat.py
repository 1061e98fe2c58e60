"""What sparse layers have in common: two sparsities, and a backward pass that is a surrogate on purpose.

SWAT (Raihan & Aamodt, 2020; ZeroFL, section 3): the forward pass uses only the largest weights, W_top; the backward
pass computes dX from W_top and dW from x_top, the largest activations. The parameter itself stays dense, and every
weight is updated.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from minizerofl.autograd.tensor import Tensor
from minizerofl.nn.module import Module
from minizerofl.sparse.breakeven import PATHS, choose, layer_kind
from minizerofl.sparse.csr import TopWeights


class SwatModule(Module):
    """A layer that uses the ``1 - sparsity`` fraction of its weights that is largest in magnitude.

    Attributes
    ----------
    sparsity : float
        The fraction of the weights that is left out, 0 <= sparsity < 1.
    activation_sparsity : float or None
        The fraction of the input that is left out when dW is computed; None: as the weights; 0: none.
    path : str
        How the layer computes, see `set_path`.
    """

    weight: Tensor
    sparsity: float
    activation_sparsity: float | None
    path: str = "auto"

    def set_path(self, path: str) -> None:
        """Set how the layer computes, for the next forward pass on.

        Parameters
        ----------
        path : {"auto", "sparse", "dense"}
            Sparse kernels, or dense products with zeros in them; auto takes what is expected to be faster. The results
            are equal up to rounding.

        Raises
        ------
        ValueError
            No path has that name.

        Examples
        --------
        >>> from minizerofl import nn
        >>> layer = nn.SparseLinear(9, 5)
        >>> layer.set_path("dense")
        >>> layer.path_for(batch_size=10)
        'dense'
        """
        if path not in PATHS:
            raise ValueError(f"{type(self).__name__}: path is {path!r}, expected one of {', '.join(PATHS)}")
        self.path = path

    def path_for(self, batch_size: int, measured: Mapping[str, float] | None = None) -> str:
        """Return the path, "sparse" or "dense", that the layer takes with such a mini-batch; see `choose_paths`."""
        if self.path != "auto":
            return self.path
        kind = layer_kind(self.weight.shape, getattr(self, "stride", 1), batch_size)
        return choose(kind, 1 - self.sparsity, measured)

    def set_sparsity(self, sparsity: float, activation_sparsity: float | None = None) -> None:
        """Set both sparsities, for the next forward pass on.

        Raises
        ------
        ValueError
            A sparsity is not in [0, 1).

        Examples
        --------
        >>> from minizerofl import nn
        >>> layer = nn.SparseLinear(9, 5)
        >>> layer.set_sparsity(0.8)
        >>> layer
        SparseLinear(in_features=9, out_features=5, sparsity=0.8, activation_sparsity=None)
        """
        for name, value in (("sparsity", sparsity), ("activation_sparsity", activation_sparsity)):
            if value is not None and not 0 <= value < 1:
                raise ValueError(
                    f"{type(self).__name__}: {name} is {value}, expected a fraction from 0 up to, but not including, 1"
                )
        self.sparsity = sparsity
        self.activation_sparsity = activation_sparsity
        self._top = TopWeights()

    @property
    def surrogate_gradient(self) -> bool:  # type: ignore[override]
        """True unless both sparsities are 0: then the layer is its dense self."""
        return bool(self.sparsity or self.activation_sparsity)

    def sparse_parameters(self) -> dict[str, float]:
        """Return the sparsity of the weight; the bias is dense."""
        return {"weight": self.sparsity}


def sparse_layers(model: Module) -> dict[str, SwatModule]:
    """Return the sparse layers of a model by dotted name."""
    return {name: module for name, module in model.named_modules() if isinstance(module, SwatModule)}


def choose_paths(model: Module, batch_size: int, measured: Mapping[str, float]) -> dict[str, str]:
    """Settle the path of every sparse layer of a model that has been left at "auto", from measured break-evens.

    Parameters
    ----------
    model : Module
        The model; its layers no longer choose for themselves.
    batch_size : int
        Samples in a mini-batch.
    measured : mapping of str to float
        Break-even densities by `minizerofl.sparse.breakeven.layer_kind`; the built-in ones hold for all others.

    Returns
    -------
    dict of str to str
        The path of each sparse layer by its dotted name, to be written down: a run must not change its paths halfway.

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
