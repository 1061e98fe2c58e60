"""A builder is a function that returns a model: what it is called, which arguments it gets, and how it is called."""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path

from minizerofl.choices import MODELS
from minizerofl.nn import Module
from minizerofl.registry import ChoiceError

Argument = float | tuple[int, ...]
Builder = Callable[..., Module]


def find(model: str | Builder) -> tuple[str, Builder]:
    """Return the name of a model, by which a model file can find it again, and its builder.

    Parameters
    ----------
    model : str or callable
        A name of `MODELS`, "package.module:builder", or a builder: a function or class with the parameters `sparsity`
        and `seed`, among others.

    Raises
    ------
    ChoiceError
        No model has that name, or a builder cannot be imported or used.
    TypeError
        It is neither a name nor a builder; a Module itself is not a builder.

    Examples
    --------
    >>> from minizerofl.models import resnet18
    >>> find(resnet18)[0], find("resnet18")[1] is resnet18
    ('resnet18', True)
    """
    if isinstance(model, str):
        MODELS.check(model)
        return model, MODELS[model]
    if isinstance(model, Module):
        kind = type(model).__name__
        raise TypeError(
            f"model is a {kind} that is already built, but a run builds one for each worker; give it a function that "
            f"builds the model, such as `def build(sparsity=0.0, seed=0): return {kind}(...)`, or a name such as 'mlp'"
        )
    if not callable(model):
        raise TypeError(
            f"model is a {type(model).__name__}, expected a name such as 'mlp', or a function that builds a Module"
        )
    name = MODELS.name_of(model)
    MODELS.accept(name, model)
    return name, model


def construct(name: str, builder: Builder, arguments: Mapping[str, Argument]) -> Module:
    """Call a builder.

    Parameters
    ----------
    name : str
        What the model is called, for error messages.
    builder : callable
        The builder.
    arguments : mapping of str to int, float or tuple
        Its arguments.

    Raises
    ------
    ChoiceError
        The builder needs an argument that it is not given, fails, or does not return a Module.
    TypeError
        The builder does not know an argument.

    Examples
    --------
    >>> construct("mine", lambda sparsity, seed: None, {"sparsity": 0.9, "seed": 0})
    Traceback (most recent call last):
        ...
    minizerofl.registry.ChoiceError: the builder of the model 'mine' returned a NoneType, expected a Module
    """
    parameters = inspect.signature(builder).parameters
    if not any(each.kind is each.VAR_KEYWORD for each in parameters.values()):
        strange = [each for each in arguments if each not in parameters]
        if strange:
            raise TypeError(
                f"the builder of the model {name!r} has no parameter {strange[0]!r}; it has {', '.join(parameters)}"
            )
    ordinary = [each for each in parameters.values() if each.kind not in (each.VAR_KEYWORD, each.VAR_POSITIONAL)]
    missing = [each.name for each in ordinary if each.default is each.empty and each.name not in arguments]
    if missing:
        raise ChoiceError(
            f"the builder of the model {name!r} needs a value for {missing[0]!r}, which nothing here gives: add a "
            f"default to its parameter, or call Simulation(..., {missing[0]}=...)"
        )
    try:
        model = builder(**arguments)
    except Exception as error:  # whatever the code of a user's builder raises
        frames = traceback.extract_tb(error.__traceback__)[1:2]  # the first is this one
        where = "".join(f" ({Path(frame.filename).name}, line {frame.lineno})" for frame in frames)
        raise ChoiceError(f"the model {name!r} cannot be built: {type(error).__name__}: {error}{where}") from error
    if not isinstance(model, Module):
        raise ChoiceError(f"the builder of the model {name!r} returned a {type(model).__name__}, expected a Module")
    return model
