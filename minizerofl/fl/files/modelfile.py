"""A model on disk: a sealed HDF5 file (see `minizerofl.fl.files.sealed`) that describes itself."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import ArrayLike, NDArray

from minizerofl.fl.errors import ModelFileError
from minizerofl.fl.files.sealed import Seal, read_array
from minizerofl.fl.measures.prediction import predict_logits, softmax
from minizerofl.fl.payload import State
from minizerofl.models import build
from minizerofl.models.setup import Setup
from minizerofl.nn import Module

SEAL = Seal(b"minizerofl-model", 1, "model file, a model.h5 of a run", ModelFileError)


@dataclass(frozen=True)
class SavedModel:
    """A model with all that is needed to use it.

    Attributes
    ----------
    name : str
        A name of `minizerofl.models.MODELS`.
    arguments : dict
        The arguments of its builder.
    state : dict of str to array
        Parameters and buffers.
    about : dict
        What else belongs to it, JSON only: data set, source ("real" or "synthetic"), input transform, class names,
        rounds, accuracy.
    setup : Setup
        What is set on the model after it is built: its sparsities and its rule of selection.
    """

    name: str
    arguments: dict[str, float]
    state: State
    about: dict[str, object] = field(default_factory=dict)
    setup: Setup = field(default_factory=Setup)

    def build(self) -> Module:
        """Build the model with its weights.

        Raises
        ------
        ModelFileError
            There is no such model, or arguments, setup and weights do not belong to it.
        """
        entries = sum(value.size for value in self.state.values())
        for key, value in self.arguments.items():
            if key != "seed" and abs(value) > entries:  # Who builds it would run out of memory.
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


def save_model(path: Path, model: SavedModel) -> None:
    """Write a model file, all of it or nothing: beside its place first, then renamed.

    Parameters
    ----------
    path : Path
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


def load_model(path: Path) -> SavedModel:
    """Read a model file.

    Parameters
    ----------
    path : Path
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
        if not isinstance(name, str) or not all(isinstance(value, int | float) for value in arguments.values()):
            raise ValueError("the name of its model is a text, the arguments are numbers")
        state = {name: read_array(file, name) for name in file}
        return SavedModel(name, arguments, state, about, Setup(**header.get("setup", {})))
