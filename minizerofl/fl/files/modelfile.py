"""A model on disk: a sealed HDF5 file (see `minizerofl.fl.files.sealed`) that describes itself."""

from __future__ import annotations

import json
import math
import os
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

import h5py
import numpy as np
from numpy.typing import ArrayLike, NDArray

from minizerofl.fl.errors import ModelFileError
from minizerofl.fl.files.sealed import Seal, read_array
from minizerofl.fl.measures.prediction import predict_logits, softmax
from minizerofl.fl.payload import State, num_bytes
from minizerofl.models import build
from minizerofl.models.builder import Argument, Builder, find
from minizerofl.models.setup import Setup
from minizerofl.nn import Module
from minizerofl.registry import ChoiceError
from minizerofl.shown import Facts, Shown, kind, megabytes

SEAL = Seal(b"minizerofl-model", 1, "model file, a model.h5 of a run", ModelFileError)


@dataclass(frozen=True, repr=False)
class SavedModel(Shown):
    """A model with all that is needed to use it.

    Attributes
    ----------
    name : str
        A name of `minizerofl.models.MODELS`, or "package.module:builder".
    arguments : dict
        The arguments of its builder: numbers, and tuples of numbers.
    state : dict of str to array
        Parameters and buffers.
    about : dict
        What else belongs to it, JSON only: data set, source ("real" or "synthetic"), input transform, class names,
        rounds, accuracy.
    setup : Setup
        What is set on the model after it is built: its sparsities and its rule of selection.
    """

    name: str
    arguments: dict[str, Argument]
    state: State
    about: dict[str, object] = field(default_factory=dict)
    setup: Setup = field(default_factory=Setup)

    def _facts(self) -> tuple[str, Facts]:
        """Return what is shown of a model; what belongs to it is told as far as it is known."""
        about = self.about
        accuracy = about.get("test_accuracy")
        known = {
            "trained on": f"{about.get('dataset')}, {kind(about.get('source'))}" if "source" in about else None,
            "rounds": about.get("rounds"),
            "test accuracy": f"{100 * accuracy:.1f} %" if isinstance(accuracy, float) else None,
        }
        return f"saved model {self.name}", {
            **{name: value for name, value in self.arguments.items() if name != "seed"},
            "tensors": len(self.state),
            "size": megabytes(num_bytes(self.state)),
            **{name: value for name, value in known.items() if value is not None},
        }

    def build(self) -> Module:
        """Build the model with its weights.

        Raises
        ------
        ModelFileError
            There is no such model, or arguments, setup and weights do not belong to it. Or its builder was a function
            of a script, a lambda, or a function inside another one, which a name cannot bring back.
        """
        ours = getattr(_find_builder(self.name), "__module__", "").startswith("minizerofl.")
        entries = sum(value.size for value in self.state.values())
        for key, value in self.arguments.items():
            if isinstance(value, tuple):  # A model of the user's own may have fewer weights than an image has pixels.
                size: float = math.prod(value) if ours else 0
            else:
                size = value
            if key != "seed" and abs(size) > entries:  # Who builds it would run out of memory.
                raise ModelFileError(
                    f"{self.name} with {key} {value} cannot have {entries:,} weights: not its model file"
                )
        try:
            model = build(self.name, **self.arguments)
            self.setup.apply(model)
            model.load_state_dict(self.state)
        except Exception as error:  # A builder of the user's own raises what it likes.
            raise ModelFileError(f"the saved model {self.name!r} cannot be built ({error})") from error
        return model

    def logits(self, x: ArrayLike) -> NDArray[np.float32]:
        """Compute the logits of samples with the weights that evaluation uses.

        The first call builds the model; changes of `state` after it are not seen.

        Parameters
        ----------
        x : (N, C, H, W) array of floats
            The samples, after the input transform (``about["transform"]``).

        Returns
        -------
        (N, classes) float32
            The logits; ``about["class_names"]`` names the classes.

        Raises
        ------
        TypeError, ValueError
            `x` does not hold floats, or has another shape than the model's samples.
        ModelFileError
            The model cannot be built.

        Examples
        --------
        >>> from minizerofl.models import femnist_cnn
        >>> saved = SavedModel("femnist_cnn", {"num_classes": 10}, femnist_cnn(10).state_dict())
        >>> saved.logits(np.zeros((3, 1, 28, 28))).shape
        (3, 10)
        """
        shape: Any = self.about.get("input_shape")
        return predict_logits(self._built, x, shape)

    def predict_proba(self, x: ArrayLike) -> NDArray[np.float32]:
        """Compute the probabilities of the classes, (N, C, H, W) -> (N, classes); see `logits`."""
        return softmax(self.logits(x))

    def predict(self, x: ArrayLike) -> NDArray[np.int64]:
        """Return the class of each sample, (N, C, H, W) -> (N,) indices of ``about["class_names"]``; see `logits`."""
        indices: NDArray[np.int64] = self.logits(x).argmax(axis=1).astype(np.int64)
        return indices

    @cached_property
    def _built(self) -> Module:
        return self.build()


def _find_builder(name: str) -> Builder:
    """Find the builder of a saved model."""
    try:
        return find(name)[1]
    except ChoiceError as error:
        module, _, function = name.rpartition(":")
        if module != "__main__" and "<" not in function:
            raise ModelFileError(f"the saved model {name!r} cannot be built ({error})") from error
        home = "a script" if module == "__main__" else module
        raise ModelFileError(
            f"the saved model was built by {function} of {home}, which cannot be imported. Name the function "
            f"first, MODELS[{name!r}] = ..., where MODELS is that of minizerofl.models; or train again with a "
            "function that stands in a module, as in Simulation(data, 'my_model:build', ...)"
        ) from error


def save_model(path: str | os.PathLike[str], model: SavedModel) -> None:
    """Write a model file, all of it or nothing: beside its place first, then renamed.

    Parameters
    ----------
    path : str or PathLike
        Where to. An older file is replaced.
    model : SavedModel
        What.

    Raises
    ------
    OSError
        The disk is full or the folder cannot be written to. An older file is then left as it was.
    """

    def fill(file: h5py.File) -> None:
        file.attrs["model"] = json.dumps(
            {"name": model.name, "arguments": model.arguments, "about": model.about, "setup": asdict(model.setup)}
        )
        for name, value in model.state.items():
            file.create_dataset(name, data=value)

    SEAL.write(path, fill)


def load_model(path: str | os.PathLike[str]) -> SavedModel:
    """Read a model file.

    Parameters
    ----------
    path : str or PathLike
        Where from.

    Returns
    -------
    SavedModel
        The model.

    Raises
    ------
    ModelFileError
        The file is missing, not one of ours, of another version, cut short or changed.
    """
    with SEAL.open(path) as file:
        header = json.loads(file.attrs["model"])
        name, arguments, about = header["name"], dict(header["arguments"]), dict(header["about"])
        arguments = {key: tuple(value) if isinstance(value, list) else value for key, value in arguments.items()}
        numbers = [each for value in arguments.values() for each in (value if isinstance(value, tuple) else [value])]
        if not isinstance(name, str) or not all(isinstance(each, int | float) for each in numbers):
            raise ValueError("the name of its model is a text, the arguments are numbers or lists of them")
        state = {name: read_array(file, name) for name in file}
        return SavedModel(name, arguments, state, about, Setup(**header.get("setup", {})))
