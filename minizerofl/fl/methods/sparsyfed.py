"""SparsyFed: weights as powers of what is learned, and one top-k over all layers at the end of a turn (ICLR 2025).

1. What is learned is theta; a layer computes with w = sign(theta) |theta|^beta, beta = 1.25. So large weights grow
   faster than small ones (Powerpropagation, Schwarz et al. 2021).
2. The forward pass has all activations. The input that is saved for dW is cut to its largest entries: as large a share
   as the layer has weights that are not zero, which is all of them in round 1.
3. dX comes from w, and dW from the saved input; by the chain rule dL/dtheta = dL/dw * beta |theta|^(beta - 1).
4. After local training a client keeps the largest theta of all layers together, and sends them.
5. The server averages theta over the clients, by samples; a theta that was not sent counts as zero.

A theta of zero has the derivative beta 0^(beta - 1) = 0, whatever the gradient. So a weight that is zero stays zero:
the mask cannot change within a turn, and after round 1 no weight comes back that the server's mean has lost.

The global model, here and in every file of a run, holds w. Theta exists in a client's optimiser and in its message.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, ClassVar

import numpy as np

from minizerofl.autograd.rowsparse import EntrySparse, Gradient, dense
from minizerofl.autograd.tensor import Array, Tensor
from minizerofl.fl.errors import ConfigError
from minizerofl.fl.measures.clock import timed
from minizerofl.fl.methods.method import Method
from minizerofl.fl.payload import State
from minizerofl.fl.settings import Settings
from minizerofl.fl.uplinks.paper import TopKWeights
from minizerofl.fl.uplinks.uplink import Context, ServerContext
from minizerofl.nn import Module
from minizerofl.optim import SGD
from minizerofl.sparse.fixed import Active
from minizerofl.sparse.selection import Positions

SPARSYFED = Method(
    paper="Guastella, Sani et al., SparsyFed, ICLR 2025",
    settings={
        "selection": "sparsyfed",
        "uplink": "sparsyfed",
        "weight_sparsity": 0.0,  # layers compute with every weight that is not zero
        "mask_ratio": 0.0,
        "dense_layers": "none",  # sparse kernels, except while a layer has no zeros
    },
)


class NonZero(Active):
    """The weights that are not zero; and as large a share of the activations."""

    matched = True
    known = False  # what a client keeps at the end is not all that it trained


class SparsyFed(TopKWeights):
    """The largest theta of all layers; another exponent is a subclass with another `beta`.

    Examples
    --------
    >>> from minizerofl.sparse import GlobalTopK
    >>> uplink = SparsyFed({"a": 0.5, "b": 0.5}, selection=GlobalTopK())
    >>> end = {"a": np.array([[1.0, 3.0]], np.float32), "b": np.array([[2.0, 0.5]], np.float32)}
    >>> power(uplink.select(end, end)["a"].values, 1.25).round(4)
    array([3.], dtype=float32)
    """

    beta: ClassVar[float] = 1.25
    needed: ClassVar[Mapping[str, tuple[Any, ...]]] = {
        "selection": ("sparsyfed",),
        "weight_sparsity": (0.0,),
        "average": ("all",),
        "proximal_mu": (0.0,),
    }

    @classmethod
    def check(cls, settings: Settings) -> None:
        """Refuse settings with which this would be another method."""
        super().check(settings)
        if settings.resolved().activation_sparsity != settings.sparsity:
            raise ConfigError("uplink sparsyfed keeps as many activations as weights; leave out activation_sparsity")

    def optimiser(self, model: Module, lr: float, **options: Any) -> SGD:
        """Learn theta instead of the weights of sparse layers."""
        ours = [parameter for name, parameter in model.named_parameters() if name in self.sparse]
        return PowerSGD(model.parameters(), lr, ours, self.beta, **options)

    def values(self, name: str, ranked: Array, positions: Positions, start: Array, end: Array, ctx: Context) -> Array:
        """Send theta."""
        return root(end.reshape(-1)[positions], self.beta)

    @timed("server step")
    def apply(self, state: State, average: State, ctx: ServerContext | None = None) -> State:
        """Make weights of the average theta."""
        return {name: power(value, self.beta) if name in self.sparse else value for name, value in average.items()}


class PowerSGD(SGD):
    """SGD that learns theta, of which some parameters are the powers ``w = sign(theta) * abs(theta)**beta``.

    Momentum and weight decay are those of theta.

    Parameters
    ----------
    parameters : iterable of Tensor
        All parameters.
    lr : float
        The learning rate.
    powers : collection of Tensor
        Those that are powers.
    beta : float
        The exponent, > 1; with 1 this is `SGD`.
    **options
        Momentum and weight decay, see `SGD`.

    Examples
    --------
    >>> w = Tensor([16.0, 0.0], requires_grad=True)
    >>> optimiser = PowerSGD([w], lr=0.25, powers=[w], beta=2.0)
    >>> w.sum().backward()
    >>> optimiser.step()  # theta = 4 - 0.25 * 2 * 4, and 0
    >>> w.data
    array([4., 0.], dtype=float32)
    """

    def __init__(self, parameters: Any, lr: float, powers: Collection[Tensor], beta: float, **options: Any) -> None:
        super().__init__(parameters, lr, **options)
        self.beta = beta
        self._powers = {id(parameter) for parameter in powers}
        self._theta: dict[int, Array] = {}  # of each of these, at the positions that are trained
        self._slope: dict[int, Array] = {}  # |theta|^(beta - 1)

    def _update_parameter(self, index: int, parameter: Tensor, gradient: Gradient) -> None:
        if id(parameter) not in self._powers:
            super()._update_parameter(index, parameter, gradient)
        elif isinstance(gradient, EntrySparse):
            self._step(index, parameter, gradient.positions, gradient.values)
        else:
            self._step(index, parameter, slice(None), dense(gradient))

    def _step(self, index: int, parameter: Tensor, at: Positions | slice, g: Array) -> None:
        """Update theta at the positions that are trained, which are the same at every step, and then the weights."""
        with parameter.writing() as array:
            w = array.reshape(-1)
            if index not in self._theta:
                self._theta[index] = root(w[at], self.beta)
                self._velocity[index] = np.zeros_like(self._theta[index])
                self._slope[index] = raised(self._theta[index], self.beta - 1)
            theta = self._theta[index]
            self._update(index, theta, g.reshape(-1) * (np.float32(self.beta) * self._slope[index]))
            self._slope[index] = slope = raised(theta, self.beta - 1)
            w[at] = theta * slope


def power(theta: Array, beta: float) -> Array:
    """Return ``sign(theta) * abs(theta)**beta``.

    Examples
    --------
    >>> power(np.array([-2.0, 3.0], np.float32), 2.0).round(4)
    array([-4.,  9.], dtype=float32)
    """
    return np.asarray(np.sign(theta) * raised(theta, beta))


def root(w: Array, beta: float) -> Array:
    """Return the theta of which w is the power."""
    return power(w, 1 / beta)


def raised(x: Array, exponent: float) -> Array:
    """Return |x|^exponent, for an exponent of at least 0; exp and log are several times as fast as NumPy's power.

    Examples
    --------
    >>> raised(np.array([-4.0, 0.0], np.float32), 0.5)
    array([2., 0.], dtype=float32)
    """
    if exponent == 0:
        return np.ones_like(x)
    with np.errstate(divide="ignore"):  # exp(log 0) is 0
        return np.asarray(np.exp(np.float32(exponent) * np.log(np.abs(x))))
