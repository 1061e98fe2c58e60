"""A Module is a function with state: Tensors that are learned, arrays kept beside them, and other Modules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar, Self

import numpy as np

from minizerofl.autograd.tensor import Array, Tensor


class Module:
    """Base class of layers and models.

    A subclass assigns its parts to attributes and defines `forward`. The type of an attribute decides its role:

    - a `Tensor` with ``requires_grad`` is a *parameter*: optimisers change it;
    - an array given to `register_buffer` is a *buffer*: state that is saved, but not learned (running statistics);
    - a `Module` is a part; its parameters and buffers belong to this Module too.

    Parts are listed in the order of assignment and have dotted names: ``conv1.weight``.

    Attributes
    ----------
    training : bool
        Whether the Module is in training mode, see `train`.
    surrogate_gradient : bool
        Whether the backward pass is, on purpose, not the derivative of the forward pass (as in SWAT).

    Examples
    --------
    >>> import minizerofl as mz
    >>> class Scale(Module):
    ...     def __init__(self):
    ...         self.factor = mz.Tensor([2.0], requires_grad=True)
    ...
    ...     def forward(self, x):
    ...         return x * self.factor
    >>> layer = Scale()
    >>> layer(mz.Tensor([1.0, 3.0])).data
    array([2., 6.], dtype=float32)
    >>> [name for name, _ in layer.named_parameters()]
    ['factor']
    """

    training: bool = True
    surrogate_gradient: bool = False
    # Defaults live in the class and are replaced in the instance, so that subclasses need not call Module.__init__.
    _buffer_names: ClassVar[tuple[str, ...]] = ()

    def forward(self, x: Tensor) -> Tensor:
        """Compute the output; subclasses define it, callers write ``module(x)``."""
        raise NotImplementedError(f"{type(self).__name__} defines no forward(x)")

    def __call__(self, x: Tensor) -> Tensor:
        """Compute the output, see `forward`."""
        return self.forward(x)

    def __setattr__(self, name: str, value: object) -> None:
        if isinstance(value, list | tuple) and any(isinstance(v, Module | Tensor) for v in value):
            raise TypeError(
                f"{type(self).__name__}.{name}: parts inside a {type(value).__name__} would not be found; "
                "hold Modules in an nn.Sequential, and each Tensor in an attribute of its own"
            )
        super().__setattr__(name, value)

    def register_buffer(self, name: str, array: Array) -> None:
        """Store `array` as the attribute `name` and as a part of `state_dict` that is not learned.

        Parameters
        ----------
        name : str
            The attribute's name.
        array : numpy.ndarray
            The values. The Module keeps this array itself, without a copy; to change a buffer, write to it in place.

        Raises
        ------
        TypeError
            `array` is not a NumPy array.

        Examples
        --------
        >>> module = Module()
        >>> module.register_buffer("mean", np.zeros(2, np.float32))
        >>> module.state_dict()
        {'mean': array([0., 0.], dtype=float32)}
        """
        if not isinstance(array, np.ndarray):
            raise TypeError(f"register_buffer: {name} is a {type(array).__name__}, expected a NumPy array")
        setattr(self, name, array)
        if name not in self._buffer_names:
            vars(self)["_buffer_names"] = (*self._buffer_names, name)

    def named_modules(self) -> Iterator[tuple[str, Module]]:
        """Yield this Module, with an empty name, and all its parts, depth first, with their dotted names, each once."""
        seen: set[int] = set()
        stack: list[tuple[str, Module]] = [("", self)]
        while stack:
            prefix, module = stack.pop()
            if id(module) in seen:
                continue
            seen.add(id(module))
            yield prefix, module
            parts = [(_join(prefix, name), part) for name, part in vars(module).items() if isinstance(part, Module)]
            stack.extend(reversed(parts))

    def modules(self) -> Iterator[Module]:
        """Yield this Module and all its parts."""
        return (module for _, module in self.named_modules())

    def named_parameters(self) -> Iterator[tuple[str, Tensor]]:
        """Yield the dotted name and the Tensor of each parameter; one that is shared appears once."""
        seen: set[int] = set()
        for prefix, module in self.named_modules():
            for name, value in vars(module).items():
                if isinstance(value, Tensor) and value.requires_grad and id(value) not in seen:
                    seen.add(id(value))
                    yield _join(prefix, name), value

    def parameters(self) -> Iterator[Tensor]:
        """Yield the parameters."""
        return (parameter for _, parameter in self.named_parameters())

    def named_buffers(self) -> Iterator[tuple[str, Array]]:
        """Yield the dotted name and the array of each buffer."""
        for prefix, module in self.named_modules():
            for name in module._buffer_names:
                yield _join(prefix, name), getattr(module, name)

    def buffers(self) -> Iterator[Array]:
        """Yield the buffers."""
        return (buffer for _, buffer in self.named_buffers())

    def sparse_parameters(self) -> dict[str, float]:
        """Return the sparsity of each of its own parameters that is used sparsely; see `sparse_weights`."""
        return {}

    def state_dict(self) -> dict[str, Array]:
        """Return copies of all parameters, then all buffers, by dotted name.

        Examples
        --------
        >>> from minizerofl import nn
        >>> {name: array.shape for name, array in nn.Linear(3, 2).state_dict().items()}
        {'weight': (3, 2), 'bias': (2,)}
        """
        state = {name: parameter.numpy() for name, parameter in self.named_parameters()}
        state.update((name, buffer.copy()) for name, buffer in self.named_buffers())
        return state

    def load_state_dict(self, state: Mapping[str, Array]) -> None:
        """Overwrite all parameters and buffers in place; if anything does not fit, nothing is written.

        Parameters
        ----------
        state : mapping of str to numpy.ndarray
            The `state_dict` of a model with the same parts.

        Raises
        ------
        ValueError
            A name is missing or unknown, or an array has another shape.
        TypeError
            An array has another dtype.

        Examples
        --------
        >>> from minizerofl import nn
        >>> a, b = nn.Linear(3, 2), nn.Linear(3, 2)
        >>> b.load_state_dict(a.state_dict())
        >>> bool((a.weight.data == b.weight.data).all())
        True
        """
        parameters, buffers = dict(self.named_parameters()), dict(self.named_buffers())
        self._check_state(state, {**parameters, **buffers})
        for name, parameter in parameters.items():
            parameter.assign_(state[name])
        for name, buffer in buffers.items():
            np.copyto(buffer, state[name])

    def _check_state(self, state: Mapping[str, Array], own: Mapping[str, Tensor | Array]) -> None:
        owner = f"load_state_dict of {type(self).__name__}"
        missing = [name for name in own if name not in state]
        unexpected = [name for name in state if name not in own]
        if missing or unexpected:
            raise ValueError(f"{owner}: missing names {missing}, unexpected names {unexpected}; is it another model's?")
        for name, value in own.items():
            new = state[name]
            if not isinstance(new, np.ndarray) or new.dtype != value.dtype:
                found = getattr(new, "dtype", type(new).__name__)
                raise TypeError(
                    f"{owner}: {name} is {found}, expected an array of {value.dtype}; convert it with .astype"
                )
            if new.shape != value.shape:
                raise ValueError(
                    f"{owner}: {name} has shape {new.shape}, expected {value.shape}; is it another model's?"
                )

    def train(self, mode: bool = True) -> Self:
        """Put this Module and all its parts into training mode (or, with False, evaluation mode), and return it.

        BatchNorm and Dropout behave differently in the two.
        """
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Self:
        """Put this Module and all its parts into evaluation mode, and return it."""
        return self.train(False)

    def zero_grad(self) -> None:
        """Forget the gradients of all parameters."""
        for parameter in self.parameters():
            parameter.zero_grad()

    def __repr__(self) -> str:
        plain = {k: v for k, v in vars(self).items() if isinstance(v, int | float | str | tuple) or v is None}
        shown = [f"{k}={v!r}" for k, v in plain.items() if k != "training" and not k.startswith("_")]
        parts = [(name, repr(part)) for name, part in vars(self).items() if isinstance(part, Module)]
        lines = [f"  ({name}): " + text.replace("\n", "\n  ") for name, text in parts]
        inside = "\n" + "\n".join(lines) + "\n" if lines else ""
        return f"{type(self).__name__}({', '.join(shown)}{inside})"


def _join(prefix: str, name: str) -> str:
    return f"{prefix}.{name}" if prefix else name


def sparse_weights(model: Module) -> dict[str, float]:
    """Return the sparsity of every parameter that a sparse layer holds, by dotted name, in the model's order.

    Of these tensors a client sends only a part (ZeroFL, section 5). All others are sent in full: the paper does not say
    so, but its file sizes show it.

    Examples
    --------
    >>> from minizerofl import nn
    >>> sparse_weights(nn.Sequential(nn.SparseLinear(9, 5, sparsity=0.9), nn.ReLU(), nn.Linear(5, 2)))
    {'0.weight': 0.9}
    """
    return {
        _join(prefix, name): sparsity
        for prefix, module in model.named_modules()
        for name, sparsity in module.sparse_parameters().items()
    }


def expect_axes(layer: Module, x: Tensor, axes: tuple[int | str, ...]) -> None:
    """Raise a `ValueError` that names the layer unless `x` has these axes: numbers are lengths, letters stand for any.

    Examples
    --------
    >>> expect_axes(Module(), Tensor([[1.0]]), (3, "N"))
    Traceback (most recent call last):
    ...
    ValueError: Module(): the input has shape (1, 1), expected (3, N) (inside minizerofl the batch N is the last axis)
    """
    if x.ndim != len(axes) or any(isinstance(a, int) and a != n for a, n in zip(axes, x.shape, strict=True)):
        raise ValueError(
            f"{layer!r}: the input has shape {x.shape}, expected ({', '.join(map(str, axes))}) "
            "(inside minizerofl the batch N is the last axis)"
        )
