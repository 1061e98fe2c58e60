"""FedProx (Li et al. 2020): local SGD with a pull back to the model that the client received."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from minizerofl.autograd.tensor import Array, Tensor
from minizerofl.optim import SGD


class ProximalSGD(SGD):
    """SGD on the loss plus mu/2 |w - w_t|^2, where w_t are the parameters when this object is made.

    Parameters
    ----------
    parameters : iterable of Tensor
        The parameters to learn.
    lr : float
        The learning rate.
    mu : float
        The strength of the pull; at 0 this is plain SGD.
    **options
        Momentum and weight decay, see `SGD`.

    Examples
    --------
    >>> w = Tensor([1.0], requires_grad=True)
    >>> optimiser = ProximalSGD([w], lr=0.5, mu=1.0)
    >>> w.assign_([3.0])
    >>> (0 * w).sum().backward()
    >>> optimiser.step()
    >>> w.data  # halfway back to 1
    array([2.], dtype=float32)
    """

    def __init__(self, parameters: Iterable[Tensor], lr: float, mu: float, **options: Any) -> None:
        super().__init__(parameters, lr, **options)
        self.mu = mu
        self._centres = [parameter.numpy().reshape(-1) for parameter in self.parameters]

    @property
    def _remembers_nothing(self) -> bool:
        return False

    def _update(self, index: int, w: Array, g: Array) -> None:
        super()._update(index, w, g + np.float32(self.mu) * (w - self._centres[index]))
