"""The server's second step: from the old global model and the one that plain averaging would give to the new one.

The change that averaging would make, d = plain - w_t, is minus a pseudo-gradient, and any optimiser can follow it
(Hsu et al. 2019 for momentum; Reddi et al. 2021, algorithm 2, for the adaptive ones). With eta, the server's learning
rate:

============  =============================  =====================================  ==============================
server        mean                           square                                 w_{t+1}
============  =============================  =====================================  ==============================
`fedavg`                                                                            w_t + eta d
`fedavgm`     m <- beta1 m + d                                                      w_t + eta m
`fedadagrad`  m <- beta1 m + (1 - beta1) d   v <- v + d^2                           w_t + eta m / (sqrt(v) + tau)
`fedadam`     m <- beta1 m + (1 - beta1) d   v <- beta2 v + (1 - beta2) d^2         the same
`fedyogi`     m <- beta1 m + (1 - beta1) d   v <- v - (1 - beta2) d^2 sign(v - d^2)  the same
============  =============================  =====================================  ==============================

m starts at 0 and v at tau^2; there is no bias correction, as in the source. Buffers (BatchNorm's running statistics)
are not parameters: they are always those of plain averaging.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection
from typing import ClassVar

import numpy as np

from minizerofl.fl.measures.clock import timed
from minizerofl.fl.payload import Array, State

BETA1, BETA2, TAU = 0.9, 0.99, 1e-3


class Server:
    """FedAvg (McMahan et al. 2017), and the base of all servers.

    A new one is a subclass with `move`, and a line in `minizerofl.choices`.

    Parameters
    ----------
    parameters : collection of str
        The tensors that are learned; all others are taken from the average as they are.
    lr : float
        The server's learning rate; 0 stands for the default of the class.

    Examples
    --------
    >>> w, plain = {"w": np.array([1.0], np.float32)}, {"w": np.array([0.5], np.float32)}
    >>> FedAvgM(["w"], lr=2.0).step(w, plain, {})
    ({'w': array([0.], dtype=float32)}, {'m:w': array([-0.5], dtype=float32)})
    """

    default_lr: ClassVar[float] = 1.0

    def __init__(self, parameters: Collection[str], lr: float = 0.0) -> None:
        self.parameters = tuple(parameters)
        self.lr = lr or self.default_lr

    @timed("server step")
    def step(self, state: State, plain: State, memory: State) -> tuple[State, State]:
        """Return the new global model, and what to remember.

        Parameters
        ----------
        state : dict of str to array
            The global model at the beginning of the round (w_t).
        plain : dict of str to array
            The state that averaging alone gives.
        memory : dict of str to array
            What was remembered after the round before; empty at first. None of the three is written to.
        """
        new, news = dict(plain), dict(memory)
        with np.errstate(all="ignore"):  # A state that is not finite is found afterwards.
            for name in self.parameters:
                new[name] = self.move(name, state[name], plain[name], news)
        return new, news

    def move(self, name: str, old: Array, plain: Array, memory: State) -> Array:
        """Return the new value of a parameter; put what is to be remembered into `memory`, as new arrays."""
        return plain if self.lr == 1 else np.asarray(old + np.float32(self.lr) * (plain - old))


class FedAvgM(Server):
    """Momentum on the server (Hsu et al. 2019)."""

    def move(self, name: str, old: Array, plain: Array, memory: State) -> Array:
        """Follow the decaying sum of changes."""
        d = plain - old
        m = np.float32(BETA1) * memory[f"m:{name}"] + d if f"m:{name}" in memory else d
        memory[f"m:{name}"] = m
        return np.asarray(old + np.float32(self.lr) * m)


class Adaptive(Server):
    """The base of the adaptive servers: a mean change over the root of a mean square (Reddi et al. 2021)."""

    default_lr = 0.01

    def move(self, name: str, old: Array, plain: Array, memory: State) -> Array:
        """Follow the mean change, slowly where changes are large."""
        d = plain - old
        m = memory.get(f"m:{name}", np.zeros_like(d))
        v = memory.get(f"v:{name}", np.full_like(d, TAU**2))
        memory[f"m:{name}"] = m = np.asarray(m + np.float32(1 - BETA1) * (d - m))
        memory[f"v:{name}"] = v = self.mean_square(v, d * d)
        return np.asarray(old + np.float32(self.lr) * m / (np.sqrt(v) + np.float32(TAU)))

    @abstractmethod
    def mean_square(self, v: Array, square: Array) -> Array:
        """Return the mean square `v`, updated with a new square."""


class FedAdagrad(Adaptive):
    """The sum of all squares."""

    def mean_square(self, v: Array, square: Array) -> Array:
        """Add it."""
        return np.asarray(v + square)


class FedAdam(Adaptive):
    """A mean of the squares that forgets at a fixed rate."""

    def mean_square(self, v: Array, square: Array) -> Array:
        """Move towards it."""
        return np.asarray(v + np.float32(1 - BETA2) * (square - v))


class FedYogi(Adaptive):
    """A mean of the squares that shrinks slowly when they become small."""

    def mean_square(self, v: Array, square: Array) -> Array:
        """Move towards it by a step of its own size."""
        return np.asarray(v - np.float32(1 - BETA2) * square * np.sign(v - square))
