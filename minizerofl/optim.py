"""Optimisers, which turn gradients into new weights (SGD and Adam), and the paper's learning-rate schedule."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable

import numpy as np

from minizerofl.autograd.rowsparse import EntrySparse, Gradient, RowSparse, dense
from minizerofl.autograd.tensor import Array, Tensor
from minizerofl.autograd.writelog import Mirror
from minizerofl.kernels import support, update
from minizerofl.lazy import listing

__all__ = ["SGD", "Adam", "ExponentialDecay", "Optimizer"]

__dir__ = listing(__name__)


class Optimizer(ABC):
    """Base class: it updates the parameters that have a gradient; a subclass says how one of them is updated.

    Parameters
    ----------
    parameters : iterable of Tensor
        The Tensors that are learned, usually ``model.parameters()``.
    lr : float
        The learning rate, >= 0.

    Attributes
    ----------
    lr : float
        The learning rate; set it to follow a schedule.

    Raises
    ------
    TypeError
        A parameter is not a Tensor.
    ValueError
        There are no parameters, one of them cannot be learned, or `lr` is negative or not finite.
    """

    def __init__(self, parameters: Iterable[Tensor], lr: float) -> None:
        self.parameters = list(parameters)
        self.lr = lr
        if not self.parameters:
            raise ValueError(f"{type(self).__name__}: parameters is empty; was the iterator used up before?")
        for i, parameter in enumerate(self.parameters):
            if not isinstance(parameter, Tensor):
                raise TypeError(
                    f"{type(self).__name__}: parameter {i} is a {type(parameter).__name__}, expected a Tensor; "
                    "pass model.parameters()"
                )
            if not (parameter.requires_grad and parameter.is_leaf):
                raise ValueError(
                    f"{type(self).__name__}: parameter {i} of shape {parameter.shape} cannot be learned; "
                    "make it with Tensor(..., requires_grad=True)"
                )

    @property
    def lr(self) -> float:
        """The learning rate."""
        return self._lr

    @lr.setter
    def lr(self, value: float) -> None:
        _check(self, "lr", value, math.inf)
        self._lr = float(value)

    def step(self) -> None:
        """Update every parameter that has a gradient, in place."""
        for index, parameter in enumerate(self.parameters):
            if parameter.raw_grad is not None:
                self._update_parameter(index, parameter, parameter.raw_grad)

    def zero_grad(self) -> None:
        """Forget the gradients of all parameters."""
        for parameter in self.parameters:
            parameter.zero_grad()

    def _update_parameter(self, index: int, parameter: Tensor, gradient: Gradient) -> None:
        # Kernels take flat, writable arrays: a read-only view would cost a second compilation.
        flat = np.require(dense(gradient), requirements=["C", "W"]).reshape(-1)
        with parameter.writing() as array:
            w = array.reshape(-1)
            if isinstance(gradient, EntrySparse):  # all other weights stay as they are, also with weight decay
                before, at = w.copy(), gradient.positions
                self._update(index, w, flat)
                before[at] = w[at]
                w[:] = before
            else:
                self._update(index, w, flat)

    @abstractmethod
    def _update(self, index: int, w: Array, g: Array) -> None:
        """Update the flat weights `w` of parameter `index`, given their gradient `g`."""


class SGD(Optimizer):
    """Stochastic gradient descent: w <- w - lr g; with momentum (Polyak), w <- w - lr v where v <- momentum v + g.

    Parameters
    ----------
    parameters : iterable of Tensor
        The Tensors that are learned.
    lr : float
        The learning rate, >= 0.
    momentum : float
        The share of the last step that is kept, 0 <= momentum < 1.
    nesterov : bool
        Whether to look ahead: w <- w - lr (g + momentum v) (Sutskever et al., 2013). Needs momentum.
    weight_decay : float
        Adds weight_decay * w to the gradient (an L2 penalty), >= 0.

    Raises
    ------
    TypeError, ValueError
        An argument is out of its range, see also `Optimizer`.

    Examples
    --------
    >>> w = Tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = SGD([w], lr=0.25)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w.data
    array([ 0.5, -1. ], dtype=float32)
    """

    def __init__(
        self,
        parameters: Iterable[Tensor],
        lr: float,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(parameters, lr)
        _check(self, "momentum", momentum, 1)
        _check(self, "weight_decay", weight_decay, math.inf)
        if nesterov and not momentum:
            raise ValueError("SGD: nesterov is True, but momentum is 0; give a momentum such as 0.9")
        self.momentum = momentum
        self.nesterov = nesterov
        self.weight_decay = weight_decay
        self._velocity = _zeros(self.parameters)

    @property
    def _remembers_nothing(self) -> bool:
        """Whether a step follows from weights and gradient alone; then only those that a gradient names are updated."""
        return not self.momentum

    def _update_parameter(self, index: int, parameter: Tensor, gradient: Gradient) -> None:
        if isinstance(gradient, RowSparse) and self._remembers_nothing and not self.weight_decay:
            with parameter.writing(gradient.rows) as array:
                update.sgd_rows(array, gradient.rows, gradient.values, array.dtype.type(self.lr))
        elif isinstance(gradient, EntrySparse) and self._remembers_nothing:
            mirror = parameter.writes.mirror
            if mirror is None or mirror.positions is not gradient.positions:
                mirror = Mirror(gradient.positions, parameter.array.reshape(-1)[gradient.positions])
            with parameter.writing(mirror=mirror) as array:
                number = array.dtype.type
                rates = number(self.lr), number(self.weight_decay)
                support.sgd_at(array.reshape(-1), *mirror, gradient.values, *rates)
        else:
            super()._update_parameter(index, parameter, gradient)

    def _update(self, index: int, w: Array, g: Array) -> None:
        number = w.dtype.type  # scalars in the weights' precision: nothing is computed in float64
        if not self.momentum:
            update.sgd(w, g, number(self.lr), number(self.weight_decay))
            return
        update.sgd_momentum(
            w,
            g,
            self._velocity[index],
            number(self.lr),
            number(self.momentum),
            number(self.weight_decay),
            self.nesterov,
        )


class Adam(Optimizer):
    """Adam (Kingma & Ba, 2015, algorithm 1): each weight's step is its mean gradient over the root of its mean square.

    Parameters
    ----------
    parameters : iterable of Tensor
        The Tensors that are learned.
    lr : float
        The learning rate, >= 0.
    betas : (float, float)
        The decay of the mean of the gradient and of its square, each in [0, 1).
    eps : float
        Added to the denominator, >= 0.
    weight_decay : float
        Adds weight_decay * w to the gradient (an L2 penalty, not the decoupled one of AdamW), >= 0.

    Raises
    ------
    TypeError, ValueError
        An argument is out of its range, see also `Optimizer`.

    Examples
    --------
    >>> w = Tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = Adam([w], lr=0.5)
    >>> (w * w).sum().backward()
    >>> optimizer.step()  # the first step has the length lr, whatever the gradient
    >>> w.data
    array([ 0.5, -1.5], dtype=float32)
    """

    def __init__(
        self,
        parameters: Iterable[Tensor],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(parameters, lr)
        for beta in betas:
            _check(self, "each of betas", beta, 1)
        _check(self, "eps", eps, math.inf)
        _check(self, "weight_decay", weight_decay, math.inf)
        self.betas = betas
        self.eps = eps
        self.weight_decay = weight_decay
        self._steps = [0] * len(self.parameters)
        self._mean = _zeros(self.parameters)
        self._square = _zeros(self.parameters)

    def _update(self, index: int, w: Array, g: Array) -> None:
        number = w.dtype.type
        beta1, beta2 = self.betas
        self._steps[index] += 1
        t = self._steps[index]
        rates = update.AdamRates(
            step_size=number(self.lr / (1 - beta1**t)),
            rate1=number(1 - beta1),
            rate2=number(1 - beta2),
            scale=number(1 / math.sqrt(1 - beta2**t)),
            eps=number(self.eps),
            weight_decay=number(self.weight_decay),
        )
        update.adam(w, g, self._mean[index], self._square[index], rates)


class ExponentialDecay:
    """The paper's schedule (ZeroFL, section 4.1): lr(t) = start * exp(t / T * ln(end / start)) in round t = 0, 1, ...

    It holds `end` from round T on. (The formula is printed with the opposite sign, which would make the rate grow.)

    Parameters
    ----------
    start, end : float
        The learning rate in round 0, and from round T on; both > 0.
    rounds : int
        T, >= 1.

    Raises
    ------
    ValueError
        An argument is out of its range; at call time: the round is negative.

    Examples
    --------
    >>> schedule = ExponentialDecay(start=0.1, end=0.001, rounds=100)
    >>> [round(schedule(t), 6) for t in (0, 50, 100, 1000)]
    [0.1, 0.01, 0.001, 0.001]
    """

    def __init__(self, start: float, end: float, rounds: int) -> None:
        for name, value in (("start", start), ("end", end)):
            if not 0 < value < math.inf:
                raise ValueError(f"ExponentialDecay: {name} is {value}, expected a learning rate above 0")
        if rounds < 1:
            raise ValueError(f"ExponentialDecay: rounds is {rounds}, expected at least 1")
        self.start = start
        self.end = end
        self.rounds = rounds

    def __call__(self, t: int) -> float:
        """Return the learning rate of round `t`."""
        if t < 0:
            raise ValueError(f"ExponentialDecay: round {t} is negative; rounds count from 0")
        if t >= self.rounds:
            return self.end
        return self.start * math.exp(t / self.rounds * math.log(self.end / self.start))


def _zeros(parameters: list[Tensor]) -> list[Array]:
    return [np.zeros(parameter.size, parameter.dtype) for parameter in parameters]


def _check(owner: Optimizer, name: str, value: float, below: float) -> None:
    if not 0 <= value < below:
        expected = "a finite number >= 0" if below == math.inf else f"a number from 0 up to, but not including, {below}"
        raise ValueError(f"{type(owner).__name__}: {name} is {value}, expected {expected}")
