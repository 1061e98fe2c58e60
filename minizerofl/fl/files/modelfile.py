"""A model on disk: a sealed HDF5 file (see `minizerofl.fl.files.sealed`) that describes itself."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

import h5py
import numpy as np

from minizerofl.fl.errors import ModelFileError
from minizerofl.fl.files.sealed import Seal
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
        """Build the model with its weights."""
        model = build(self.name, **self.arguments)
        self.setup.apply(model)
        model.load_state_dict(self.state)
        return model


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
        state: dict[str, np.ndarray] = {name: file[name][()] for name in file}
    return SavedModel(header["name"], header["arguments"], state, header["about"], Setup(**header.get("setup", {})))
